//! Sums of products: the engine behind every contraction.
//!
//! Generated code describes a product by its sizes and strides alone ([`Product`]); how it is computed is decided here,
//! by the sizes of the batch at hand. They are done in register [`tiles`], for which operands are packed where that pays; few rows of operands
//! that are contiguous along the sum have vectors along it ([`dots`]); only results whose rows are not contiguous, either way, go to the crate `matrixmultiply`. [`split`] cuts all of them into blocks for several threads.
//!
//! Every element is a sum of its own, in the order of its terms, and how it is summed depends on sizes and strides alone. Blocks only
//! decide who computes it: so their number may follow the number of threads, and changes no bit.

mod dots;
mod pack;
mod small;
mod split;
mod tile;
mod tiles;

use super::memory::Shared;
use super::scratch::with_own;
use super::simd::Level;
use dots::Dots;
use tiles::{Cut, Tiles};

pub use small::{small_dots, small_packed, small_rows};

/// `c[i, j] = Σ_k a[i, k] * b[k, j]`, all three with any strides.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Strides of `a` along rows and along the sum.
    pub a: [usize; 2],
    /// Strides of `b` along the sum and along columns.
    pub b: [usize; 2],
    /// Strides of `c` along rows and along columns.
    pub c: [usize; 2],
}

/// A loop around a product: steps of its operands and of its result. A result that stays is summed into.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// How often.
    pub count: usize,
    /// Step of `a`.
    pub a: usize,
    /// Step of `b`.
    pub b: usize,
    /// Step of `c`.
    pub c: usize,
}

/// Computes a product for every point of the loops around it, outermost first. Sums over loops start from 0.
///
/// # Panics
/// If a slice is too short, or if the result's elements lie on one another.
pub fn product(p: &Product, around: &[Around], a: &[f32], b: &[f32], c: &mut [f32]) {
    assert!(p.m > 0 && p.n > 0 && p.k > 0 && around.iter().all(|l| l.count > 0), "a product of nothing");
    let last = |strides: [usize; 2], sizes: [usize; 2], step: fn(&Around) -> usize| {
        let around: usize = around.iter().map(|l| (l.count - 1) * step(l)).sum();
        around + (sizes[0] - 1) * strides[0] + (sizes[1] - 1) * strides[1]
    };
    assert!(last(p.a, [p.m, p.k], |l| l.a) < a.len(), "the first operand is too short");
    assert!(last(p.b, [p.k, p.n], |l| l.b) < b.len(), "the second operand is too short");
    assert!(last(p.c, [p.m, p.n], |l| l.c) < c.len(), "the result is too short");
    assert!(p.is_injective(), "the result's elements lie on one another");
    nest(p, around, a, b, c, false);
}

fn nest(p: &Product, around: &[Around], a: &[f32], b: &[f32], c: &mut [f32], add: bool) {
    let Some((l, inner)) = around.split_first() else {
        let (p, a, b) = if p.is_better_transposed() { (&p.transposed(), b, a) } else { (p, a, b) };
        // SAFETY: `product` has checked that the largest index of each operand lies within its slice.
        return unsafe { split::run(Engine::of(p), p, Operands { a, b, c: Shared::new(c), add }) };
    };
    for i in 0..l.count {
        nest(p, inner, &a[i * l.a..], &b[i * l.b..], &mut c[i * l.c..], add || (i > 0 && l.c == 0));
    }
}

impl Product {
    /// Whether no two elements of the result share a place.
    fn is_injective(&self) -> bool {
        let [rows, columns] = self.c;
        (self.m == 1 || rows > 0)
            && (self.n == 1 || columns > 0)
            && (self.m == 1 || self.n == 1 || rows > (self.n - 1) * columns || columns > (self.m - 1) * rows)
    }

    /// Engines like the result's rows to be contiguous, and one long row better than one long column.
    fn is_better_transposed(&self) -> bool {
        let dots = self.a[1] == 1 && self.b[0] == 1 && self.k >= 32;
        self.c[0] == 1 && if self.n == 1 { self.m > 1 && dots } else { self.c[1] != 1 }
    }

    /// Multiply-adds.
    #[inline]
    fn work(&self) -> usize {
        self.m.saturating_mul(self.n).saturating_mul(self.k)
    }

    /// The same product with the result's rows and columns exchanged; then the operands change places, too.
    fn transposed(&self) -> Self {
        let flip = |[x, y]: [usize; 2]| [y, x];
        Product { m: self.n, n: self.m, k: self.k, a: flip(self.b), b: flip(self.a), c: flip(self.c) }
    }
}

/// The memory of a product.
#[derive(Clone, Copy)]
struct Operands<'a> {
    a: &'a [f32],
    b: &'a [f32],
    c: Shared<'a>,
    /// Whether the result is added to what is there.
    add: bool,
}

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    /// In vectors along the sums, of few rows; where the second operand comes from far away, it is asked for ahead.
    Dots { is_far: bool },
    /// In register tiles, which store whole rows: the stride of columns is 1.
    Tiles { is_large: bool },
    /// By `matrixmultiply`, whose results may lie in any way.
    Strided,
}

/// The largest product, in multiply-adds, that threads share in small blocks, whose operands are packed again for each of them.
const TILE_WORK: usize = 1 << 22;
/// Rows up to which that is right whatever the size.
const TILE_ROWS: usize = 8;
/// Rows up to which it is where the second operand is read in place, and stays in each thread's second-level cache.
const NEAR_ROWS: usize = 64;
/// Floats of a second operand that the second-level cache holds while few rows read it in place: 1 MiB.
const NEAR: usize = 1 << 18;

impl Engine {
    fn of(p: &Product) -> Self {
        match p.c[1] == 1 || p.n == 1 {
            true if dots::suits(p) => Engine::Dots { is_far: p.k * p.n > NEAR },
            true => {
                let is_near = p.m <= NEAR_ROWS && p.b[1] == 1 && p.k * p.n <= NEAR;
                Engine::Tiles { is_large: p.work() > TILE_WORK && p.m > TILE_ROWS && !is_near }
            }
            false => Engine::Strided,
        }
    }

    /// Computes a block on this thread, in tiles if it is cut for them, with these slivers of the whole product.
    ///
    /// # Safety
    /// The largest index of each operand lies within its slice, and nobody else touches the elements of the result.
    #[inline]
    unsafe fn compute(self, level: Level, p: &Product, o: Operands<'_>, cut: Option<Cut>, slivers: &[f32]) {
        match (self, cut) {
            (Engine::Dots { is_far }, _) => level.run(Dots { p, o, is_far }),
            (Engine::Tiles { .. }, Some(cut)) => {
                with_own(cut.need().own, |own| level.run(Tiles { p, o, cut, slivers, own }))
            }
            // SAFETY: the caller says so.
            _ => unsafe { strided(p, o) },
        }
    }
}

/// # Safety
/// As for [`Engine::compute`].
unsafe fn strided(p: &Product, o: Operands<'_>) {
    let stride = |s: usize| isize::try_from(s).expect("strides lie within slices");
    // SAFETY: strides are not negative, so the largest index is the last one, and the caller says that it lies within.
    unsafe {
        matrixmultiply::sgemm(
            p.m,
            p.k,
            p.n,
            1.0,
            o.a.as_ptr(),
            stride(p.a[0]),
            stride(p.a[1]),
            o.b.as_ptr(),
            stride(p.b[0]),
            stride(p.b[1]),
            f32::from(u8::from(o.add)),
            o.c.as_mut_ptr(),
            stride(p.c[0]),
            stride(p.c[1]),
        );
    }
}

#[cfg(test)]
mod tests;
