//! Vectors as wide as the processor's, for register tiles, and for elementwise kernels that compute much.
//!
//! Other elementwise kernels have vectors of eight lanes everywhere, so that their sums over lanes have one order, and are compiled
//! for AVX2 at most: they wait for memory. A tile never
//! sums over lanes: each element of its result is a sum of its own, in the order of its terms, whatever the width. So
//! tiles may use the widest vectors there are, and AVX-512 gives the same bits as AVX2. Kernels with exponentials and the like, or
//! with random numbers, compute with [`Wide::Long`]; their sums have the order of sixteen lanes everywhere ([`Vectors::PARTS`]).

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{LANES, Plain, Simd, Vectors};

/// A processor's widest vectors, beside those of eight lanes; `count` is as in [`Simd`].
pub trait Wide: Simd {
    /// A vector.
    type W: Copy;
    /// Floats in it: a multiple of [`LANES`].
    const WIDTH: usize;
    /// Rows of a tile, at most.
    const ROWS: usize;
    /// Vectors of a product's tile, at most.
    const SUMS: usize;
    /// What elementwise kernels compute with that are more than loads and stores.
    type Long: Vectors;

    /// The token of these.
    fn long(self) -> Self::Long;
    /// Lane `i` is the sum of vector `i`, in the order of [`Vectors::sum_of_parts`]. It has sixteen lanes, in [`Vectors::PARTS`] parts.
    fn long_sums(self, vectors: [[<Self::Long as Vectors>::V; 2]; LANES]) -> Self::V;
    /// The same number in every lane.
    fn wide_splat(self, x: f32) -> Self::W;
    /// The first `count` numbers.
    fn wide_load(self, from: &[f32], count: usize) -> Self::W;
    /// Writes the first `count` numbers.
    fn wide_store(self, to: &mut [f32], count: usize, v: Self::W);
    /// `a * b + c`, rounded like [`Vectors::mul_add`].
    fn wide_mul_add(self, a: Self::W, b: Self::W, c: Self::W) -> Self::W;
    /// `a + b`
    fn wide_add(self, a: Self::W, b: Self::W) -> Self::W;
    /// `a - b`
    fn wide_sub(self, a: Self::W, b: Self::W) -> Self::W;
    /// Lanes 0, 2, 4, … of `a` and behind them those of `b`; lanes 1, 3, 5, …
    fn wide_unzip(self, a: Self::W, b: Self::W) -> [Self::W; 2];
    /// Lanes of `a` and `b` in turn: what [`Wide::wide_unzip`] takes apart.
    fn wide_zip(self, a: Self::W, b: Self::W) -> [Self::W; 2];
}

/// Processors whose widest vectors are those of eight lanes.
macro_rules! eight_lanes {
    ($token:ty) => {
        impl Wide for $token {
            type W = <$token as Vectors>::V;
            const WIDTH: usize = LANES;
            // 6 rows of 2 vectors leave 4 of 16 registers for the operands.
            const ROWS: usize = 6;
            const SUMS: usize = 12;
            type Long = Self;

            #[inline(always)]
            fn long(self) -> Self {
                self
            }

            #[inline(always)]
            fn long_sums(self, vectors: [[Self::V; 2]; LANES]) -> Self::V {
                let mut eight = [vectors[0][0]; LANES];
                for (eight, [low, high]) in eight.iter_mut().zip(vectors) {
                    *eight = self.add(low, high);
                }
                self.sums(eight)
            }

            #[inline(always)]
            fn wide_splat(self, x: f32) -> Self::W {
                self.splat(x)
            }

            #[inline(always)]
            fn wide_load(self, from: &[f32], count: usize) -> Self::W {
                self.load(from, 0, count)
            }

            #[inline(always)]
            fn wide_store(self, to: &mut [f32], count: usize, v: Self::W) {
                self.store(to, 0, count, v);
            }

            #[inline(always)]
            fn wide_mul_add(self, a: Self::W, b: Self::W, c: Self::W) -> Self::W {
                self.mul_add(a, b, c)
            }

            #[inline(always)]
            fn wide_add(self, a: Self::W, b: Self::W) -> Self::W {
                self.add(a, b)
            }

            #[inline(always)]
            fn wide_sub(self, a: Self::W, b: Self::W) -> Self::W {
                self.sub(a, b)
            }

            #[inline(always)]
            fn wide_unzip(self, a: Self::W, b: Self::W) -> [Self::W; 2] {
                let [a0, a1, a2, a3, a4, a5, a6, a7] = self.lanes(a);
                let [b0, b1, b2, b3, b4, b5, b6, b7] = self.lanes(b);
                [[a0, a2, a4, a6, b0, b2, b4, b6], [a1, a3, a5, a7, b1, b3, b5, b7]].map(|lanes| self.vector(lanes))
            }

            #[inline(always)]
            fn wide_zip(self, a: Self::W, b: Self::W) -> [Self::W; 2] {
                let [a0, a1, a2, a3, a4, a5, a6, a7] = self.lanes(a);
                let [b0, b1, b2, b3, b4, b5, b6, b7] = self.lanes(b);
                [[a0, b0, a1, b1, a2, b2, a3, b3], [a4, b4, a5, b5, a6, b6, a7, b7]].map(|lanes| self.vector(lanes))
            }
        }
    };
}

eight_lanes!(Plain);
#[cfg(target_arch = "x86_64")]
eight_lanes!(Avx2);

/// Work that is compiled once for each width of vectors.
pub trait WideKernel {
    /// Does it. Implementations are `#[inline(always)]`, as a [`super::Kernel`]'s.
    fn run<W: Wide>(self, w: W);
}

/// Runs work on the widest vectors that this processor has.
#[inline]
pub fn dispatch_wide<K: WideKernel>(kernel: K) {
    Level::best().run(kernel);
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

    /// Floats in a vector, rows of a tile, and vectors of a product's tile, both at most.
    pub(crate) fn shape(self) -> [usize; 3] {
        fn of<W: Wide>() -> [usize; 3] {
            [W::WIDTH, W::ROWS, W::SUMS]
        }
        match self {
            Level::Plain => of::<Plain>(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => of::<Avx2>(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => of::<Avx512>(),
        }
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
            Level::Avx2(s) => s.run_wide(kernel),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(s) => s.run(kernel),
        }
    }
}
