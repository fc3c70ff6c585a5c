//! One register tile of a product: it stays in registers while its sums run.

use crate::cpu::memory::Shared;
use crate::cpu::simd::{Wide, prefetch};

/// Floats of a cache line.
pub(super) const LINE: usize = 16;
/// Rows of a panel that are asked for before they are read.
const AHEAD: usize = 8;

/// Vectors of a row of tiles, for rows of so many vectors: the most that leave the tile at the end not much narrower.
pub(super) fn vectors(of_row: usize, sums: usize) -> usize {
    let most = sums / 6;
    (most / 2 + 1..=most).rev().min_by_key(|v| of_row.next_multiple_of(*v)).map_or(1, |v| v.min(of_row))
}

/// One tile of the result.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    /// Terms of each sum.
    pub k: usize,
    /// The first operand, from the tile's first row on.
    pub a: &'a [f32],
    /// Its stride along the sum if rows have stride 1, else along rows.
    pub step: usize,
    /// The second operand's panel.
    pub panel: &'a [f32],
    /// The stride of its rows.
    pub row: usize,
    /// Where the tile begins in the result.
    pub at: usize,
    /// The stride of the result's rows.
    pub c_row: usize,
    /// Columns that are there.
    pub columns: usize,
    /// Whether the result is added to what is there.
    pub add: bool,
}

impl Tile<'_> {
    /// So many rows, which lie `BESIDE` one another in the first operand, or else its terms do.
    #[inline(always)]
    pub(super) fn any_size<W: Wide, const BESIDE: bool>(&self, w: W, rows: usize, c: &mut Shared<'_>) {
        match self.columns.div_ceil(W::WIDTH) {
            4 if W::SUMS >= 24 => self.any_height::<W, 4, BESIDE>(w, rows, c),
            3 if W::SUMS >= 24 => self.any_height::<W, 3, BESIDE>(w, rows, c),
            2 => self.any_height::<W, 2, BESIDE>(w, rows, c),
            _ => self.any_height::<W, 1, BESIDE>(w, rows, c),
        }
    }

    #[inline(always)]
    fn any_height<W: Wide, const V: usize, const BESIDE: bool>(&self, w: W, rows: usize, c: &mut Shared<'_>) {
        match rows {
            8 if W::ROWS >= 8 && W::SUMS >= 8 * V => self.compute::<W, 8, V, BESIDE>(w, c),
            7 if W::ROWS >= 8 && W::SUMS >= 7 * V => self.compute::<W, 7, V, BESIDE>(w, c),
            6 => self.compute::<W, 6, V, BESIDE>(w, c),
            5 => self.compute::<W, 5, V, BESIDE>(w, c),
            4 => self.compute::<W, 4, V, BESIDE>(w, c),
            3 => self.compute::<W, 3, V, BESIDE>(w, c),
            2 => self.compute::<W, 2, V, BESIDE>(w, c),
            _ => self.compute::<W, 1, V, BESIDE>(w, c),
        }
    }

    /// `M` rows of `V` vectors. Neither the panel nor the result has to be in the first-level cache: both are asked for ahead.
    #[inline(always)]
    fn compute<W: Wide, const M: usize, const V: usize, const BESIDE: bool>(&self, w: W, c: &mut Shared<'_>) {
        // One of them is known here: so the other needs one register.
        let [a_row, a_term] = if BESIDE { [1, self.step] } else { [self.step, 1] };
        assert!((M - 1) * a_row + (self.k - 1) * a_term < self.a.len(), "the rows hold all terms");
        assert!((self.k - 1) * self.row + V * W::WIDTH <= self.panel.len(), "the panel holds all rows");
        let mut sums = [[w.wide_splat(0.0); V]; M];
        if self.add {
            for (i, sums) in sums.iter_mut().enumerate() {
                // SAFETY: the result's elements belong to this product.
                let c = unsafe { c.part(self.at + i * self.c_row, self.columns) };
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = w.wide_load(&c[v * W::WIDTH..], W::WIDTH.min(self.columns - v * W::WIDTH));
                }
            }
        }
        for i in (0..M).filter(|_| !self.add) {
            // SAFETY: the result's elements belong to this product.
            let c = unsafe { c.part(self.at + i * self.c_row, self.columns) };
            for j in (0..V * W::WIDTH).step_by(LINE) {
                prefetch(c, j);
            }
        }
        for k in 0..self.k {
            // SAFETY: asserted above for the last row.
            let row = unsafe { self.panel.get_unchecked(k * self.row..k * self.row + V * W::WIDTH) };
            // No closures: only what is inlined for certain has the processor's features.
            let mut terms = [w.wide_splat(0.0); V];
            for (v, terms) in terms.iter_mut().enumerate() {
                *terms = w.wide_load(&row[v * W::WIDTH..], W::WIDTH);
            }
            for j in (0..V * W::WIDTH).step_by(LINE) {
                prefetch(self.panel, (k + AHEAD) * self.row + j);
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                // SAFETY: asserted above for the last one.
                let x = w.wide_splat(unsafe { *self.a.get_unchecked(i * a_row + k * a_term) });
                for (sum, b) in sums.iter_mut().zip(&terms) {
                    *sum = w.wide_mul_add(x, *b, *sum);
                }
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            // SAFETY: the result's elements belong to this product.
            let c = unsafe { c.part(self.at + i * self.c_row, self.columns) };
            for (v, sum) in sums.into_iter().enumerate() {
                w.wide_store(&mut c[v * W::WIDTH..], W::WIDTH.min(self.columns - v * W::WIDTH), sum);
            }
        }
    }
}
