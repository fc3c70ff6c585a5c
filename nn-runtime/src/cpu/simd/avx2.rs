//! Vectors of AVX2 with fused multiply-add.

use std::arch::x86_64::*;

use super::{Kernel, LANES, Simd, Vectors, WideKernel};
use crate::cpu::random::{self, Key};

/// A proof that the processor has AVX2, FMA and F16C: only [`Avx2::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The token, if the processor has these features and F16C. The standard library caches the answer.
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        let all =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        all.then_some(Avx2(()))
    }

    /// Runs a kernel that is compiled with these features.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn with_features<K: Kernel>(s: Avx2, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: `self` exists, so the processor has these features.
        unsafe { with_features(self, kernel) }
    }

    /// The same for work that may use wider vectors elsewhere.
    #[inline]
    pub(crate) fn run_wide<K: WideKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn with_features<K: WideKernel>(s: Avx2, kernel: K) {
            kernel.run(s);
        }
        // SAFETY: as above.
        unsafe { with_features(self, kernel) }
    }
}

/// `MASKS[LANES - n..][..LANES]` has all bits set in the first `n` lanes.
static MASKS: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
fn mask(count: usize) -> __m256i {
    let lanes: &[i32; LANES] = MASKS[LANES - count..].first_chunk().expect("at most LANES");
    // SAFETY: eight integers are read from an array of eight integers.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

// SAFETY, for every `unsafe` block below: the intrinsics need AVX2, FMA or F16C, which the processor has, since `self` exists;
// those that touch memory say in addition why it is theirs.
impl Vectors for Avx2 {
    const LANES: usize = LANES;
    type V = __m256;
    type M = __m256;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32], at: usize, count: usize) -> __m256 {
        if count >= LANES {
            let from = &from[at..at + LANES];
            // SAFETY: see above; the slice has eight floats.
            unsafe { _mm256_loadu_ps(from.as_ptr()) }
        } else {
            let from = &from[at..at + count];
            // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
            unsafe { _mm256_maskload_ps(from.as_ptr(), mask(count)) }
        }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32], at: usize, count: usize, v: __m256) {
        if count >= LANES {
            let to = &mut to[at..at + LANES];
            // SAFETY: see above; the slice has eight floats.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
        } else {
            let to = &mut to[at..at + count];
            // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
            unsafe { _mm256_maskstore_ps(to.as_mut_ptr(), mask(count), v) }
        }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn neg(self, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_xor_ps(a, _mm256_set1_ps(-0.0)) }
    }

    #[inline(always)]
    fn abs(self, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
    }

    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_sqrt_ps(a) }
    }

    #[inline(always)]
    fn floor(self, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_floor_ps(a) }
    }

    #[inline(always)]
    fn to_half(self, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(a)) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above. The instruction gives its second operand if either is NaN.
        unsafe { _mm256_min_ps(b, a) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above. The instruction gives its second operand if either is NaN.
        unsafe { _mm256_max_ps(b, a) }
    }

    #[inline(always)]
    fn less(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    fn less_equal(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cmp_ps::<_CMP_LE_OQ>(a, b) }
    }

    #[inline(always)]
    fn equal(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b) }
    }

    #[inline(always)]
    fn nonzero(self, a: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cmp_ps::<_CMP_NEQ_UQ>(a, _mm256_setzero_ps()) }
    }

    #[inline(always)]
    fn select(self, m: __m256, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_blendv_ps(b, a, m) }
    }

    #[inline(always)]
    fn exp2_whole(self, n: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        }
    }

    #[inline(always)]
    fn split_exponent(self, x: __m256) -> (__m256, __m256) {
        // As in `Plain`: the distance from √½ carries into the exponent where m reaches √2.
        // SAFETY: see above.
        unsafe {
            let root = _mm256_castps_si256(_mm256_set1_ps(std::f32::consts::FRAC_1_SQRT_2));
            let offset = _mm256_sub_epi32(_mm256_castps_si256(x), root);
            let m = _mm256_add_epi32(_mm256_and_si256(offset, _mm256_set1_epi32(0x007f_ffff)), root);
            (_mm256_castsi256_ps(m), _mm256_cvtepi32_ps(_mm256_srai_epi32::<23>(offset)))
        }
    }

    #[inline(always)]
    fn copy_sign(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b))
        }
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // the hash takes positions modulo 2^32
    fn uniform(self, key: Key, first: usize, step: usize) -> __m256 {
        let [y, z, w] = key.begun();
        // The first round adds a constant to what the position has become: both together are one multiple of the position.
        let start = (first as u32).wrapping_mul(random::A).wrapping_add(random::C).wrapping_add(y.wrapping_mul(w));
        let distance = (step as u32).wrapping_mul(random::A);
        // SAFETY: see above.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let ramp = _mm256_mullo_epi32(lane, _mm256_set1_epi32(distance as i32));
            let x = _mm256_add_epi32(_mm256_set1_epi32(start as i32), ramp);
            let [y, z, w] = [_mm256_set1_epi32(y as i32), _mm256_set1_epi32(z as i32), _mm256_set1_epi32(w as i32)];
            let y = _mm256_add_epi32(y, _mm256_mullo_epi32(z, x));
            let z = _mm256_add_epi32(z, _mm256_mullo_epi32(x, y));
            let w = _mm256_add_epi32(w, _mm256_mullo_epi32(y, z));
            // Of the second round, only the first word is looked at.
            let x = _mm256_xor_si256(x, _mm256_srli_epi32::<16>(x));
            let y = _mm256_xor_si256(y, _mm256_srli_epi32::<16>(y));
            let w = _mm256_xor_si256(w, _mm256_srli_epi32::<16>(w));
            let x = _mm256_add_epi32(x, _mm256_mullo_epi32(y, w));
            let number = _mm256_cvtepi32_ps(_mm256_srli_epi32::<8>(x));
            _mm256_mul_ps(number, _mm256_set1_ps(1.0 / 16_777_216.0))
        }
    }

    #[inline(always)]
    fn times_exp2(self, p: __m256, shifted: __m256) -> __m256 {
        // As in `Plain`.
        // SAFETY: see above.
        unsafe {
            let n = _mm256_castps_si256(shifted);
            let half = _mm256_srli_epi32::<1>(n);
            let rest = _mm256_sub_epi32(n, half);
            let [half, rest] = [_mm256_slli_epi32::<23>(half), _mm256_slli_epi32::<23>(rest)];
            _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(half)), _mm256_castsi256_ps(rest))
        }
    }

    of_lanes!();
}

impl Simd for Avx2 {
    #[inline(always)]
    fn vector(self, lanes: [f32; LANES]) -> __m256 {
        // SAFETY: see above; the array has eight floats.
        unsafe { _mm256_loadu_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn lanes(self, v: __m256) -> [f32; LANES] {
        let mut lanes = [0.0; LANES];
        // SAFETY: see above; the array has eight floats.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), v) };
        lanes
    }

    #[inline(always)]
    fn load_every(self, from: &[f32], at: usize, step: usize, count: usize) -> __m256 {
        if step != 2 || count == 0 {
            return self.gather(count, |i| from[at + i * step]);
        }
        // Elements 0 to 7 and 7 to 14, as far as they are there.
        let last = 2 * count - 1;
        let low = self.load(from, at, last.min(LANES));
        let high = if last < LANES { self.splat(0.0) } else { self.load(from, at + 7, last - 7) };
        // SAFETY: see above.
        unsafe {
            // In each half, two of the low ones with even numbers, two of the high ones with odd numbers.
            let mixed = _mm256_castps_pd(_mm256_shuffle_ps::<0xd8>(low, high));
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(mixed))
        }
    }

    #[inline(always)]
    fn load_repeated(self, from: &[f32], at: usize, times: usize, count: usize) -> __m256 {
        let v = self.load(from, at, count.div_ceil(times));
        let place: [i32; LANES] = std::array::from_fn(|i| (i / times) as i32);
        // SAFETY: see above; eight integers are read from an array of eight integers.
        unsafe {
            let repeated = _mm256_permutevar8x32_ps(v, _mm256_loadu_si256(place.as_ptr().cast()));
            _mm256_and_ps(repeated, _mm256_castsi256_ps(mask(count)))
        }
    }

    #[inline(always)]
    fn transpose(self, r: [__m256; LANES]) -> [__m256; LANES] {
        // Halves, then pairs of rows and quadruples. No closures: only what is inlined for certain has the features.
        let mut halves = r;
        // SAFETY: see above.
        unsafe {
            for i in 0..4 {
                halves[i] = _mm256_permute2f128_ps::<0x20>(r[i], r[i + 4]);
                halves[i + 4] = _mm256_permute2f128_ps::<0x31>(r[i], r[i + 4]);
            }
        }
        self.transpose_halves(halves)
    }

    #[inline(always)]
    fn load_transposed(self, from: &[f32], at: usize, distance: usize) -> [__m256; LANES] {
        let from = &from[at..at + (LANES - 1) * distance + LANES];
        let mut halves = [self.splat(0.0); LANES];
        // What a load puts into its half needs no shuffle afterwards.
        for i in 0..4 {
            // SAFETY: see above; the slice holds eight floats from each of the eight multiples of the distance on.
            unsafe {
                let (low, high) = (from.as_ptr().add(i * distance), from.as_ptr().add((i + 4) * distance));
                let first = _mm256_castps128_ps256(_mm_loadu_ps(low));
                halves[i] = _mm256_insertf128_ps::<1>(first, _mm_loadu_ps(high));
                let second = _mm256_castps128_ps256(_mm_loadu_ps(low.add(4)));
                halves[i + 4] = _mm256_insertf128_ps::<1>(second, _mm_loadu_ps(high.add(4)));
            }
        }
        self.transpose_halves(halves)
    }

    #[inline(always)]
    fn sums(self, v: [__m256; LANES]) -> __m256 {
        // SAFETY: see above. In each step, what is added lies at half the distance, and half as many vectors are left.
        unsafe {
            let mut four = [v[0]; 4];
            for i in 0..4 {
                let (a, b) = (v[i], v[i + 4]);
                four[i] = _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b));
            }
            let mut two = [v[0]; 2];
            for i in 0..2 {
                let (a, b) = (four[2 * i], four[2 * i + 1]);
                two[i] = _mm256_add_ps(_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xee>(a, b));
            }
            let [a, b] = two;
            _mm256_add_ps(_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xdd>(a, b))
        }
    }
}

impl Avx2 {
    /// The rest of a transposition: vector `i` below 4 has the first halves of rows `i` and `i + 4`, the other four the second ones.
    #[inline(always)]
    fn transpose_halves(self, r: [__m256; LANES]) -> [__m256; LANES] {
        let (mut p, mut q) = (r, r);
        // SAFETY: see above.
        unsafe {
            for i in [0, 4] {
                p[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
                p[i + 1] = _mm256_unpacklo_ps(r[i + 2], r[i + 3]);
                p[i + 2] = _mm256_unpackhi_ps(r[i], r[i + 1]);
                p[i + 3] = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
                q[i] = _mm256_shuffle_ps::<0x44>(p[i], p[i + 1]);
                q[i + 1] = _mm256_shuffle_ps::<0xee>(p[i], p[i + 1]);
                q[i + 2] = _mm256_shuffle_ps::<0x44>(p[i + 2], p[i + 3]);
                q[i + 3] = _mm256_shuffle_ps::<0xee>(p[i + 2], p[i + 3]);
            }
        }
        q
    }
}
