//! Products in register [`tile`]s, of all sizes.
//!
//! Rows are read in slivers of a tile's height, columns in panels of its width. One sliver stays in the first-level cache while
//! a group of panels passes by, which stays in the second-level cache and is asked for ahead: so the result is written in long
//! runs, too, and no more of the first-level cache is needed than is left where two threads share a core. Both operands are read
//! in place where that is no slower, else packed; a group row by row over all of its panels: large operands come from far away,
//! and memory likes long runs.

use super::tile::Tile;
use super::{Operands, Product, pack, tile};
use crate::cpu::memory::Shared;
use crate::cpu::simd::{LANES, Level, Wide, WideKernel};

/// Rows of a block.
const ROWS: usize = 128;
/// Floats of the first operand, at most, to keep its slivers for all groups: 4 MiB.
const KEPT: usize = 1 << 20;
/// Floats of a group, at most: 768 KiB of the second-level cache.
const GROUP: usize = 384 * DEPTH;
/// Terms of a chunk, at most.
const DEPTH: usize = 512;
/// Rows up to which the second operand is read in place: packing it pays when many tiles read it.
const IN_PLACE_ROWS: usize = 64;
/// Floats of the second operand that stay in the first-level cache, wherever they lie.
const CACHED: usize = 1 << 13;
/// Panels up to which rows that lie beside one another are read in place: of each line, a sliver reads a part.
const IN_PLACE_PANELS: usize = 2;

/// How a product is cut.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// Of a tile.
    rows: usize,
    /// Of a tile.
    columns: usize,
    /// Terms of a chunk: chunks of about the same size.
    depth: usize,
    rows_of_block: usize,
    columns_of_group: usize,
    packs_panels: bool,
    packs_slivers: bool,
    /// Whether the slivers of all rows and terms are packed once for all groups: then there is one block of rows.
    is_kept: bool,
    k: usize,
}

impl Cut {
    /// For a block of a product, whose columns are whole vectors or not.
    pub(super) fn new(level: Level, p: &Product, columns_of_all: usize) -> Self {
        let [width, rows, sums] = level.shape();
        let vectors = tile::vectors(p.n.div_ceil(width), sums);
        let (rows, columns) = (rows.min(sums / vectors), vectors * width);
        // Tiles of about the same number of rows: one of two rows would wait for its multiply-adds.
        let rows = p.m.div_ceil(p.m.div_ceil(rows));
        // Whole vectors are transposed.
        let depth = p.k.div_ceil(p.k.div_ceil(DEPTH)).next_multiple_of(LANES).min(p.k);
        let columns_of_group = p.n.div_ceil(p.n.div_ceil(GROUP / depth)).next_multiple_of(columns);
        let packs_slivers = match p.a {
            [_, 1] => false,
            [1, _] => p.n > IN_PLACE_PANELS * columns,
            _ => true,
        };
        let is_kept = packs_slivers && p.n > columns_of_group && p.m * p.k <= KEPT;
        let in_place = p.b[1] == 1 && columns_of_all.is_multiple_of(width);
        Cut {
            rows,
            columns,
            depth,
            rows_of_block: if is_kept || !packs_slivers { p.m } else { ROWS.min(p.m) }.next_multiple_of(rows),
            columns_of_group,
            packs_panels: !in_place || (p.m > IN_PLACE_ROWS && p.k * p.n > CACHED),
            packs_slivers,
            is_kept,
            k: p.k,
        }
    }

    /// Floats for packed panels and slivers.
    pub(super) fn room(&self) -> [usize; 2] {
        let panels = if self.packs_panels { self.depth * self.columns_of_group } else { 0 };
        let chunks = if self.is_kept { self.k.div_ceil(self.depth) } else { 1 };
        [panels, if self.packs_slivers { chunks * self.slivers() } else { 0 }]
    }

    /// The same with both operands packed block by block.
    #[cfg(test)]
    pub(super) fn packed(self) -> Self {
        let rows_of_block = self.rows_of_block.min(ROWS.next_multiple_of(self.rows));
        Cut { packs_panels: true, packs_slivers: true, is_kept: false, rows_of_block, ..self }
    }

    /// The same with both operands read in place, which lie row by row in whole vectors.
    #[cfg(test)]
    pub(super) fn in_place(self) -> Self {
        Cut { packs_panels: false, packs_slivers: false, is_kept: false, ..self }
    }

    /// Floats of all slivers of a block, for a whole chunk of terms.
    fn slivers(&self) -> usize {
        self.rows_of_block / self.rows * pack::sliver(self.rows, self.depth)
    }
}

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Tiles<'a> {
    pub p: &'a Product,
    pub o: Operands<'a>,
    pub cut: Cut,
    /// As much as [`Cut::room`] says.
    pub room: &'a mut [f32],
}

impl WideKernel for Tiles<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Tiles { p, mut o, cut, room } = self;
        let Cut { rows, columns, depth, rows_of_block, columns_of_group, packs_panels, packs_slivers, is_kept, .. } =
            cut;
        let (packed_panels, packed_slivers) = room.split_at_mut(cut.room()[0]);
        for j in (0..p.n).step_by(columns_of_group) {
            let columns_here = columns_of_group.min(p.n - j);
            for k in (0..p.k).step_by(depth) {
                let terms = depth.min(p.k - k);
                let from = &o.b[k * p.b[0] + j * p.b[1]..];
                let (panels, steps) = if packs_panels {
                    pack::pack_panels(w, columns, from, p.b, [terms, columns_here], packed_panels);
                    (&*packed_panels, [terms * columns, columns])
                } else {
                    (from, [columns, p.b[0]])
                };
                for i in (0..p.m).step_by(rows_of_block) {
                    let rows_here = rows_of_block.min(p.m - i);
                    let from = &o.a[i * p.a[0] + k * p.a[1]..];
                    let block = Block {
                        terms,
                        size: [rows_here, columns_here],
                        tile: [rows, columns],
                        panels,
                        steps,
                        at: i * p.c[0] + j,
                        c_row: p.c[0],
                        add: o.add || k > 0,
                    };
                    let (a, steps) = if packs_slivers {
                        let slivers = &mut packed_slivers[if is_kept { k / depth * cut.slivers() } else { 0 }..];
                        if j == 0 || !is_kept {
                            pack::pack_slivers(w, rows, from, p.a, [rows_here, terms], slivers);
                        }
                        (&*slivers, [pack::sliver(rows, terms), rows])
                    } else if p.a[1] == 1 {
                        (from, [rows * p.a[0], p.a[0]])
                    } else {
                        (from, [rows, p.a[1]])
                    };
                    if packs_slivers || p.a[1] != 1 {
                        block.compute::<W, true>(w, a, steps, &mut o.c);
                    } else {
                        block.compute::<W, false>(w, a, steps, &mut o.c);
                    }
                }
            }
        }
    }
}

/// A block of the result.
struct Block<'a> {
    terms: usize,
    /// Rows and columns.
    size: [usize; 2],
    /// Rows and columns of a tile.
    tile: [usize; 2],
    panels: &'a [f32],
    /// From panel to panel, and from a panel's row to the next.
    steps: [usize; 2],
    /// Where it begins in the result.
    at: usize,
    c_row: usize,
    add: bool,
}

impl Block<'_> {
    /// Sliver by sliver, in each of them tiles from left to right. The first operand's steps are from sliver to sliver and, as
    /// [`Tile::any_size`] says, from row to row or from term to term.
    #[inline(always)]
    fn compute<W: Wide, const BESIDE: bool>(&self, w: W, slivers: &[f32], steps: [usize; 2], c: &mut Shared<'_>) {
        let [rows, columns] = self.tile;
        for (number, i) in (0..self.size[0]).step_by(rows).enumerate() {
            let a = &slivers[number * steps[0]..];
            for (number, j) in (0..self.size[1]).step_by(columns).enumerate() {
                let tile = Tile {
                    k: self.terms,
                    a,
                    step: steps[1],
                    panel: &self.panels[number * self.steps[0]..],
                    row: self.steps[1],
                    at: self.at + i * self.c_row + j,
                    c_row: self.c_row,
                    columns: columns.min(self.size[1] - j),
                    add: self.add,
                };
                tile.any_size::<W, BESIDE>(w, rows.min(self.size[0] - i), c);
            }
        }
    }
}
