//! `Bᵀ d B` of all tiles of a block.

use super::super::problem::{place, signed};
use super::super::stage::copy_run;
use super::{Form, Points, Tiles};
use crate::cpu::simd::Wide;

/// The windowed operand, and where its parts are.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub form: &'a Form,
    pub from: &'a [f32],
    /// Steps to each sample, and to each channel that is read.
    pub samples: &'a [[isize; 3]],
    pub inputs: &'a [[isize; 3]],
}

/// Floats that [`Data::transform`] needs for its own use, for blocks of so many rows of tiles.
pub(super) fn scratch(rows: usize, wide: usize, width: usize) -> usize {
    4 * lines(rows, wide, width)
}

/// Every second row that some rows of tiles read, behind one another without margins, and what vectors read behind them.
fn lines(rows: usize, wide: usize, width: usize) -> usize {
    (2 * (rows + 1) * wide + 2 * width).next_multiple_of(width)
}

impl Data<'_> {
    /// Transforms a block: for each point and each channel a row with an element for each tile. The operand's elements
    /// where all loops are at 0 are at `first`; `own` is for the transform's own use.
    ///
    /// A tile reads columns 0 to 3 of its own, which are 2 apart from those of its neighbour. So the rows are copied twice, from
    /// their first column on and from their third one, without gaps; then vectors of neighbouring tiles are every
    /// second element of either, also where a row of tiles ends within a vector.
    #[inline(always)]
    pub fn transform<W: Wide>(
        &self,
        w: W,
        tiles: &Tiles,
        first: isize,
        own: &mut [f32],
        points: Points,
        to: &mut [f32],
    ) {
        let Tiles { rows, wide, .. } = *tiles;
        let lines = lines(rows, wide, W::WIDTH);
        let own = &mut own[..4 * lines];
        // Rows and columns that are not there are the same ones for all channels.
        own.fill(0.0);
        let tiles_of_sample = rows * wide;
        for (number, input) in self.inputs.iter().enumerate() {
            for sample in 0..tiles.samples {
                let first = first + input[0] + self.samples[tiles.first_sample + sample][0];
                self.copy(w, tiles, first, lines, own);
                for f in (0..tiles_of_sample).step_by(W::WIDTH) {
                    let count = W::WIDTH.min(tiles_of_sample - f);
                    // By columns of the transformed tiles.
                    let mut x = [[w.wide_splat(0.0); 4]; 4];
                    for a in 0..4 {
                        let row = &own[a % 2 * 2 * lines + 2 * (a / 2 * wide + f)..][..lines + 2 * W::WIDTH];
                        let [near, far] = [w.wide_load(row, W::WIDTH), w.wide_load(&row[W::WIDTH..], W::WIDTH)];
                        let [d0, d1] = w.wide_unzip(near, far);
                        let row = &row[lines..];
                        let [near, far] = [w.wide_load(row, W::WIDTH), w.wide_load(&row[W::WIDTH..], W::WIDTH)];
                        let [d2, d3] = w.wide_unzip(near, far);
                        for (x, d) in x.iter_mut().zip(differences(w, [d0, d1, d2, d3])) {
                            x[a] = d;
                        }
                    }
                    let at = number * points.row + sample * tiles_of_sample + f;
                    for (b, x) in x.into_iter().enumerate() {
                        for (a, x) in differences(w, x).into_iter().enumerate() {
                            w.wide_store(&mut to[at + (a * 4 + b) * points.point..], count, x);
                        }
                    }
                }
            }
        }
    }

    /// Copies what the tiles of a sample read: the even rows from their first and from their third column on, the odd rows.
    #[inline(always)]
    fn copy<W: Wide>(&self, w: W, tiles: &Tiles, first: isize, lines: usize, to: &mut [f32]) {
        let Tiles { rows, wide, first_row, .. } = *tiles;
        let [row, column] = self.form.windows;
        for r in 0..2 * (rows + 1) {
            let u = row.offset + signed(2 * first_row + r);
            if u < 0 || u >= row.end {
                continue;
            }
            for shift in 0..2 {
                let start = column.offset + 2 * signed(shift);
                let high = (column.end - start).clamp(0, signed(2 * wide));
                let low = (-start).clamp(0, high);
                let from = &self.from[place(first + u * row.stride + start + low)..][..place(high - low)];
                let line = &mut to[(r % 2 * 2 + shift) * lines + r / 2 * 2 * wide..][..2 * wide];
                copy_run(w, from, &mut line[place(low)..place(high)]);
            }
        }
    }
}

/// `Bᵀ d`
#[inline(always)]
fn differences<W: Wide>(w: W, [d0, d1, d2, d3]: [W::W; 4]) -> [W::W; 4] {
    [w.wide_sub(d0, d2), w.wide_add(d1, d2), w.wide_sub(d2, d1), w.wide_sub(d1, d3)]
}
