//! Vectors of sixteen floats, of AVX-512: for kernels that compute much.

use std::arch::x86_64::*;

use super::{Avx512, LANES, SHIFT, Vectors};
use crate::cpu::random::{self, Key};

/// A proof that the processor has what [`Avx512`] needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sixteen(pub(super) Avx512);

impl Sixteen {
    /// Lanes 0 to 7, and 8 to 15.
    #[inline(always)]
    fn halves(self, v: __m512) -> [__m256; 2] {
        // SAFETY: the processor has AVX-512 F, since `self` exists.
        unsafe {
            let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v));
            [_mm512_castps512_ps256(v), _mm256_castpd_ps(high)]
        }
    }
}

/// The first `count` lanes, of fewer than sixteen.
#[inline(always)]
fn mask(count: usize) -> __mmask16 {
    (1 << count) - 1
}

/// All bits but the sign.
const MAGNITUDE: i32 = 0x7fff_ffff;

// SAFETY, for every `unsafe` block below: the intrinsics need AVX-512 F, which the processor has, since `self` exists;
// those that touch memory say in addition why it is theirs.
impl Vectors for Sixteen {
    const LANES: usize = 2 * LANES;
    type V = __m512;
    type M = __mmask16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32], at: usize, count: usize) -> __m512 {
        if count >= Self::LANES {
            let from = &from[at..at + Self::LANES];
            // SAFETY: see above; the slice has sixteen floats.
            unsafe { _mm512_loadu_ps(from.as_ptr()) }
        } else {
            let from = &from[at..at + count];
            // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
            unsafe { _mm512_maskz_loadu_ps(mask(count), from.as_ptr()) }
        }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32], at: usize, count: usize, v: __m512) {
        if count >= Self::LANES {
            let to = &mut to[at..at + Self::LANES];
            // SAFETY: see above; the slice has sixteen floats.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
        } else {
            let to = &mut to[at..at + count];
            // SAFETY: see above; the mask selects the slice's floats, and no others are touched.
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask(count), v) }
        }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn neg(self, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32(!MAGNITUDE))) }
    }

    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(MAGNITUDE))) }
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sqrt_ps(a) }
    }

    #[inline(always)]
    fn floor(self, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a) }
    }

    #[inline(always)]
    fn to_half(self, a: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtph_ps(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(a)) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above. The instruction gives its second operand if either is NaN.
        unsafe { _mm512_min_ps(b, a) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above. The instruction gives its second operand if either is NaN.
        unsafe { _mm512_max_ps(b, a) }
    }

    #[inline(always)]
    fn less(self, a: __m512, b: __m512) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    fn less_equal(self, a: __m512, b: __m512) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b) }
    }

    #[inline(always)]
    fn equal(self, a: __m512, b: __m512) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b) }
    }

    #[inline(always)]
    fn nonzero(self, a: __m512) -> __mmask16 {
        // SAFETY: see above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a, _mm512_setzero_ps()) }
    }

    #[inline(always)]
    fn select(self, m: __mmask16, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mask_blend_ps(m, b, a) }
    }

    #[inline(always)]
    fn exp2_whole(self, n: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(biased))
        }
    }

    #[inline(always)]
    fn times_exp2(self, p: __m512, shifted: __m512) -> __m512 {
        // SAFETY: see above. One instruction does what others need two multiplications for.
        unsafe { _mm512_scalef_ps(p, _mm512_sub_ps(shifted, _mm512_set1_ps(SHIFT))) }
    }

    #[inline(always)]
    fn split_exponent(self, x: __m512) -> (__m512, __m512) {
        // As in `Plain`.
        // SAFETY: see above.
        unsafe {
            let root = _mm512_castps_si512(_mm512_set1_ps(std::f32::consts::FRAC_1_SQRT_2));
            let offset = _mm512_sub_epi32(_mm512_castps_si512(x), root);
            let m = _mm512_add_epi32(_mm512_and_si512(offset, _mm512_set1_epi32(0x007f_ffff)), root);
            (_mm512_castsi512_ps(m), _mm512_cvtepi32_ps(_mm512_srai_epi32::<23>(offset)))
        }
    }

    #[inline(always)]
    fn copy_sign(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above. Bits of `a` where the mask has them, else those of `b`.
        unsafe {
            let [a, b] = [_mm512_castps_si512(a), _mm512_castps_si512(b)];
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<0xca>(_mm512_set1_epi32(MAGNITUDE), a, b))
        }
    }

    #[inline(always)]
    fn ramp(self, first: usize, step: usize) -> __m512 {
        let mut lanes = [0.0; 2 * LANES];
        for (i, lane) in lanes.iter_mut().enumerate() {
            #[allow(clippy::cast_precision_loss)] // indices are exact below 2^24, as everywhere
            let number = (first + i * step) as f32;
            *lane = number;
        }
        // SAFETY: see above; the array has sixteen floats.
        unsafe { _mm512_loadu_ps(lanes.as_ptr()) }
    }

    #[inline(always)]
    fn only(self, v: __m512, count: usize, otherwise: f32) -> __m512 {
        if count >= Self::LANES {
            return v;
        }
        self.select(mask(count), v, self.splat(otherwise))
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // the hash takes positions modulo 2^32
    fn uniform(self, key: Key, first: usize, step: usize) -> __m512 {
        // As in `Avx2`.
        let [y, z, w] = key.begun();
        let start = (first as u32).wrapping_mul(random::A).wrapping_add(random::C).wrapping_add(y.wrapping_mul(w));
        let distance = (step as u32).wrapping_mul(random::A);
        // SAFETY: see above.
        unsafe {
            let lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let ramp = _mm512_mullo_epi32(lane, _mm512_set1_epi32(distance as i32));
            let x = _mm512_add_epi32(_mm512_set1_epi32(start as i32), ramp);
            let [y, z, w] = [_mm512_set1_epi32(y as i32), _mm512_set1_epi32(z as i32), _mm512_set1_epi32(w as i32)];
            let y = _mm512_add_epi32(y, _mm512_mullo_epi32(z, x));
            let z = _mm512_add_epi32(z, _mm512_mullo_epi32(x, y));
            let w = _mm512_add_epi32(w, _mm512_mullo_epi32(y, z));
            let x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
            let y = _mm512_xor_si512(y, _mm512_srli_epi32::<16>(y));
            let w = _mm512_xor_si512(w, _mm512_srli_epi32::<16>(w));
            let x = _mm512_add_epi32(x, _mm512_mullo_epi32(y, w));
            let number = _mm512_cvtepi32_ps(_mm512_srli_epi32::<8>(x));
            _mm512_mul_ps(number, _mm512_set1_ps(1.0 / 16_777_216.0))
        }
    }

    #[inline(always)]
    fn head(self, v: __m512) -> f32 {
        // SAFETY: see above.
        unsafe { _mm512_cvtss_f32(v) }
    }

    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        let [low, high] = self.halves(v);
        self.0.sum(self.0.add(low, high))
    }

    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        let [low, high] = self.halves(v);
        self.0.largest(self.0.max(low, high))
    }

    #[inline(always)]
    fn smallest(self, v: __m512) -> f32 {
        let [low, high] = self.halves(v);
        self.0.smallest(self.0.min(low, high))
    }
}
