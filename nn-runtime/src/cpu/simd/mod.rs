//! Vectors of eight floats, for the processor that runs.
//!
//! Kernels are written once, generic over a [`Simd`]: a token whose existence proves that the processor has what its
//! methods use. [`dispatch`] picks the token while running and compiles the kernel for it.

/// Methods of eight lanes that are written by their array.
macro_rules! of_lanes {
    () => {
        #[inline(always)]
        fn head(self, v: Self::V) -> f32 {
            self.lanes(v)[0]
        }

        #[inline(always)]
        #[allow(clippy::cast_precision_loss)] // indices are exact below 2^24, as everywhere
        fn ramp(self, first: usize, step: usize) -> Self::V {
            self.vector(std::array::from_fn(|i| (first + i * step) as f32))
        }

        #[inline(always)]
        fn sum(self, v: Self::V) -> f32 {
            super::fold(self.lanes(v), |a, b| a + b)
        }

        #[inline(always)]
        fn largest(self, v: Self::V) -> f32 {
            super::fold(self.lanes(v), |a, b| if b > a { b } else { a })
        }

        #[inline(always)]
        fn smallest(self, v: Self::V) -> f32 {
            super::fold(self.lanes(v), |a, b| if b < a { b } else { a })
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;
#[cfg(target_arch = "x86_64")]
mod sixteen;
mod vectors;
mod wide;

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub use plain::Plain;
#[cfg(target_arch = "x86_64")]
pub(crate) use sixteen::Sixteen;
pub(in crate::cpu) use vectors::SHIFT;
pub use vectors::Vectors;
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

/// A processor's vectors of [`LANES`] floats: what [`Vectors`] can do, and what knows the number of lanes.
pub trait Simd: Vectors {
    /// A vector from its lanes.
    fn vector(self, lanes: [f32; LANES]) -> Self::V;
    /// A vector's lanes.
    fn lanes(self, v: Self::V) -> [f32; LANES];

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

    /// Lane `i` is the [sum](Vectors::sum) of vector `i`.
    #[inline(always)]
    fn sums(self, vectors: [Self::V; LANES]) -> Self::V {
        // Turned, they are added as vectors, in the same order.
        let [p, q, r, t, u, v, x, y] = self.transpose(vectors);
        let (p, q, r, t) = (self.add(p, u), self.add(q, v), self.add(r, x), self.add(t, y));
        self.add(self.add(p, r), self.add(q, t))
    }

    /// Writes `to[at + i * step]` for lanes `i` below `count`.
    #[inline(always)]
    fn scatter(self, to: &mut [f32], at: usize, step: usize, count: usize, v: Self::V) {
        for (i, x) in self.lanes(v).into_iter().enumerate().take(count) {
            to[at + i * step] = x;
        }
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
