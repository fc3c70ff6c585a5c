//! Products of few rows whose operands are contiguous along the sum: vectors lie along it, so nothing has to be transposed, and the
//! second operand is read once.
//!
//! Every sum has sixteen lanes, whatever the vectors, which are added at its end.

use super::{Operands, Product};
use crate::cpu::simd::{LANES, Vectors, Wide, WideKernel, prefetch};

/// Rows up to which this is better than tiles, whose vectors lie along columns.
pub(super) const ROWS: usize = 4;
/// Columns at a time of one row in a small network.
const FEW: usize = 4;
/// Terms of a step.
const STEP: usize = 2 * LANES;

/// A product of such operands.
pub(super) struct Dots<'a> {
    pub p: &'a Product,
    pub o: Operands<'a>,
    /// Whether lines of the second operand are asked for ahead.
    pub is_far: bool,
}

/// Whether a product is computed so.
pub(super) fn suits(p: &Product) -> bool {
    p.m <= ROWS && p.a[1] == 1 && p.b[0] == 1 && p.k >= LANES
}

impl WideKernel for Dots<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        match self.is_far {
            true => dots::<W, true>(w, self.p, self.o),
            false => dots::<W, false>(w, self.p, self.o),
        }
    }
}

/// Sums of two operands that are contiguous along them; so are the result's rows. No element is touched but the result's.
///
/// # Panics
/// If a slice is too short.
#[inline(always)]
fn dots<W: Wide, const FAR: bool>(w: W, p: &Product, o: Operands<'_>) {
    assert!((1..=ROWS).contains(&p.m) && p.n > 0 && p.k > 0, "a product of few rows");
    assert!((p.m - 1) * p.a[0] + p.k <= o.a.len(), "the first operand holds all rows");
    assert!((p.n - 1) * p.b[1] + p.k <= o.b.len(), "the second operand holds all columns");
    // So many sums at a time that they hide the latency of multiply-adds, and stay in registers.
    match (p.m, <W::Long as Vectors>::PARTS) {
        (1, 1) => rows::<W, 1, 8, FAR>(w, p, o),
        (1, _) => rows::<W, 1, 4, FAR>(w, p, o),
        (2, 1) => rows::<W, 2, 8, FAR>(w, p, o),
        (2, _) => rows::<W, 2, 2, FAR>(w, p, o),
        (_, 1) => rows::<W, 4, 4, FAR>(w, p, o),
        (_, _) => rows::<W, 4, 1, FAR>(w, p, o),
    }
}

/// The same for one row, with as little text as can be: it becomes part of the kernels of small networks, also where nothing is optimized.
///
/// # Panics
/// If a slice is too short.
#[inline(always)]
pub(super) fn dots_of_row<W: Wide>(w: W, [n, k]: [usize; 2], a: &[f32], b: &[f32], distance: usize, c: &mut [f32]) {
    assert!(n > 0 && k <= a.len() && (n - 1) * distance + k <= b.len() && n <= c.len(), "the operands hold all terms");
    for j in (0..n).step_by(FEW) {
        // SAFETY: the last column ends within the operand, as was just asserted.
        let columns: [&[f32]; FEW] = unsafe { vectors(b, j * distance, distance, n - j, k) };
        let mut sums = [[[w.long().splat(0.0); 2]; FEW]];
        for at in (0..k).step_by(STEP) {
            step::<W, 1, FEW>(w, [a], columns, at, STEP.min(k - at), &mut sums);
        }
        let [[p, q, r, s]] = sums;
        let zero = [w.long().splat(0.0); 2];
        w.store(c, j, FEW.min(n - j), w.long_sums([p, q, r, s, zero, zero, zero, zero]));
    }
}

/// Up to `M` rows, `N` columns at a time.
#[inline(always)]
fn rows<W: Wide, const M: usize, const N: usize, const FAR: bool>(w: W, p: &Product, o: Operands<'_>) {
    // SAFETY: `dots` has looked at the last row.
    let a: [&[f32]; M] = unsafe { vectors(o.a, 0, p.a[0], p.m, p.k) };
    // The ten columns of ten classes: a group of two behind one of eight would take as long as that.
    let last = if M == 1 && N == 8 && p.n > N && p.n % N == 2 { 10 } else { N };
    let mut j = 0;
    while p.n - j > last {
        tile::<W, M, N, FAR>(w, p, o, j, a, N);
        j += N;
    }
    match last {
        10 => tile::<W, M, 10, FAR>(w, p, o, j, a, p.n - j),
        _ => tile::<W, M, N, FAR>(w, p, o, j, a, p.n - j),
    }
}

/// `N` vectors of `k` floats, from this place on and at this distance. The last of `count` vectors is repeated.
///
/// # Safety
/// The last one ends within the memory.
#[inline(always)]
unsafe fn vectors<const N: usize>(from: &[f32], start: usize, distance: usize, count: usize, k: usize) -> [&[f32]; N] {
    let mut vectors = [from; N];
    let mut at = start;
    for (i, vector) in vectors.iter_mut().enumerate() {
        // SAFETY: the caller says so of the last one, and the others lie in front of it.
        *vector = unsafe { from.get_unchecked(at..at + k) };
        if i + 1 < count {
            at += distance;
        }
    }
    vectors
}

/// So many columns, at most `N`, from this one on. Rows and columns behind the last ones repeat them, and are not stored.
#[inline(always)]
fn tile<W: Wide, const M: usize, const N: usize, const FAR: bool>(
    w: W,
    p: &Product,
    o: Operands<'_>,
    j: usize,
    a: [&[f32]; M],
    columns: usize,
) {
    // SAFETY: `dots` has looked at the last column.
    let b: [&[f32]; N] = unsafe { vectors(o.b, j * p.b[1], p.b[1], columns, p.k) };
    let mut sums = [[[w.long().splat(0.0); 2]; N]; M];
    // The next columns' lines, which begin somewhere else.
    let next = (j + N) * p.b[1];
    let mut at = 0;
    while p.k - at >= STEP {
        if FAR {
            for x in 0..N {
                prefetch(o.b, next + x * p.b[1] + at);
            }
        }
        step::<W, M, N>(w, a, b, at, STEP, &mut sums);
        at += STEP;
    }
    if at < p.k {
        step::<W, M, N>(w, a, b, at, p.k - at, &mut sums);
    }
    store::<W, M, N>(w, p, o, j, columns, sums);
}

/// Adds so many terms, at most [`STEP`], to all sums.
#[inline(always)]
fn step<W: Wide, const M: usize, const N: usize>(
    w: W,
    a: [&[f32]; M],
    b: [&[f32]; N],
    at: usize,
    terms: usize,
    sums: &mut [[[<W::Long as Vectors>::V; 2]; N]; M],
) {
    let s = w.long();
    for part in 0..<W::Long as Vectors>::PARTS {
        let done = part * LANES;
        if done >= terms {
            break;
        }
        let count = terms - done;
        let mut x = [s.splat(0.0); M];
        for (x, a) in x.iter_mut().zip(a) {
            // SAFETY: there are so many terms from there on.
            *x = s.load(unsafe { a.get_unchecked(at..at + terms) }, done, count);
        }
        for (n, b) in b.iter().enumerate() {
            // SAFETY: as above.
            let y = s.load(unsafe { b.get_unchecked(at..at + terms) }, done, count);
            for (sums, x) in sums.iter_mut().zip(x) {
                sums[n][part] = s.mul_add(x, y, sums[n][part]);
            }
        }
    }
}

/// Writes the sums of these columns.
#[inline(always)]
fn store<W: Wide, const M: usize, const N: usize>(
    w: W,
    p: &Product,
    o: Operands<'_>,
    j: usize,
    columns: usize,
    sums: [[[<W::Long as Vectors>::V; 2]; N]; M],
) {
    let zero = w.long().splat(0.0);
    // Eight sums at a time: those of one row, or of several.
    for together in (0..M * N).step_by(LANES) {
        let count = LANES.min(M * N - together);
        let mut eight = [[zero; 2]; LANES];
        for (x, eight) in eight.iter_mut().enumerate().take(count) {
            *eight = sums[(together + x) / N][(together + x) % N];
        }
        let totals = w.lanes(w.long_sums(eight));
        for x in (0..count).step_by(N.min(LANES)) {
            let (y, column) = ((together + x) / N, (together + x) % N);
            let width = (N - column).min(count - x);
            let stored = width.min(columns.saturating_sub(column));
            if y < p.m && stored > 0 {
                // SAFETY: the result's elements belong to this product.
                let c = unsafe { o.c.part(y * p.c[0] + j + column, stored) };
                let mut lanes = [0.0; LANES];
                lanes[..width].copy_from_slice(&totals[x..x + width]);
                let total = w.vector(lanes);
                let total = if o.add { w.add(w.load(c, 0, stored), total) } else { total };
                w.store(c, 0, stored, total);
            }
        }
    }
}
