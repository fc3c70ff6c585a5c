//! Positions in the sums: gradients of weights.
//!
//! Sums over many positions are cut into pieces by shapes alone; each piece is summed by itself, and the pieces are added in
//! order. So several threads can work on one result.

use super::blocks::{Block, Common, Cut};
use super::layout::Order;
use super::problem::{Operands, Problem, place, signed};
use super::stage::stage;
use super::tables::{Tables, with_tables};
use super::tile::{self, Offsets, Runs, by_size};
use crate::cpu::memory::Shared;
use crate::cpu::parallel::{self, GRAIN, WORTH};
use crate::cpu::scratch::{Need, line, noted, with_own, with_shared};
use crate::cpu::simd::{LANES, Level, Simd, Wide, WideKernel};

/// Positions that are staged together, at least: what has to be done for each stage should not count.
const FEW: usize = 256;
/// Positions of a piece, at least: adding pieces should not count either.
const PIECE: usize = 1024;
/// The most pieces.
const PIECES: usize = 8;
/// Floats that the sums of all pieces take, at most.
const PIECE_FLOATS: usize = 1 << 22;
/// Channels up to which vectors along positions are better than vectors along channels.
const FEW_CHANNELS: usize = 8;

/// Everything that tasks have in common.
struct Sums<'a> {
    common: Common<'a>,
    /// Length of a run of positions; step of the second operand along it.
    run: usize,
    step: isize,
    /// How many taps there are, and how many of them a task does.
    taps: usize,
    taps_of_task: usize,
    pieces: usize,
    /// Floats for the channels of one tap.
    pitch: usize,
    /// Whether vectors are along positions.
    dots: bool,
}

impl Sums<'_> {
    /// Floats of one piece of one group.
    fn floats(&self) -> usize {
        self.taps * self.pitch
    }
}

/// Computes a contraction.
pub(super) fn run(level: Level, problem: &Problem, o: Operands<'_>) {
    let [width, ..] = level.shape();
    let mut problem = *problem;
    let order = Order::of(&mut problem);
    let cut = Cut::new(&problem, &order, FEW, 1);
    with_tables(|tables| {
        let Tables { blocks, groups, channels, taps, .. } = tables;
        for (table, axes) in
            [(&mut *groups, &order.groups), (&mut *channels, &order.channels), (&mut *taps, &order.taps)]
        {
            table.clear();
            problem.each(axes, |steps| table.push(steps));
        }
        let (mut run, mut staged, mut positions_of_block) = (1, 0, 0);
        for (part, table) in cut.kinds(&problem) {
            blocks[table].prepare(&part, &cut.positions, &order.taps);
            run = blocks[table].runs(&part, &cut.positions);
            staged = blocks[table].staged().max(staged);
            positions_of_block = positions_of_block.max(blocks[table].positions.len() * run);
        }
        let step = cut.positions.last().map_or(1, |&x| problem.axes[x].steps[1]);
        let forwards = |block: &Block| block.others.iter().all(|&x| x >= 0);
        let dots = channels.len() <= FEW_CHANNELS && (step == 1 || run == 1) && blocks.iter().all(forwards);
        let pitch = if dots { channels.len() } else { channels.len().next_multiple_of(width) };
        let positions = problem.points(&cut.positions) * cut.samples(&problem);
        let chunks = cut.samples(&problem) * cut.blocks(&problem);
        let fitting = (PIECE_FLOATS / (groups.len() * taps.len() * pitch)).max(1);
        let pieces = (positions / PIECE).clamp(1, PIECES).min(chunks).min(fitting);
        let threads = if problem.work() < 2 * WORTH { 1 } else { parallel::threads() };
        // Of many taps, several threads can do some each: no sum changes.
        let parts = threads.div_ceil(pieces * groups.len()).min(taps.len().div_ceil(64));
        let taps_of_task = taps.len().div_ceil(parts).next_multiple_of(8);
        let shape = Sums {
            common: Common { problem: &problem, cut: &cut, blocks, groups, channels, o },
            run,
            step,
            taps: taps.len(),
            taps_of_task,
            pieces,
            pitch,
            dots,
        };
        let staged = line(staged);
        let columns = if dots { 0 } else { positions_of_block * pitch };
        let need = Need { shared: pieces * groups.len() * shape.floats(), own: staged + columns };
        if noted(need) {
            return;
        }
        let tasks = pieces * groups.len() * taps.len().div_ceil(taps_of_task);
        let size = if threads > 1 { (GRAIN * tasks).div_ceil(problem.work()) } else { tasks };
        with_shared(need.shared, |sums| {
            let shared = Shared::new(sums);
            parallel::each(tasks.div_ceil(size), &|piece| {
                let tasks = piece * size..tasks.min((piece + 1) * size);
                let (start, end) = (shape.start(tasks.start), shape.start(tasks.end));
                // SAFETY: each piece is done once, and the sums of its tasks belong to no other one.
                let sums = unsafe { shared.part(start, end - start) };
                with_own(need.own, |own| {
                    let (staged, columns) = own.split_at_mut(staged);
                    level.run(Tasks { shape: &shape, tasks, sums, staged, columns });
                });
            });
            add_pieces(&shape, taps, sums);
        });
    });
}

impl Sums<'_> {
    /// Group, piece and taps of a task.
    fn task(&self, task: usize) -> (usize, usize, std::ops::Range<usize>) {
        let parts = self.taps.div_ceil(self.taps_of_task);
        let first = task % parts * self.taps_of_task;
        let (piece, group) = (task / parts % self.pieces, task / parts / self.pieces);
        (group, piece, first..self.taps.min(first + self.taps_of_task))
    }

    /// Where the sums of a task begin.
    fn start(&self, task: usize) -> usize {
        let (group, piece, taps) = self.task(task);
        (group * self.pieces + piece) * self.floats() + taps.start * self.pitch
    }
}

/// Some tasks of one thread, and their sums.
struct Tasks<'a> {
    shape: &'a Sums<'a>,
    tasks: std::ops::Range<usize>,
    sums: &'a mut [f32],
    /// For the windowed operand's part, and the other one's.
    staged: &'a mut [f32],
    columns: &'a mut [f32],
}

impl WideKernel for Tasks<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Tasks { shape, tasks, sums, staged, columns } = self;
        let Common { problem, cut, o, .. } = shape.common;
        let origin = shape.start(tasks.start);
        let blocks_of_sample = cut.blocks(problem);
        let chunks = cut.samples(problem) * blocks_of_sample;
        for task in tasks {
            let (group, piece, taps) = shape.task(task);
            let start = shape.start(task) - origin;
            let sums = &mut sums[start..start + taps.len() * shape.pitch];
            let first_chunk = piece * chunks / shape.pieces;
            for chunk in first_chunk..(piece + 1) * chunks / shape.pieces {
                let (part, table) = shape.common.part(group, chunk / blocks_of_sample, chunk % blocks_of_sample);
                let stage = Stage {
                    from: stage(w, table.layout(), &part, o.a, staged),
                    table,
                    taps: Offsets::new(&table.taps),
                    range: taps.clone(),
                    runs: Runs { starts: Offsets::new(&table.positions), len: shape.run },
                    add: chunk > first_chunk,
                    shape,
                    other: part.first[1],
                };
                if shape.dots {
                    stage.dots(w, sums);
                } else {
                    stage.panels(w, columns, sums);
                }
            }
        }
    }
}

/// A block of positions.
struct Stage<'a> {
    from: &'a [f32],
    table: &'a Block,
    taps: Offsets<'a>,
    range: std::ops::Range<usize>,
    runs: Runs<'a>,
    /// Whether it is added to what is there.
    add: bool,
    shape: &'a Sums<'a>,
    /// The second operand's first element.
    other: isize,
}

impl Stage<'_> {
    /// Tiles of taps: the first one of each, and how many.
    fn tiles(&self, most: usize) -> impl Iterator<Item = (usize, usize)> {
        let (mut first, end) = (self.range.start, self.range.end);
        std::iter::from_fn(move || {
            let size = (first < end).then(|| tile::rows_of_tile(end - first, most))?;
            first += size;
            Some((first - size, size))
        })
    }

    /// The offsets of `R` taps; those behind the last one repeat it.
    #[inline(always)]
    fn rows<const R: usize>(&self, first: usize) -> [usize; R] {
        std::array::from_fn(|r| self.taps.get((first + r).min(self.range.end - 1)))
    }

    /// Vectors along channels.
    #[inline(always)]
    fn panels<W: Wide>(&self, w: W, columns: &mut [f32], sums: &mut [f32]) {
        let pitch = self.shape.pitch;
        let columns = &mut columns[..self.runs.starts.len() * self.runs.len * pitch];
        self.turn(w, columns);
        for first in (0..pitch).step_by(2 * W::WIDTH) {
            for (tap, rows) in self.tiles(W::ROWS) {
                let at = [tap, first];
                macro_rules! tile {
                    ($r:literal, $v:literal) => {
                        self.panel::<W, $r, $v>(w, at, columns, sums)
                    };
                }
                let vectors = if pitch - first > W::WIDTH { 2 } else { 1 };
                by_size!(W, rows, vectors, tile, [2], [2])
            }
        }
    }

    #[inline(always)]
    fn panel<W: Wide, const R: usize, const V: usize>(
        &self,
        w: W,
        [tap, first]: [usize; 2],
        columns: &[f32],
        sums: &mut [f32],
    ) {
        let pitch = self.shape.pitch;
        let tile = tile::taps::<W, R, V>(w, self.rows(tap), self.runs, self.from, &columns[first..], pitch);
        for (r, tile) in tile.into_iter().enumerate().take(self.range.end - tap) {
            let row = &mut sums[(tap - self.range.start + r) * pitch + first..][..V * W::WIDTH];
            for (x, to) in tile.into_iter().zip(row.chunks_exact_mut(W::WIDTH)) {
                let before = w.wide_load(to, W::WIDTH);
                w.wide_store(to, W::WIDTH, if self.add { w.wide_mul_add(x, w.wide_splat(1.0), before) } else { x });
            }
        }
    }

    /// Copies the second operand: a row of channels for each position.
    #[inline(always)]
    fn turn<S: Simd>(&self, s: S, to: &mut [f32]) {
        let Sums { common: Common { channels, o, .. }, pitch, step, .. } = *self.shape;
        let len = self.runs.len;
        for (&other, to) in self.table.others.iter().zip(to.chunks_exact_mut(len * pitch)) {
            turn(s, o.b, self.other + other, channels, (len, step), pitch, to);
        }
    }

    /// Vectors along positions.
    #[inline(always)]
    fn dots<W: Wide>(&self, w: W, sums: &mut [f32]) {
        let channels = self.shape.common.channels.len();
        let mut first = 0;
        while first < channels {
            let count = [1, 2, 4, 4][(channels - first).min(4) - 1];
            for (tap, rows) in self.tiles(if count > 1 { 4.min(W::ROWS) } else { W::ROWS }) {
                let at = [tap, first];
                macro_rules! tile {
                    ($r:literal, $c:literal) => {
                        self.dot::<W, $r, $c>(w, at, sums)
                    };
                }
                match (rows, count) {
                    (8, 1) if W::ROWS >= 8 => tile!(8, 1),
                    (6, 1) => tile!(6, 1),
                    (4, 1) => tile!(4, 1),
                    (4, 2) => tile!(4, 2),
                    (4, _) => tile!(4, 4),
                    (3, 1) => tile!(3, 1),
                    (3, 2) => tile!(3, 2),
                    (3, _) => tile!(3, 4),
                    (2, 1) => tile!(2, 1),
                    (2, 2) => tile!(2, 2),
                    (2, _) => tile!(2, 4),
                    (_, 1) => tile!(1, 1),
                    (_, 2) => tile!(1, 2),
                    (_, _) => tile!(1, 4),
                }
            }
            first += count;
        }
    }

    #[inline(always)]
    fn dot<W: Wide, const R: usize, const C: usize>(&self, w: W, [tap, first]: [usize; 2], sums: &mut [f32]) {
        let channels = self.shape.common.channels;
        let start = |c: usize| place(self.other + channels[(first + c).min(channels.len() - 1)][1]);
        let columns: [usize; C] = std::array::from_fn(start);
        let tile = tile::dots::<W, R, C>(
            w,
            self.rows(tap),
            self.runs,
            self.from,
            columns,
            &self.table.others,
            self.shape.common.o.b,
        );
        for (r, tile) in tile.into_iter().enumerate().take(self.range.end - tap) {
            let row = &mut sums[(tap - self.range.start + r) * self.shape.pitch..][..self.shape.pitch];
            for (x, to) in tile.into_iter().zip(&mut row[first..]) {
                let mut lanes = [0.0; 32];
                w.wide_store(&mut lanes, W::WIDTH, x);
                let sum: f32 = lanes[..W::WIDTH].iter().sum();
                *to = if self.add { *to + sum } else { sum };
            }
        }
    }
}

/// Copies `len` positions, `step` apart, of some channels: a row of `pitch` floats for each position.
#[inline(always)]
pub(super) fn turn<S: Simd>(
    s: S,
    from: &[f32],
    first: isize,
    channels: &[[isize; 3]],
    (len, step): (usize, isize),
    pitch: usize,
    to: &mut [f32],
) {
    for begin in (0..pitch).step_by(LANES) {
        let count = channels.len().saturating_sub(begin).min(LANES);
        let mut starts = [0; LANES];
        for (start, channel) in starts.iter_mut().zip(&channels[channels.len().min(begin)..]) {
            *start = place(first + channel[1]);
        }
        let is_whole = step == 1 && count == LANES;
        let runs: [&[f32]; LANES] = starts.map(|at| if is_whole { &from[at..at + len] } else { &[] });
        for x in (0..len).step_by(LANES) {
            let n = LANES.min(len - x);
            let mut block = [s.splat(0.0); LANES];
            if is_whole {
                for (v, run) in block.iter_mut().zip(runs) {
                    *v = s.load(run, x, n);
                }
            } else {
                for (v, at) in block.iter_mut().zip(starts).take(count) {
                    *v = match step {
                        1 => s.load(from, at + x, n),
                        _ => s.gather(n, |lane| from[place(signed(at) + signed(x + lane) * step)]),
                    };
                }
            }
            for (j, v) in s.transpose(block).into_iter().enumerate().take(n) {
                s.store(to, (x + j) * pitch + begin, LANES, v);
            }
        }
    }
}

/// Taps of a block in which pieces are added.
const BLOCK: usize = 16;

/// Adds the pieces in order, into the result.
fn add_pieces(shape: &Sums<'_>, taps: &[[isize; 3]], sums: &[f32]) {
    let Sums { common: Common { problem, groups, channels, o, .. }, pieces, pitch, .. } = *shape;
    for (group, at) in groups.iter().enumerate() {
        let sums = &sums[group * pieces * shape.floats()..][..pieces * shape.floats()];
        for (block, taps) in taps.chunks(BLOCK).enumerate() {
            for (number, channel) in channels.iter().enumerate() {
                for (i, tap) in taps.iter().enumerate() {
                    let first = (block * BLOCK + i) * pitch + number;
                    let sum: f32 = sums[first..].iter().step_by(shape.floats()).sum();
                    // SAFETY: `Problem::check` has found the elements apart and within, and no other thread is at work.
                    unsafe { o.set(problem.first[2] + at[2] + channel[2] + tap[2], sum) };
                }
            }
        }
    }
}
