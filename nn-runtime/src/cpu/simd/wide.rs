//! Vectors as wide as the processor's, for register tiles.
//!
//! Elementwise kernels have vectors of eight lanes everywhere, so that their sums over lanes have one order. A tile never
//! sums over lanes: each element of its result is a sum of its own, in the order of its terms, whatever the width. So
//! tiles may use the widest vectors there are, and AVX-512 gives the same bits as AVX2.

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{LANES, Plain, Simd};

/// A processor's widest vectors; `count` is as in [`Simd`].
pub(crate) trait Wide: Copy {
    /// A vector.
    type W: Copy;
    /// Floats in it: a multiple of [`LANES`].
    const WIDTH: usize;
    /// Rows of the largest tile of two vectors a row.
    const ROWS: usize;
    /// The vectors of eight lanes that go with it.
    type Narrow: Simd;

    /// The token of those vectors.
    fn narrow(self) -> Self::Narrow;
    /// The same number in every lane.
    fn wide_splat(self, x: f32) -> Self::W;
    /// The first `count` numbers.
    fn wide_load(self, from: &[f32], count: usize) -> Self::W;
    /// Writes the first `count` numbers.
    fn wide_store(self, to: &mut [f32], count: usize, v: Self::W);
    /// `a * b + c`, rounded like [`Simd::mul_add`].
    fn wide_mul_add(self, a: Self::W, b: Self::W, c: Self::W) -> Self::W;
}

impl<S: Simd> Wide for S {
    type W = S::V;
    type Narrow = S;
    const WIDTH: usize = LANES;
    // 6 rows of 2 vectors leave 4 of 16 registers for the operands.
    const ROWS: usize = 6;

    #[inline(always)]
    fn narrow(self) -> S {
        self
    }

    #[inline(always)]
    fn wide_splat(self, x: f32) -> S::V {
        self.splat(x)
    }

    #[inline(always)]
    fn wide_load(self, from: &[f32], count: usize) -> S::V {
        self.load(from, 0, count)
    }

    #[inline(always)]
    fn wide_store(self, to: &mut [f32], count: usize, v: S::V) {
        self.store(to, 0, count, v);
    }

    #[inline(always)]
    fn wide_mul_add(self, a: S::V, b: S::V, c: S::V) -> S::V {
        self.mul_add(a, b, c)
    }
}

/// Work that is compiled once for each width of vectors.
pub(crate) trait WideKernel {
    /// Does it. Implementations are `#[inline(always)]`, as a [`super::Kernel`]'s.
    fn run<W: Wide>(self, w: W);
}

/// Wide work on vectors of eight lanes.
#[cfg(target_arch = "x86_64")]
struct Narrowed<K>(K);

#[cfg(target_arch = "x86_64")]
impl<K: WideKernel> super::Kernel for Narrowed<K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.0.run(s);
    }
}

/// Which of a processor's vectors are used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Level {
    /// The best ones that this processor has.
    #[inline]
    pub(crate) fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(s) = Avx512::detect() {
                return Level::Avx512(s);
            }
            if let Some(s) = Avx2::detect() {
                return Level::Avx2(s);
            }
        }
        Level::Plain
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Level> {
        #[cfg(target_arch = "x86_64")]
        let wider = [Avx2::detect().map(Level::Avx2), Avx512::detect().map(Level::Avx512)];
        #[cfg(not(target_arch = "x86_64"))]
        let wider = [None; 2];
        wider.into_iter().flatten().chain([Level::Plain]).collect()
    }

    /// Runs a kernel with these vectors.
    #[inline]
    pub(crate) fn run<K: WideKernel>(self, kernel: K) {
        match self {
            Level::Plain => kernel.run(Plain),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(s) => s.run(Narrowed(kernel)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(s) => s.run(kernel),
        }
    }
}
