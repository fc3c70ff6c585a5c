//! Large products: the register tiles of [`super::tile`] on operands that are packed, block by block.
//!
//! Rows are packed into slivers, one for each tile, columns into panels of a tile's width. A block of slivers and a group of
//! panels stay in the second-level cache, and one panel in the first-level cache while all slivers pass by. A group is packed row by
//! row over all of its panels: large operands come from far away, and memory likes long runs.

use super::pack;
use super::tile::{PACKED_ROWS, PANEL, Tile};
use super::{Operands, Product};
use crate::cpu::memory::Shared;
use crate::cpu::simd::{Wide, WideKernel};

/// Rows of a block.
const ROWS: usize = 128;
/// Columns of a group.
const COLUMNS: usize = 512;

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Packed<'a> {
    pub p: &'a Product,
    pub o: Operands<'a>,
    /// As much as [`room`] says.
    pub room: &'a mut [f32],
}

/// How a product is cut, for vectors of `width` floats and tiles of `rows` rows.
struct Cut {
    /// Terms of a chunk: chunks of about the same size.
    depth: usize,
    rows_of_block: usize,
    panel_floats: usize,
    sliver_floats: usize,
}

impl Cut {
    fn new(p: &Product, [width, rows]: [usize; 2]) -> Self {
        let depth = p.k.div_ceil(p.k.div_ceil(PANEL / (2 * width)));
        let rows_of_block = ROWS.min(p.m).next_multiple_of(rows);
        let panel_floats = depth * COLUMNS.min(p.n).next_multiple_of(2 * width);
        Cut { depth, rows_of_block, panel_floats, sliver_floats: rows_of_block / rows * depth * PACKED_ROWS }
    }
}

/// Floats for packed operands.
pub(super) fn room(p: &Product, shape: [usize; 2]) -> usize {
    let cut = Cut::new(p, shape);
    cut.panel_floats + cut.sliver_floats
}

impl WideKernel for Packed<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Packed { p, mut o, room } = self;
        let Cut { depth, rows_of_block, panel_floats, .. } = Cut::new(p, [W::WIDTH, W::ROWS]);
        let (panels, slivers) = room.split_at_mut(panel_floats);
        for j in (0..p.n).step_by(COLUMNS) {
            let columns = COLUMNS.min(p.n - j);
            for k in (0..p.k).step_by(depth) {
                let terms = depth.min(p.k - k);
                pack::pack_panels(w, &o.b[k * p.b[0] + j * p.b[1]..], p.b, [terms, columns], panels);
                for i in (0..p.m).step_by(rows_of_block) {
                    let rows = rows_of_block.min(p.m - i);
                    pack::pack_slivers(w, &o.a[i * p.a[0] + k * p.a[1]..], p.a, [rows, terms], slivers);
                    let block =
                        Block { at: i * p.c[0] + j, rows, columns, k: terms, c_row: p.c[0], add: o.add || k > 0 };
                    block.compute(w, panels, slivers, &mut o.c);
                }
            }
        }
    }
}

/// A block of the result.
struct Block {
    /// Where it begins.
    at: usize,
    rows: usize,
    columns: usize,
    k: usize,
    c_row: usize,
    add: bool,
}

impl Block {
    /// Panel by panel, in each of them tiles from top to bottom.
    #[inline(always)]
    fn compute<W: Wide>(&self, w: W, panels: &[f32], slivers: &[f32], c: &mut Shared<'_>) {
        let Block { at, rows, columns, k, c_row, add } = *self;
        let width = 2 * W::WIDTH;
        for (panel, j) in panels.chunks_exact(k * width).zip((0..columns).step_by(width)) {
            for (a, i) in slivers.chunks_exact(k * PACKED_ROWS).zip((0..rows).step_by(W::ROWS)) {
                let (steps, columns) = ([1, PACKED_ROWS], width.min(columns - j));
                let tile = Tile { k, a, steps, panel, row: width, at: at + i * c_row + j, c_row, columns, add };
                tile.any_size(w, W::ROWS.min(rows - i), c);
            }
        }
    }
}
