//! Vectors of eight floats, for the processor that runs.
//!
//! Kernels are written once, generic over a [`Simd`]: a token whose existence proves that the processor has what its
//! methods use. [`dispatch`] picks the token while running and compiles the kernel for it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;
mod wide;

use std::ops::Range;

use super::math;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub use plain::Plain;
pub(crate) use wide::Level;
pub use wide::{Wide, WideKernel, dispatch_wide};

/// Floats in a vector, on every processor, so that sums have one order everywhere.
pub const LANES: usize = 8;

/// Work that is compiled once for each kind of processor.
pub trait Kernel {
    /// What it gives.
    type Output;
    /// Does it. Implementations are `#[inline(always)]`, or the processor's features do not reach them.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Runs a kernel, compiled for the best features that this processor has.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(s) = Avx2::detect() {
        return s.run(kernel);
    }
    kernel.run(Plain)
}

/// Asks the processor for the line of an element that is read soon; no harm if there is no such element.
#[inline(always)]
pub fn prefetch(from: &[f32], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: x86-64 has the instruction; it never faults, and changes nothing that a program could see.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, at);
}

/// The lanes below `count` in which `first + lane * step` lies in `0..end`. A `first` below 0 is counted from `usize`'s end.
#[inline(always)]
pub fn lanes_within(first: usize, step: isize, end: usize, count: usize) -> Range<usize> {
    let (first, end, count) = (first as isize, end as isize, count as isize);
    // Counted from the side that the lanes walk away from.
    let first = if step < 0 { end - 1 - first } else { first };
    let step = step.abs();
    let (to_start, to_end) = ((-first).max(0), (end - first).max(0));
    let (start, stop) = match step {
        1 => (to_start, to_end),
        _ => ((to_start + step - 1) / step, (to_end + step - 1) / step),
    };
    let stop = stop.min(count);
    start.min(stop) as usize..stop as usize
}

/// A processor's vectors of [`LANES`] floats.
///
/// `count` says how many lanes matter, from the first one: a load leaves the others 0, a store leaves the memory
/// behind them alone. Memory is reached through slices, and an access beyond them panics.
pub trait Simd: Copy + Send + Sync {
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
    /// A vector from its lanes.
    fn vector(self, lanes: [f32; LANES]) -> Self::V;
    /// A vector's lanes.
    fn lanes(self, v: Self::V) -> [f32; LANES];

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
    /// `a * b - c`, rounded like [`Simd::mul_add`].
    #[inline(always)]
    fn mul_sub(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.mul_add(a, b, self.neg(c))
    }
    /// `c - a * b`, rounded like [`Simd::mul_add`].
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
    /// `(m, e)` with `x = m * 2^e` and `m` in [√½, √2), for positive normal `x`.
    fn split_exponent(self, x: Self::V) -> (Self::V, Self::V);
    /// `a` with the sign of `b`.
    fn copy_sign(self, a: Self::V, b: Self::V) -> Self::V;

    /// A vector whose lane `i` is `f(i)` below `count` and 0 behind.
    #[inline(always)]
    fn gather(self, count: usize, f: impl Fn(usize) -> f32) -> Self::V {
        let mut lanes = [0.0; LANES];
        for (i, lane) in lanes.iter_mut().enumerate().take(count) {
            *lane = f(i);
        }
        self.vector(lanes)
    }

    /// Lanes `from[at + i * step]` for `i` below `count`, 0 behind.
    #[inline(always)]
    fn load_every(self, from: &[f32], at: usize, step: usize, count: usize) -> Self::V {
        self.gather(count, |i| from[at + i * step])
    }

    /// Lanes `from[at + i / times]` for `i` below `count`, 0 behind.
    #[inline(always)]
    fn load_repeated(self, from: &[f32], at: usize, times: usize, count: usize) -> Self::V {
        self.gather(count, |i| from[at + i / times])
    }

    /// `from[at + i * step]` for these lanes, 0 in the others. What would be in front of the slice is counted from `usize`'s
    /// end.
    #[inline(always)]
    fn load_part(self, from: &[f32], at: usize, step: usize, lanes: Range<usize>) -> Self::V {
        let (first, count) = (at.wrapping_add(lanes.start * step), lanes.len());
        if count == 0 {
            return self.splat(0.0);
        }
        let part = match step {
            1 => self.load(from, first, count),
            _ => self.load_every(from, first, step, count),
        };
        if lanes.start == 0 {
            return part;
        }
        let mut shifted = [0.0; 2 * LANES];
        shifted[lanes.start..][..LANES].copy_from_slice(&self.lanes(part));
        self.vector(std::array::from_fn(|i| shifted[i]))
    }

    /// 1 in these lanes, 0 in the others.
    #[inline(always)]
    fn ones(self, lanes: Range<usize>) -> Self::V {
        self.vector(std::array::from_fn(|i| if lanes.contains(&i) { 1.0 } else { 0.0 }))
    }

    /// Lane `i` is `first + i * step` as a number.
    #[inline(always)]
    #[allow(clippy::cast_precision_loss)] // indices are exact below 2^24, as everywhere
    fn ramp(self, first: usize, step: usize) -> Self::V {
        self.vector(std::array::from_fn(|i| (first + i * step) as f32))
    }

    /// Uniform numbers in [0, 1) for positions `first + i * step`; see [`super::random`].
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the hash takes positions modulo 2^32
    fn uniform(self, key: super::random::Key, first: usize, step: usize) -> Self::V {
        let mut position = [0; LANES];
        for (i, position) in position.iter_mut().enumerate() {
            *position = (first + i * step) as u32;
        }
        self.vector(key.uniform(position))
    }

    /// Lanes below `count` of `v`, `otherwise` behind.
    #[inline(always)]
    fn only(self, v: Self::V, count: usize, otherwise: f32) -> Self::V {
        if count >= LANES {
            return v;
        }
        let lane = self.ramp(0, 1);
        #[allow(clippy::cast_precision_loss)]
        self.select(self.less(lane, self.splat(count as f32)), v, self.splat(otherwise))
    }

    /// Lane `j` of vector `i` becomes lane `i` of vector `j`.
    #[inline(always)]
    fn transpose(self, rows: [Self::V; LANES]) -> [Self::V; LANES] {
        let rows = rows.map(|v| self.lanes(v));
        std::array::from_fn(|j| self.vector(std::array::from_fn(|i| rows[i][j])))
    }

    /// Vector `j` has the floats `from[at + i * distance + j]` in its lanes `i`.
    #[inline(always)]
    fn load_transposed(self, from: &[f32], at: usize, distance: usize) -> [Self::V; LANES] {
        self.transpose(std::array::from_fn(|i| self.load(from, at + i * distance, LANES)))
    }

    /// The first lane.
    #[inline(always)]
    fn head(self, v: Self::V) -> f32 {
        self.lanes(v)[0]
    }

    /// Writes `to[at + i * step]` for lanes `i` below `count`.
    #[inline(always)]
    fn scatter(self, to: &mut [f32], at: usize, step: usize, count: usize, v: Self::V) {
        for (i, x) in self.lanes(v).into_iter().enumerate().take(count) {
            to[at + i * step] = x;
        }
    }

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

    /// The sum of all lanes: pairs at distance 4, then 2, then 1.
    #[inline(always)]
    fn sum(self, v: Self::V) -> f32 {
        fold(self.lanes(v), |a, b| a + b)
    }

    /// The largest lane.
    #[inline(always)]
    fn largest(self, v: Self::V) -> f32 {
        fold(self.lanes(v), |a, b| if b > a { b } else { a })
    }

    /// The smallest lane.
    #[inline(always)]
    fn smallest(self, v: Self::V) -> f32 {
        fold(self.lanes(v), |a, b| if b < a { b } else { a })
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

    /// The sine, by the standard library.
    #[inline(always)]
    fn sin(self, a: Self::V) -> Self::V {
        self.vector(self.lanes(a).map(f32::sin))
    }

    /// The cosine, by the standard library.
    #[inline(always)]
    fn cos(self, a: Self::V) -> Self::V {
        self.vector(self.lanes(a).map(f32::cos))
    }

    /// `a` to the power of `b`, by the standard library.
    #[inline(always)]
    fn pow(self, a: Self::V, b: Self::V) -> Self::V {
        let (a, b) = (self.lanes(a), self.lanes(b));
        self.vector(std::array::from_fn(|i| a[i].powf(b[i])))
    }
}

#[inline(always)]
fn fold(v: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let [a, b, c, d]: [f32; 4] = std::array::from_fn(|i| f(v[i], v[i + 4]));
    f(f(a, c), f(b, d))
}

#[cfg(test)]
mod tests;
