//! Large products: the register tiles of [`super::tile`] on operands that are packed, block by block.
//!
//! Rows are packed into slivers, one for each tile, columns into panels of a tile's width. A block of slivers and a group of
//! panels stay in the second-level cache, and one panel in the first-level cache while all slivers pass by. A group is packed row by
//! row over all of its panels: large operands come from far away, and memory likes long runs.

use super::pack;
use super::tile::{PACKED_ROWS, PANEL, Tile};
use super::{Operands, Product};
use crate::cpu::simd::{Wide, WideKernel};

/// Rows of a block.
const ROWS: usize = 128;
/// Columns of a group.
const COLUMNS: usize = 512;

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Packed<'a> {
    pub p: Product,
    pub o: Operands<'a>,
}

impl WideKernel for Packed<'_> {
    #[inline(always)]
    fn run<W: Wide>(mut self, w: W) {
        let p = self.p;
        let width = 2 * W::WIDTH;
        // Chunks of terms, of about the same size.
        let depth = p.k.div_ceil(p.k.div_ceil(PANEL / width));
        let rows_of_block = ROWS.min(p.m).next_multiple_of(W::ROWS);
        let panel_floats = depth * COLUMNS.min(p.n).next_multiple_of(width);
        let mut scratch = pack::scratch(panel_floats + rows_of_block / W::ROWS * depth * PACKED_ROWS);
        let (panels, slivers) = scratch.split_at_mut(panel_floats);
        for j in (0..p.n).step_by(COLUMNS) {
            let columns = COLUMNS.min(p.n - j);
            for k in (0..p.k).step_by(depth) {
                let terms = depth.min(p.k - k);
                pack::pack_panels(w, &self.o.b[k * p.b[0] + j * p.b[1]..], p.b, [terms, columns], panels);
                for i in (0..p.m).step_by(rows_of_block) {
                    let rows = rows_of_block.min(p.m - i);
                    pack::pack_slivers(w, &self.o.a[i * p.a[0] + k * p.a[1]..], p.a, [rows, terms], slivers);
                    let add = self.o.add || k > 0;
                    self.block(w, i * p.c[0] + j, [rows, columns, terms], add, panels, slivers);
                }
            }
        }
        pack::keep(scratch);
    }
}

impl Packed<'_> {
    /// A block of the result, which begins at `at`: panel by panel, in each of them tiles from top to bottom.
    #[inline(always)]
    fn block<W: Wide>(
        &mut self,
        w: W,
        at: usize,
        [rows, columns, k]: [usize; 3],
        add: bool,
        panels: &[f32],
        slivers: &[f32],
    ) {
        let c_row = self.p.c[0];
        let width = 2 * W::WIDTH;
        for (panel, j) in panels.chunks_exact(k * width).zip((0..columns).step_by(width)) {
            for (a, i) in slivers.chunks_exact(k * PACKED_ROWS).zip((0..rows).step_by(W::ROWS)) {
                let (steps, columns) = ([1, PACKED_ROWS], width.min(columns - j));
                let tile = Tile { k, a, steps, panel, row: width, at: at + i * c_row + j, c_row, columns, add };
                tile.any_size(w, W::ROWS.min(rows - i), &mut self.o.c);
            }
        }
    }
}
