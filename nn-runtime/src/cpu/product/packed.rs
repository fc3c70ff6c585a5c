//! Large products: the register tiles of [`super::tile`] on operands that are packed, block by block.
//!
//! Rows are packed into slivers, one for each tile, columns into panels of a tile's width. A block of slivers and a group of
//! panels stay in the second-level cache, and one sliver in the first-level cache while all panels pass by, which are asked for
//! ahead: so the result is written in long runs, too, and chunks of terms may be long. A group is packed row by row over all of
//! its panels: large operands come from far away, and memory likes long runs.

use super::pack;
use super::tile::{PACKED_ROWS, Tile};
use super::{Operands, Product};
use crate::cpu::memory::Shared;
use crate::cpu::simd::{LANES, Wide, WideKernel};

/// Rows of a block.
const ROWS: usize = 128;
/// Floats of all slivers, at most, to keep them for all groups: 4 MiB.
const KEPT: usize = 1 << 20;
/// Columns of a group, about.
const COLUMNS: usize = 512;
/// Terms of a chunk, at most.
const DEPTH: usize = 256;

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Packed<'a> {
    pub p: &'a Product,
    pub o: Operands<'a>,
    /// As much as [`room`] says.
    pub room: &'a mut [f32],
}

/// How a product is cut, for tiles of this many rows and columns.
struct Cut {
    /// Terms of a chunk: chunks of about the same size.
    depth: usize,
    rows_of_block: usize,
    columns_of_group: usize,
    panel_floats: usize,
    /// Floats of a term in all slivers of a block.
    sliver_row: usize,
    /// Whether the slivers of all rows and terms are packed once for all groups: then there is one block of rows.
    is_kept: bool,
}

impl Cut {
    fn new(p: &Product, [rows, columns]: [usize; 2]) -> Self {
        // Whole vectors are transposed.
        let depth = p.k.div_ceil(p.k.div_ceil(DEPTH)).next_multiple_of(LANES).min(p.k);
        let columns_of_group = p.n.div_ceil(p.n.div_ceil(COLUMNS)).next_multiple_of(columns);
        let is_kept = p.n > columns_of_group && p.m.div_ceil(rows) * PACKED_ROWS * p.k <= KEPT;
        let rows_of_block = if is_kept { p.m } else { ROWS.min(p.m) }.next_multiple_of(rows);
        Cut {
            depth,
            rows_of_block,
            columns_of_group,
            panel_floats: depth * columns_of_group,
            sliver_row: rows_of_block / rows * PACKED_ROWS,
            is_kept,
        }
    }
}

/// Floats for packed operands.
pub(super) fn room(p: &Product, shape: [usize; 2]) -> usize {
    let cut = Cut::new(p, shape);
    cut.panel_floats + cut.sliver_row * if cut.is_kept { p.k } else { cut.depth }
}

impl WideKernel for Packed<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Packed { p, mut o, room } = self;
        let Cut { depth, rows_of_block, columns_of_group, panel_floats, sliver_row, is_kept } =
            Cut::new(p, [W::ROWS, W::COLUMNS * W::WIDTH]);
        let (panels, slivers) = room.split_at_mut(panel_floats);
        for j in (0..p.n).step_by(columns_of_group) {
            let columns = columns_of_group.min(p.n - j);
            for k in (0..p.k).step_by(depth) {
                let terms = depth.min(p.k - k);
                pack::pack_panels(w, W::COLUMNS, &o.b[k * p.b[0] + j * p.b[1]..], p.b, [terms, columns], panels);
                for i in (0..p.m).step_by(rows_of_block) {
                    let rows = rows_of_block.min(p.m - i);
                    let slivers = &mut slivers[if is_kept { k * sliver_row } else { 0 }..];
                    if j == 0 || !is_kept {
                        pack::pack_slivers(w, &o.a[i * p.a[0] + k * p.a[1]..], p.a, [rows, terms], slivers);
                    }
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
    /// Sliver by sliver, in each of them tiles from left to right.
    #[inline(always)]
    fn compute<W: Wide>(&self, w: W, panels: &[f32], slivers: &[f32], c: &mut Shared<'_>) {
        let Block { at, rows, columns, k, c_row, add } = *self;
        let width = W::COLUMNS * W::WIDTH;
        for (a, i) in slivers.chunks_exact(k * PACKED_ROWS).zip((0..rows).step_by(W::ROWS)) {
            for (panel, j) in panels.chunks_exact(k * width).zip((0..columns).step_by(width)) {
                let (steps, columns) = ([1, PACKED_ROWS], width.min(columns - j));
                let tile =
                    Tile { k, a, steps, panel, row: width, is_far: true, at: at + i * c_row + j, c_row, columns, add };
                tile.any_size(w, W::ROWS.min(rows - i), c);
            }
        }
    }
}
