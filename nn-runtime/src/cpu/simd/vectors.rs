//! What vectors of any number of lanes can do.

use super::LANES;
use crate::cpu::math;
use crate::cpu::random::Key;

/// What [`Vectors::times_exp2`] wants to have added to a number: it rounds to a whole one, whose bits are the lowest ones then,
/// greater by 254: twice what an exponent of 0 looks like.
pub(in crate::cpu) const SHIFT: f32 = 12_582_912.0 + 254.0;

/// Combines parts by a method of two vectors.
macro_rules! of_parts {
    ($s:ident, $parts:ident, $combine:ident) => {{
        // Written as plain loops: a closure would lose the processor's features.
        let (distance, end) = (Self::PARTS, P * Self::PARTS / 2);
        let (mut all, mut i) = ($parts[0], distance);
        while i < end {
            all = $s.$combine(all, $parts[i]);
            i += distance;
        }
        if distance == 2 {
            let (mut odd, mut i) = ($parts[1], 3);
            while i < end {
                odd = $s.$combine(odd, $parts[i]);
                i += 2;
            }
            all = $s.$combine(all, odd);
        }
        all
    }};
}

/// A processor's vectors of 8 or 16 floats.
///
/// `count` says how many lanes matter, from the first one: a load leaves the others 0, a store leaves the memory
/// behind them alone. Memory is reached through slices, and an access beyond them panics.
pub trait Vectors: Copy + Send + Sync {
    /// Floats in a vector.
    const LANES: usize;
    /// Vectors that hold 16 floats.
    ///
    /// A reduction over lanes has one order, whatever the vectors: that of 16 lanes. So it has an even number `P` of parts for eight
    /// lanes, of which wider vectors use the first half: the terms of a part of 16 lanes are those of two neighbours.
    const PARTS: usize = 2 * LANES / Self::LANES;
    /// A vector.
    type V: Copy;
    /// One truth value for each lane.
    type M: Copy;
    /// The same number in every lane.
    fn splat(self, x: f32) -> Self::V;
    /// `from[at..at + count]`.
    fn load(self, from: &[f32], at: usize, count: usize) -> Self::V;
    /// Writes `to[at..at + count]`.
    fn store(self, to: &mut [f32], at: usize, count: usize, v: Self::V);
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the processor can do so.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b - c`, rounded like [`Vectors::mul_add`].
    #[inline(always)]
    fn mul_sub(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.mul_add(a, b, self.neg(c))
    }

    /// `c - a * b`, rounded like [`Vectors::mul_add`].
    #[inline(always)]
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.mul_add(self.neg(a), b, c)
    }

    /// `-a`
    fn neg(self, a: Self::V) -> Self::V;
    /// `|a|`
    fn abs(self, a: Self::V) -> Self::V;
    /// The square root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The largest whole number that is not larger.
    fn floor(self, a: Self::V) -> Self::V;
    /// The nearest number that an f16 holds, ties to even; infinite from 65,520 on.
    fn to_half(self, a: Self::V) -> Self::V;
    /// The smaller one; `a` if either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger one; `a` if either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a < b`
    fn less(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a <= b`
    fn less_equal(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a == b`
    fn equal(self, a: Self::V, b: Self::V) -> Self::M;
    /// `a != 0`; true for NaN.
    fn nonzero(self, a: Self::V) -> Self::M;
    /// `m ? a : b`
    fn select(self, m: Self::M, a: Self::V, b: Self::V) -> Self::V;
    /// `2^n` for whole numbers `n` in -126..=127.
    fn exp2_whole(self, n: Self::V) -> Self::V;
    /// `p * 2^n` for whole numbers `n` in -151..=129 and `p` in ½..2, rounded once; `n` is given as `n + SHIFT`.
    fn times_exp2(self, p: Self::V, shifted: Self::V) -> Self::V;
    /// `(m, e)` with `x = m * 2^e` and `m` in [√½, √2), for positive normal `x`.
    fn split_exponent(self, x: Self::V) -> (Self::V, Self::V);
    /// `a` with the sign of `b`.
    fn copy_sign(self, a: Self::V, b: Self::V) -> Self::V;
    /// Lane `i` is `first + i * step` as a number.
    fn ramp(self, first: usize, step: usize) -> Self::V;
    /// Uniform numbers in [0, 1) for positions `first + i * step`; see [`crate::cpu::random`].
    fn uniform(self, key: Key, first: usize, step: usize) -> Self::V;

    /// Lanes below `count` of `v`, `otherwise` behind.
    #[inline(always)]
    fn only(self, v: Self::V, count: usize, otherwise: f32) -> Self::V {
        if count >= Self::LANES {
            return v;
        }
        let lane = self.ramp(0, 1);
        #[allow(clippy::cast_precision_loss)]
        self.select(self.less(lane, self.splat(count as f32)), v, self.splat(otherwise))
    }

    /// The first lane.
    fn head(self, v: Self::V) -> f32;

    /// 1 for numbers, 0 for infinities and NaN.
    #[inline(always)]
    fn is_finite(self, a: Self::V) -> Self::V {
        self.number(self.less(self.abs(a), self.splat(f32::INFINITY)))
    }

    /// 1 where true, else 0.
    #[inline(always)]
    fn number(self, m: Self::M) -> Self::V {
        self.select(m, self.splat(1.0), self.splat(0.0))
    }

    /// The sum of all lanes: pairs at distance 8, if there are so many, then 4, 2 and 1.
    fn sum(self, v: Self::V) -> f32;
    /// The largest lane.
    fn largest(self, v: Self::V) -> f32;
    /// The smallest lane.
    fn smallest(self, v: Self::V) -> f32;

    /// The sum of all lanes of `P` parts; see [`Vectors::PARTS`].
    #[inline(always)]
    fn sum_of_parts<const P: usize>(self, parts: [Self::V; P]) -> f32 {
        self.sum(of_parts!(self, parts, add))
    }

    /// The largest lane of `P` parts; see [`Vectors::PARTS`].
    #[inline(always)]
    fn largest_of_parts<const P: usize>(self, parts: [Self::V; P]) -> f32 {
        self.largest(of_parts!(self, parts, max))
    }

    /// The smallest lane of `P` parts; see [`Vectors::PARTS`].
    #[inline(always)]
    fn smallest_of_parts<const P: usize>(self, parts: [Self::V; P]) -> f32 {
        self.smallest(of_parts!(self, parts, min))
    }

    /// -1, 0 or 1; 0 for NaN.
    #[inline(always)]
    fn sign(self, a: Self::V) -> Self::V {
        let zero = self.splat(0.0);
        self.sub(self.number(self.less(zero, a)), self.number(self.less(a, zero)))
    }

    /// `1 / a`
    #[inline(always)]
    fn reciprocal(self, a: Self::V) -> Self::V {
        self.div(self.splat(1.0), a)
    }

    /// See [`math::exp`].
    #[inline(always)]
    fn exp(self, a: Self::V) -> Self::V {
        math::exp(self, a)
    }

    /// See [`math::exp_m1`].
    #[inline(always)]
    fn exp_m1(self, a: Self::V) -> Self::V {
        math::exp_m1(self, a)
    }

    /// See [`math::ln`].
    #[inline(always)]
    fn ln(self, a: Self::V) -> Self::V {
        math::ln(self, a)
    }

    /// See [`math::ln_1p`].
    #[inline(always)]
    fn ln_1p(self, a: Self::V) -> Self::V {
        math::ln_1p(self, a)
    }

    /// See [`math::tanh`].
    #[inline(always)]
    fn tanh(self, a: Self::V) -> Self::V {
        math::tanh(self, a)
    }

    /// See [`math::sigmoid`].
    #[inline(always)]
    fn sigmoid(self, a: Self::V) -> Self::V {
        math::sigmoid(self, a)
    }

    /// See [`math::erf`].
    #[inline(always)]
    fn erf(self, a: Self::V) -> Self::V {
        math::erf(self, a)
    }

    /// [`Vectors::LANES`] of this token.
    #[inline(always)]
    fn width(self) -> usize {
        Self::LANES
    }
}
