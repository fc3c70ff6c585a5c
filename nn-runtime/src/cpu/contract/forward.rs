//! Positions in the result: forward passes and gradients of inputs.

use super::blocks::{Block, Common, Cut, Segment};
use super::layout::Order;
use super::problem::{Operands, Problem, place, signed};
use super::stage::stage;
use super::tables::{Tables, with_tables};
use super::tile::{self, Offsets, by_size};
use crate::cpu::parallel::{self, GRAIN, WORTH};
use crate::cpu::scratch::{Need, noted, with_own, with_shared};
use crate::cpu::simd::{Kernel, LANES, Level, Simd, Wide, WideKernel, dispatch};

/// Positions of a sample below which several samples are staged together: a few vectors.
const FEW: usize = 48;

/// Everything that tasks have in common.
struct Forward<'a> {
    common: Common<'a>,
    /// The second operand: for each group, for each tile of rows, for each tap, the rows.
    packed: &'a [f32],
    /// Floats of a group in it.
    group: usize,
}

/// Computes a contraction.
pub(super) fn run(level: Level, problem: &Problem, o: Operands<'_>) {
    let [width, most, _] = level.shape();
    let mut problem = *problem;
    let order = Order::of(&mut problem);
    let work = problem.work();
    let threads = if work < 2 * WORTH { 1 } else { parallel::threads() };
    let tasks = if threads > 1 { (2 * threads).min(work / GRAIN) } else { 1 };
    let cut = Cut::new(&problem, &order, FEW, tasks.div_ceil(problem.points(&order.groups)));
    with_tables(|tables| {
        let Tables { blocks, groups, channels, taps, .. } = tables;
        for (table, axes) in [(&mut *groups, &order.groups), (channels, &order.channels), (taps, &order.taps)] {
            table.clear();
            problem.each(axes, |steps| table.push(steps));
        }
        let mut own = 0;
        for (part, table) in cut.kinds(&problem) {
            blocks[table].prepare(&part, &cut.positions, &order.taps);
            blocks[table].vectors(&part, &cut.positions, width);
            own = own.max(blocks[table].staged());
        }
        let group = tiles(channels.len(), most).map(|(_, rows)| rows).sum::<usize>() * taps.len();
        let need = Need { shared: group * groups.len(), own };
        if noted(need) {
            return;
        }
        with_shared(need.shared, |packed| {
            for (at, to) in groups.iter().zip(packed.chunks_exact_mut(group)) {
                dispatch(Pack { from: o.b, first: problem.first[1] + at[1], channels, taps, most, to });
            }
            let common = Common { problem: &problem, cut: &cut, blocks, groups, channels, o };
            let forward = Forward { common, packed, group };
            let count = cut.samples(&problem) * cut.blocks(&problem) * groups.len();
            let size = if threads > 1 { (GRAIN * count).div_ceil(work) } else { count };
            parallel::each(count.div_ceil(size), &|piece| {
                let tasks = piece * size..count.min((piece + 1) * size);
                with_own(own, |staged| level.run(Tasks { forward: &forward, tasks, staged }));
            });
        });
    });
}

/// The tiles of some rows: the first one of each, and its size.
pub(super) fn tiles(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let size = (first < rows).then(|| tile::rows_of_tile(rows - first, most))?;
        first += size;
        Some((first - size, size))
    })
}

/// Copies the second operand of a group into the order of tiles.
pub(super) struct Pack<'a> {
    pub from: &'a [f32],
    pub first: isize,
    pub channels: &'a [[isize; 3]],
    pub taps: &'a [[isize; 3]],
    /// Rows of a tile, at most.
    pub most: usize,
    pub to: &'a mut [f32],
}

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Pack { from, first, channels, taps, most, mut to } = self;
        let in_order = taps.iter().enumerate().all(|(i, tap)| tap[1] == signed(i));
        for (row, rows) in tiles(channels.len(), most) {
            let tile;
            (tile, to) = to.split_at_mut(rows * taps.len());
            let channels = &channels[row..channels.len().min(row + rows)];
            let mut done = 0;
            if in_order && channels.len() == LANES && rows == LANES {
                // Eight rows of neighbouring terms: turned around in registers.
                let sources: [&[f32]; LANES] =
                    std::array::from_fn(|r| &from[place(first + channels[r][1])..][..taps.len()]);
                done = taps.len() / LANES * LANES;
                for k in (0..done).step_by(LANES) {
                    let block = s.transpose(sources.map(|source| s.load(source, k, LANES)));
                    for (j, v) in block.into_iter().enumerate() {
                        s.store(tile, (k + j) * LANES, LANES, v);
                    }
                }
            }
            for (tap, out) in taps.iter().zip(tile.chunks_exact_mut(rows)).skip(done) {
                let (there, behind) = out.split_at_mut(channels.len());
                for (x, channel) in there.iter_mut().zip(channels) {
                    *x = from[place(first + channel[1] + tap[1])];
                }
                behind.fill(0.0);
            }
        }
    }
}

/// Some tasks of one thread: task `(sample * blocks + block) * groups + group`.
struct Tasks<'a> {
    forward: &'a Forward<'a>,
    tasks: std::ops::Range<usize>,
    /// For the windowed operand's part.
    staged: &'a mut [f32],
}

impl WideKernel for Tasks<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Forward { common, packed, group: group_floats } = *self.forward;
        let Common { problem, cut, groups, channels, o, .. } = common;
        let blocks_of_sample = cut.blocks(problem);
        for task in self.tasks {
            let (group, rest) = (task % groups.len(), task / groups.len());
            let (part, table) = common.part(group, rest / blocks_of_sample, rest % blocks_of_sample);
            let from = stage(w, table.layout(), &part, o.a, self.staged);
            let tiles = Tiles {
                from,
                terms: Offsets::new(&table.taps),
                table,
                step: cut.positions.last().map_or(1, |&x| problem.axes[x].steps[2]),
                first: part.first[2],
                o,
                channels,
                packed: &packed[group * group_floats..][..group_floats],
            };
            tiles.all(w);
        }
    }
}

/// The tiles of one task.
struct Tiles<'a> {
    from: &'a [f32],
    terms: Offsets<'a>,
    table: &'a Block,
    /// How far apart neighbouring positions lie in the result.
    step: isize,
    /// The result's first element.
    first: isize,
    channels: &'a [[isize; 3]],
    packed: &'a [f32],
    o: Operands<'a>,
}

impl Tiles<'_> {
    #[inline(always)]
    fn all<W: Wide>(&self, w: W) {
        let vectors = self.table.positions.len();
        let mut first = 0;
        while first < vectors {
            let rest = vectors - first;
            let most = match tile::rows_of_tile(self.channels.len(), W::ROWS) {
                1 | 2 => 6,
                rows if rows * 3 <= 2 * W::ROWS || W::ROWS == 8 => 3,
                _ => 2,
            };
            let count = match rest.div_ceil(rest.div_ceil(most)) {
                4 | 5 => 3,
                count => count,
            };
            let mut packed = self.packed;
            for (row, rows) in tiles(self.channels.len(), W::ROWS) {
                let weights;
                (weights, packed) = packed.split_at(rows * self.terms.len());
                self.any_size(w, [row, rows], weights, [first, count]);
            }
            first += count;
        }
    }

    #[inline(always)]
    fn any_size<W: Wide>(&self, w: W, [row, rows]: [usize; 2], weights: &[f32], [first, count]: [usize; 2]) {
        macro_rules! tile {
            ($r:literal, $v:literal) => {
                self.one::<W, $r, $v>(w, row, weights, first)
            };
        }
        by_size!(W, rows, count, tile, [3 2], [6 3 2])
    }

    /// Computes and stores a tile of `R` rows and `V` vectors.
    #[inline(always)]
    fn one<W: Wide, const R: usize, const V: usize>(&self, w: W, row: usize, weights: &[f32], first: usize) {
        let vectors: [usize; V] = std::array::from_fn(|v| self.table.positions[first + v] as usize);
        let sums = tile::positions::<W, R, V>(w, weights, self.terms, self.from, vectors);
        // Rows behind the last one are not there.
        for (sums, channel) in sums.into_iter().zip(&self.channels[row..]) {
            for (v, sum) in sums.into_iter().enumerate() {
                let bounds = &self.table.bounds[first + v..];
                for segment in &self.table.segments[bounds[0] as usize..bounds[1] as usize] {
                    self.store(w, segment, self.first + channel[2] + segment.at, sum);
                }
            }
        }
    }

    #[inline(always)]
    fn store<W: Wide>(&self, w: W, segment: &Segment, at: isize, sum: W::W) {
        let (lane, count) = (segment.lane as usize, segment.count as usize);
        if self.step == 1 && lane == 0 {
            // SAFETY: the elements belong to this task: `Problem::check` has found them apart.
            return w.wide_store(unsafe { self.o.c.part(place(at), count) }, count, sum);
        }
        let mut lanes = [0.0; 32];
        w.wide_store(&mut lanes, W::WIDTH, sum);
        for (i, x) in lanes[lane..lane + count].iter().enumerate() {
            // SAFETY: as above.
            unsafe { self.o.set(at + signed(i) * self.step, *x) };
        }
    }
}
