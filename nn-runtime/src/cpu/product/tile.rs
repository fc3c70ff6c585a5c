//! Products in register tiles: each tile of the result stays in registers while its sums run.

use super::pack;
use super::{Operands, Product};
use crate::cpu::memory::Shared;
use crate::cpu::simd::{LANES, Wide, WideKernel, prefetch};

/// Floats of a panel: so many stay in the first-level cache.
const PANEL: usize = 1 << 13;
/// Rows of a tile in the order in which it reads them, with room for all tiles.
pub(super) const PACKED_ROWS: usize = LANES;
/// Tiles of rows up to which the second operand is read in place: packing it pays when many tiles read it.
pub(super) const IN_PLACE_TILES: usize = 8;
/// Floats of a cache line.
pub(super) const LINE: usize = 16;
/// Rows of a panel that are asked for before they are read.
const AHEAD: usize = 8;
/// Floats of the second operand that stay in the first-level cache, wherever they lie.
const CACHED: usize = 1 << 13;

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Tiles<'a> {
    pub p: &'a Product,
    pub o: Operands<'a>,
    /// As much as [`room`] says.
    pub room: &'a mut [f32],
}

/// Terms of a panel of so many columns: chunks of about the same size.
fn depth(p: &Product, columns: usize) -> usize {
    p.k.div_ceil(p.k.div_ceil(PANEL / columns))
}

/// Floats for a panel, with vectors of `width` floats.
pub(super) fn room(p: &Product, width: usize) -> usize {
    depth(p, 2 * width) * 2 * width
}

impl WideKernel for Tiles<'_> {
    #[inline(always)]
    fn run<W: Wide>(mut self, w: W) {
        // Panels of columns, in each of them tiles from top to bottom.
        let columns_of_tile = 2 * W::WIDTH;
        let p = self.p;
        let depth = depth(p, columns_of_tile);
        // Tiles of about the same number of rows: one of two rows would wait for its multiply-adds.
        let rows_of_tile = p.m.div_ceil(p.m.div_ceil(W::ROWS));
        for k0 in (0..p.k).step_by(depth) {
            let k = depth.min(p.k - k0);
            let add = self.o.add || k0 > 0;
            for j in (0..p.n).step_by(columns_of_tile) {
                let columns = columns_of_tile.min(p.n - j);
                let width = columns.next_multiple_of(W::WIDTH);
                // Rows that are whole vectors can be read in place, if that is not far to go for every tile.
                let in_place =
                    p.b[1] == 1 && columns == width && (p.m <= IN_PLACE_TILES * W::ROWS || p.k * p.n <= CACHED);
                let from = &self.o.b[k0 * p.b[0] + j * p.b[1]..];
                let (panel, row) = if in_place {
                    (from, p.b[0])
                } else if columns == columns_of_tile {
                    pack::pack_panels(w, 2, from, p.b, [k, columns], self.room);
                    (&*self.room, width)
                } else {
                    pack::pack(w, from, p.b, [k, columns], width, self.room);
                    (&*self.room, width)
                };
                assert!((k - 1) * row + width <= panel.len(), "the panel holds all rows");
                for i in (0..p.m).step_by(rows_of_tile) {
                    let (a, steps) = (&self.o.a[i * p.a[0] + k0 * p.a[1]..], p.a);
                    let tile = Tile {
                        k,
                        a,
                        steps,
                        panel,
                        row,
                        is_far: false,
                        at: i * p.c[0] + j,
                        c_row: p.c[0],
                        columns,
                        add,
                    };
                    tile.any_size(w, rows_of_tile.min(p.m - i), &mut self.o.c);
                }
            }
        }
    }
}

/// One tile of the result.
pub(super) struct Tile<'a> {
    /// Terms of each sum.
    pub k: usize,
    /// The first operand, from the tile's first row on.
    pub a: &'a [f32],
    /// Its strides along rows and along the sum.
    pub steps: [usize; 2],
    /// The second operand's panel.
    pub panel: &'a [f32],
    /// The stride of its rows.
    pub row: usize,
    /// Whether neither the panel nor the result is in the first-level cache; then both are asked for ahead.
    pub is_far: bool,
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
    #[inline(always)]
    pub(super) fn any_size<W: Wide>(&self, w: W, rows: usize, c: &mut Shared<'_>) {
        match self.columns.div_ceil(W::WIDTH) {
            3 if W::COLUMNS >= 3 => self.any_height::<W, 3>(w, rows, c),
            2 => self.any_height::<W, 2>(w, rows, c),
            _ => self.any_height::<W, 1>(w, rows, c),
        }
    }

    #[inline(always)]
    fn any_height<W: Wide, const V: usize>(&self, w: W, rows: usize, c: &mut Shared<'_>) {
        match rows {
            8 if W::ROWS >= 8 => self.compute::<W, 8, V>(w, c),
            7 if W::ROWS >= 8 => self.compute::<W, 7, V>(w, c),
            6 => self.compute::<W, 6, V>(w, c),
            5 => self.compute::<W, 5, V>(w, c),
            4 => self.compute::<W, 4, V>(w, c),
            3 => self.compute::<W, 3, V>(w, c),
            2 => self.compute::<W, 2, V>(w, c),
            _ => self.compute::<W, 1, V>(w, c),
        }
    }

    /// `M` rows of `V` vectors.
    #[inline(always)]
    fn compute<W: Wide, const M: usize, const V: usize>(&self, w: W, c: &mut Shared<'_>) {
        assert!((M - 1) * self.steps[0] + (self.k - 1) * self.steps[1] < self.a.len(), "the rows hold all terms");
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
        for i in (0..M).filter(|_| self.is_far && !self.add) {
            // SAFETY: the result's elements belong to this product.
            let c = unsafe { c.part(self.at + i * self.c_row, self.columns) };
            for j in (0..V * W::WIDTH).step_by(LINE) {
                prefetch(c, j);
            }
        }
        for k in 0..self.k {
            // SAFETY: asserted above for the last row.
            let row = unsafe { self.panel.get_unchecked(k * self.row..k * self.row + V * W::WIDTH) };
            let row: [W::W; V] = std::array::from_fn(|v| w.wide_load(&row[v * W::WIDTH..], W::WIDTH));
            for j in (0..V * W::WIDTH).step_by(LINE).filter(|_| self.is_far) {
                prefetch(self.panel, (k + AHEAD) * self.row + j);
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                // SAFETY: asserted above for the last one.
                let x = w.wide_splat(unsafe { *self.a.get_unchecked(i * self.steps[0] + k * self.steps[1]) });
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum = w.wide_mul_add(x, b, *sum);
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
