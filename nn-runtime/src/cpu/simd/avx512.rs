//! Vectors of AVX-512: wide ones for register tiles, and those of eight lanes, which are AVX2's with better masks.

use std::arch::x86_64::*;

use super::wide::{Wide, WideKernel};
use super::{Avx2, LANES, SHIFT, Simd, Sixteen, Vectors};
use crate::cpu::random::Key;

/// A proof that the processor has AVX-512 F and VL, AVX2 and FMA: only [`Avx512::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(Avx2);

impl Avx512 {
    /// The token, if the processor has these features. The standard library caches the answer.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let both = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
        if both { Avx2::detect().map(Avx512) } else { None }
    }

    /// Runs a kernel that is compiled with these features.
    #[inline]
    pub(crate) fn run<K: WideKernel>(self, kernel: K) {
        #[target_feature(enable = "avx512f,avx512vl,avx2,fma,f16c")]
        fn with_features<K: WideKernel>(s: Avx512, kernel: K) {
            kernel.run(s);
        }
        // SAFETY: `self` exists, so the processor has these features.
        unsafe { with_features(self, kernel) }
    }
}

#[inline(always)]
fn mask(count: usize) -> __mmask16 {
    // At most 16 lanes are left out, so no bit is shifted out of 32.
    (0xffff_u32 >> (Avx512::WIDTH - count)) as __mmask16
}

/// Methods that are AVX2's.
macro_rules! as_avx2 {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(
            #[inline(always)]
            fn $name(self, $($argument: $kind),*) -> $result {
                self.0.$name($($argument),*)
            }
        )*
    };
}

// SAFETY, for every `unsafe` block below: the intrinsics need AVX-512 F or VL, which the processor has, since `self`
// exists; those that touch memory say in addition why it is theirs.
impl Vectors for Avx512 {
    const LANES: usize = LANES;
    type V = __m256;
    type M = __m256;

    #[inline(always)]
    fn load(self, from: &[f32], at: usize, count: usize) -> __m256 {
        if count >= LANES {
            return self.0.load(from, at, count);
        }
        let from = &from[at..at + count];
        // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
        unsafe { _mm256_maskz_loadu_ps(mask(count) as __mmask8, from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32], at: usize, count: usize, v: __m256) {
        if count >= LANES {
            return self.0.store(to, at, count, v);
        }
        let to = &mut to[at..at + count];
        // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
        unsafe { _mm256_mask_storeu_ps(to.as_mut_ptr(), mask(count) as __mmask8, v) }
    }

    #[inline(always)]
    fn times_exp2(self, p: __m256, shifted: __m256) -> __m256 {
        // SAFETY: see above. One instruction does what others need two multiplications for.
        unsafe { _mm256_scalef_ps(p, _mm256_sub_ps(shifted, _mm256_set1_ps(SHIFT))) }
    }

    as_avx2! {
        fn splat(x: f32) -> __m256;
        fn add(a: __m256, b: __m256) -> __m256;
        fn sub(a: __m256, b: __m256) -> __m256;
        fn mul(a: __m256, b: __m256) -> __m256;
        fn div(a: __m256, b: __m256) -> __m256;
        fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256;
        fn neg(a: __m256) -> __m256;
        fn abs(a: __m256) -> __m256;
        fn sqrt(a: __m256) -> __m256;
        fn floor(a: __m256) -> __m256;
        fn to_half(a: __m256) -> __m256;
        fn min(a: __m256, b: __m256) -> __m256;
        fn max(a: __m256, b: __m256) -> __m256;
        fn less(a: __m256, b: __m256) -> __m256;
        fn less_equal(a: __m256, b: __m256) -> __m256;
        fn equal(a: __m256, b: __m256) -> __m256;
        fn nonzero(a: __m256) -> __m256;
        fn select(m: __m256, a: __m256, b: __m256) -> __m256;
        fn exp2_whole(n: __m256) -> __m256;
        fn head(v: __m256) -> f32;
        fn ramp(first: usize, step: usize) -> __m256;
        fn sum(v: __m256) -> f32;
        fn largest(v: __m256) -> f32;
        fn smallest(v: __m256) -> f32;
        fn uniform(key: Key, first: usize, step: usize) -> __m256;
        fn split_exponent(x: __m256) -> (__m256, __m256);
        fn copy_sign(a: __m256, b: __m256) -> __m256;
    }
}

impl Simd for Avx512 {
    as_avx2! {
        fn vector(lanes: [f32; LANES]) -> __m256;
        fn lanes(v: __m256) -> [f32; LANES];
        fn load_every(from: &[f32], at: usize, step: usize, count: usize) -> __m256;
        fn load_repeated(from: &[f32], at: usize, times: usize, count: usize) -> __m256;
        fn transpose(rows: [__m256; LANES]) -> [__m256; LANES];
        fn load_transposed(from: &[f32], at: usize, distance: usize) -> [__m256; LANES];
        fn sums(vectors: [__m256; LANES]) -> __m256;
    }
}

impl Wide for Avx512 {
    type W = __m512;
    const WIDTH: usize = 2 * LANES;
    // 8 rows of 2 vectors: 16 sums at a time hide the latency of two multiply-adds a cycle, and sides of layers are mostly
    // multiples of 8.
    const ROWS: usize = 8;
    // 6 rows of 4 vectors or 8 of 3: fewer loads for each sum, which count where two threads share a core.
    const SUMS: usize = 24;
    type Long = Sixteen;

    #[inline(always)]
    fn long(self) -> Sixteen {
        Sixteen(self)
    }

    #[inline(always)]
    fn long_sums(self, v: [[__m512; 2]; LANES]) -> __m256 {
        // SAFETY: see above. In each step, what is added lies at half the distance, and half as many vectors are left.
        unsafe {
            let mut four = [v[0][0]; 4];
            for i in 0..4 {
                let (a, b) = (v[2 * i][0], v[2 * i + 1][0]);
                four[i] = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
            }
            let mut two = [v[0][0]; 2];
            for i in 0..2 {
                let (a, b) = (four[2 * i], four[2 * i + 1]);
                two[i] = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
            }
            let [a, b] = two;
            let pairs = _mm512_add_ps(_mm512_shuffle_ps::<0x44>(a, b), _mm512_shuffle_ps::<0xee>(a, b));
            // Twice each: those of vectors 0 and 4, 1 and 5, 2 and 6, 3 and 7.
            let sums = _mm512_add_ps(pairs, _mm512_permute_ps::<0xb1>(pairs));
            let places = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
            _mm512_castps512_ps256(_mm512_permutexvar_ps(places, sums))
        }
    }

    #[inline(always)]
    fn wide_splat(self, x: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn wide_load(self, from: &[f32], count: usize) -> __m512 {
        if count >= Self::WIDTH {
            let from = &from[..Self::WIDTH];
            // SAFETY: see above; the slice has sixteen floats.
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        } else {
            let from = &from[..count];
            // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
            unsafe { _mm512_maskz_loadu_ps(mask(count), from.as_ptr()) }
        }
    }

    #[inline(always)]
    fn wide_store(self, to: &mut [f32], count: usize, v: __m512) {
        if count >= Self::WIDTH {
            let to = &mut to[..Self::WIDTH];
            // SAFETY: see above; the slice has sixteen floats.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
        } else {
            let to = &mut to[..count];
            // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask(count), v) }
        }
    }

    #[inline(always)]
    fn wide_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn wide_add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn wide_sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn wide_unzip(self, a: __m512, b: __m512) -> [__m512; 2] {
        // SAFETY: see above.
        unsafe {
            let evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odds = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            [_mm512_permutex2var_ps(a, evens, b), _mm512_permutex2var_ps(a, odds, b)]
        }
    }

    #[inline(always)]
    fn wide_zip(self, a: __m512, b: __m512) -> [__m512; 2] {
        // SAFETY: see above.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
        }
    }
}
