//! Products in register tiles: each tile of the result stays in registers while its sums run.

use super::pack;
use super::{Operands, Out, Product};
use crate::cpu::simd::{Kernel, LANES, Simd};

/// Rows of a tile: 6 rows of 2 vectors leave 4 of 16 registers for the operands.
const ROWS: usize = 6;
/// Columns of a tile.
const COLUMNS: usize = 2 * LANES;
/// Terms that are summed at a time: that many rows of a panel stay in the first-level cache.
const DEPTH: usize = 512;
/// Rows up to which vectors along the sum are better than vectors along columns: nothing has to be transposed.
const FEW_ROWS: usize = 4;
/// Floats of the second operand that stay in the first-level cache, wherever they lie.
const CACHED: usize = 1 << 13;

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Tiles<'a> {
    pub p: Product,
    pub o: Operands<'a>,
}

impl Kernel for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let p = &self.p;
        if p.m <= FEW_ROWS && p.a[1] == 1 && p.b[0] == 1 && p.k >= LANES {
            self.dots(s);
        } else {
            self.panels(s);
        }
    }
}

impl Tiles<'_> {
    /// Panels of columns, in each of them tiles from top to bottom.
    #[inline(always)]
    fn panels<S: Simd>(mut self, s: S) {
        let p = self.p;
        let chunks = p.k.div_ceil(DEPTH);
        let depth = p.k.div_ceil(chunks);
        let mut scratch = pack::scratch(depth * COLUMNS);
        for k0 in (0..p.k).step_by(depth) {
            let k = depth.min(p.k - k0);
            let add = self.o.add || k0 > 0;
            for j in (0..p.n).step_by(COLUMNS) {
                let columns = COLUMNS.min(p.n - j);
                let width = columns.next_multiple_of(LANES);
                // Rows that are whole vectors can be read in place, if that is not far to go for every tile.
                let in_place = p.b[1] == 1 && columns == width && (p.m <= ROWS || p.k * p.n <= CACHED);
                let from = &self.o.b[k0 * p.b[0] + j * p.b[1]..];
                let (panel, row) = if in_place {
                    (from, p.b[0])
                } else {
                    pack::pack(s, from, p.b, [k, columns], width, &mut scratch);
                    (&scratch[..], width)
                };
                assert!((k - 1) * row + width <= panel.len(), "the panel holds all rows");
                for i in (0..p.m).step_by(ROWS) {
                    let tile = Tile {
                        k,
                        a: &self.o.a[i * p.a[0] + k0 * p.a[1]..],
                        steps: p.a,
                        panel,
                        row,
                        at: i * p.c[0] + j,
                        c_row: p.c[0],
                        columns,
                        add,
                    };
                    tile.any_size(s, ROWS.min(p.m - i), &mut self.o.c);
                }
            }
        }
        pack::keep(scratch);
    }

    /// Sums along the vectors: for few rows, where both operands are contiguous along the sum.
    #[inline(always)]
    fn dots<S: Simd>(mut self, s: S) {
        const WIDTH: usize = 4;
        let p = self.p;
        for j in (0..p.n).step_by(WIDTH) {
            let columns = WIDTH.min(p.n - j);
            for i in 0..p.m {
                let row = &self.o.a[i * p.a[0]..][..p.k];
                // Columns behind the last one repeat it, and are not stored.
                let column: [&[f32]; WIDTH] =
                    std::array::from_fn(|x| &self.o.b[(j + x.min(columns - 1)) * p.b[1]..][..p.k]);
                let mut sums = [s.splat(0.0); WIDTH];
                for k in (0..p.k).step_by(LANES) {
                    let count = LANES.min(p.k - k);
                    let x = s.load(row, k, count);
                    for (sum, column) in sums.iter_mut().zip(column) {
                        *sum = s.mul_add(x, s.load(column, k, count), *sum);
                    }
                }
                // SAFETY: the result's elements belong to this product.
                let c = unsafe { self.o.c.part(i * p.c[0] + j, columns) };
                for (c, sum) in c.iter_mut().zip(sums) {
                    let sum = s.sum(sum);
                    *c = if self.o.add { *c + sum } else { sum };
                }
            }
        }
    }
}

/// One tile of the result.
struct Tile<'a> {
    /// Terms of each sum.
    k: usize,
    /// The first operand, from the tile's first row on.
    a: &'a [f32],
    /// Its strides along rows and along the sum.
    steps: [usize; 2],
    /// The second operand's panel.
    panel: &'a [f32],
    /// The stride of its rows.
    row: usize,
    /// Where the tile begins in the result.
    at: usize,
    /// The stride of the result's rows.
    c_row: usize,
    /// Columns that are there.
    columns: usize,
    /// Whether the result is added to what is there.
    add: bool,
}

impl Tile<'_> {
    #[inline(always)]
    fn any_size<S: Simd>(&self, s: S, rows: usize, c: &mut Out<'_>) {
        match (rows, self.columns > LANES) {
            (6, true) => self.compute::<S, 6, 2>(s, c),
            (5, true) => self.compute::<S, 5, 2>(s, c),
            (4, true) => self.compute::<S, 4, 2>(s, c),
            (3, true) => self.compute::<S, 3, 2>(s, c),
            (2, true) => self.compute::<S, 2, 2>(s, c),
            (1, true) => self.compute::<S, 1, 2>(s, c),
            (6, false) => self.compute::<S, 6, 1>(s, c),
            (5, false) => self.compute::<S, 5, 1>(s, c),
            (4, false) => self.compute::<S, 4, 1>(s, c),
            (3, false) => self.compute::<S, 3, 1>(s, c),
            (2, false) => self.compute::<S, 2, 1>(s, c),
            _ => self.compute::<S, 1, 1>(s, c),
        }
    }

    /// `M` rows of `V` vectors.
    #[inline(always)]
    fn compute<S: Simd, const M: usize, const V: usize>(&self, s: S, c: &mut Out<'_>) {
        assert!((M - 1) * self.steps[0] + (self.k - 1) * self.steps[1] < self.a.len(), "the rows hold all terms");
        assert!((self.k - 1) * self.row + V * LANES <= self.panel.len(), "the panel holds all rows");
        let mut sums = [[s.splat(0.0); V]; M];
        if self.add {
            for (i, sums) in sums.iter_mut().enumerate() {
                // SAFETY: the result's elements belong to this product.
                let c = unsafe { c.part(self.at + i * self.c_row, self.columns) };
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = s.load(c, v * LANES, LANES.min(self.columns - v * LANES));
                }
            }
        }
        for k in 0..self.k {
            // SAFETY: asserted above for the last row.
            let row = unsafe { self.panel.get_unchecked(k * self.row..k * self.row + V * LANES) };
            let row: [S::V; V] = std::array::from_fn(|v| s.load(row, v * LANES, LANES));
            for (i, sums) in sums.iter_mut().enumerate() {
                // SAFETY: asserted above for the last one.
                let x = s.splat(unsafe { *self.a.get_unchecked(i * self.steps[0] + k * self.steps[1]) });
                for (sum, b) in sums.iter_mut().zip(row) {
                    *sum = s.mul_add(x, b, *sum);
                }
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            // SAFETY: the result's elements belong to this product.
            let c = unsafe { c.part(self.at + i * self.c_row, self.columns) };
            for (v, sum) in sums.into_iter().enumerate() {
                s.store(c, v * LANES, LANES.min(self.columns - v * LANES), sum);
            }
        }
    }
}
