//! Products in register [`tile`]s, of all sizes.
//!
//! Rows are read in slivers of a tile's height, columns in panels of its width. One sliver stays in the first-level cache while
//! a group of panels passes by, which stays in the second-level cache and is asked for ahead: so the result is written in long
//! runs, too, and no more of the first-level cache is needed than is left where two threads share a core. Both operands are read
//! in place where that is no slower, else packed; a group row by row over all of its panels: large operands come from far away,
//! and memory likes long runs. Slivers that many groups or blocks read are packed once, before, by all threads.

use std::ops::Range;

use super::tile::Tile;
use super::{Operands, Product, pack, tile};
use crate::cpu::memory::Shared;
use crate::cpu::scratch::Need;
use crate::cpu::simd::{LANES, Level, Wide, WideKernel};

/// Rows of a block, about.
const ROWS: usize = 192;
/// Floats of slivers, at most, that are packed once: 4 MiB.
const ONCE: usize = 1 << 20;
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
/// Terms up to which several panels do so: their lines may lie in few sets of the first-level cache.
const IN_PLACE_TERMS: usize = 128;

/// Columns of the narrowest block of a large product for which no more is packed than for a wide one.
pub(super) fn narrowest(p: &Product) -> usize {
    if p.a[1] == 1 || p.m * p.k <= ONCE { 128 } else { GROUP / DEPTH }
}

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
    slivers: Slivers,
    k: usize,
}

/// Where slivers are read.
#[derive(Clone, Copy, PartialEq)]
enum Slivers {
    InPlace,
    /// Packed for each group of columns, some rows at a time.
    OfGroup,
    /// All of them packed before, for all groups and blocks.
    Once,
}

impl Cut {
    /// For blocks of so many rows and columns of a product. The columns of all but the last block are whole vectors.
    pub(super) fn new(level: Level, p: &Product, [m, n]: [usize; 2]) -> Self {
        let [width, rows, sums] = level.shape();
        let vectors = tile::vectors(n.div_ceil(width), sums);
        let (rows, columns) = (rows.min(sums / vectors), vectors * width);
        // Tiles of about the same number of rows: one of two rows would wait for its multiply-adds.
        let rows = m.div_ceil(m.div_ceil(rows));
        // Whole vectors are transposed.
        let depth = p.k.div_ceil(p.k.div_ceil(DEPTH)).next_multiple_of(LANES).min(p.k);
        let columns_of_group = n.div_ceil(n.div_ceil(GROUP / depth)).next_multiple_of(columns);
        let is_in_place = match p.a {
            [_, 1] => true,
            [1, _] => n <= columns || (n <= IN_PLACE_PANELS * columns && p.k <= IN_PLACE_TERMS),
            _ => false,
        };
        let rows_of_block = m.div_ceil(m.div_ceil(ROWS)).next_multiple_of(rows);
        let slivers = match is_in_place {
            true => Slivers::InPlace,
            false if m == p.m && p.n > columns_of_group && m * p.k <= ONCE => Slivers::Once,
            false => Slivers::OfGroup,
        };
        Cut {
            rows,
            columns,
            depth,
            rows_of_block: if slivers == Slivers::OfGroup { rows_of_block } else { m.next_multiple_of(rows) },
            columns_of_group,
            packs_panels: p.b[1] != 1 || !p.n.is_multiple_of(width) || (m > IN_PLACE_ROWS && p.k * n > CACHED),
            slivers,
            k: p.k,
        }
    }

    /// Floats for packed slivers of all, and panels and slivers of a thread.
    pub(super) fn need(&self) -> Need {
        let slivers = self.slivers_of_block(self.depth);
        Need {
            shared: if self.slivers == Slivers::Once { self.k.div_ceil(self.depth) * slivers } else { 0 },
            own: self.panels() + if self.slivers == Slivers::OfGroup { slivers } else { 0 },
        }
    }

    /// The same with both operands packed block by block.
    #[cfg(test)]
    pub(super) fn packed(self) -> Self {
        let rows_of_block = self.rows_of_block.min(ROWS.next_multiple_of(self.rows));
        Cut { packs_panels: true, slivers: Slivers::OfGroup, rows_of_block, ..self }
    }

    /// The same with both operands read in place, which lie row by row in whole vectors.
    #[cfg(test)]
    pub(super) fn in_place(self) -> Self {
        Cut { packs_panels: false, slivers: Slivers::InPlace, ..self }
    }

    /// Floats of a group's panels.
    fn panels(&self) -> usize {
        if self.packs_panels { self.depth * self.columns_of_group } else { 0 }
    }

    /// Floats of the slivers of a block of rows, for so many terms.
    fn slivers_of_block(&self, terms: usize) -> usize {
        self.rows_of_block / self.rows * pack::sliver(self.rows, terms)
    }

    /// Tiles of rows whose slivers are packed once: none, or as many as the product has.
    pub(super) fn once(&self) -> usize {
        if self.slivers == Slivers::Once { self.rows_of_block / self.rows } else { 0 }
    }
}

/// Slivers that are packed once, of some tiles of rows and of all terms.
pub(super) struct Once<'a> {
    pub p: &'a Product,
    pub a: &'a [f32],
    pub cut: Cut,
    pub tiles: Range<usize>,
    /// As much as [`Cut::need`] says that all share. The slivers of these tiles belong to this thread.
    pub slivers: Shared<'a>,
}

impl WideKernel for Once<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Once { p, a, cut, tiles, slivers } = self;
        let first = tiles.start * cut.rows;
        let rows = (tiles.end * cut.rows).min(p.m) - first;
        for k in (0..p.k).step_by(cut.depth) {
            let terms = cut.depth.min(p.k - k);
            let sliver = pack::sliver(cut.rows, terms);
            let at = k / cut.depth * cut.slivers_of_block(cut.depth) + tiles.start * sliver;
            // SAFETY: slivers lie one behind another, so those of other tiles are elsewhere.
            let to = unsafe { slivers.part(at, tiles.len() * sliver) };
            pack::pack_slivers(w, cut.rows, &a[first * p.a[0] + k * p.a[1]..], p.a, [rows, terms], to);
        }
    }
}

/// A product whose columns have stride 1 in the result (or of which there is one).
pub(super) struct Tiles<'a> {
    pub p: &'a Product,
    pub o: Operands<'a>,
    pub cut: Cut,
    /// What is packed [`Once`].
    pub slivers: &'a [f32],
    /// As much as [`Cut::need`] says that each thread has.
    pub own: &'a mut [f32],
}

impl WideKernel for Tiles<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Tiles { p, mut o, cut, slivers, own } = self;
        let Cut { rows, columns, depth, rows_of_block, columns_of_group, packs_panels, .. } = cut;
        let (packed_panels, packed_slivers) = own.split_at_mut(cut.panels());
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
                    let packed = [pack::sliver(rows, terms), rows];
                    let (a, steps) = match cut.slivers {
                        Slivers::InPlace if p.a[1] == 1 => {
                            block.compute::<W, false>(w, from, [rows * p.a[0], p.a[0]], &mut o.c);
                            continue;
                        }
                        Slivers::InPlace => (from, [rows, p.a[1]]),
                        Slivers::OfGroup => {
                            pack::pack_slivers(w, rows, from, p.a, [rows_here, terms], packed_slivers);
                            (&*packed_slivers, packed)
                        }
                        Slivers::Once => (&slivers[k / depth * cut.slivers_of_block(depth)..], packed),
                    };
                    block.compute::<W, true>(w, a, steps, &mut o.c);
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
