//! Tiles in the sums: gradients of weights.
//!
//! As with plain sums, blocks of tiles are cut into pieces by shapes alone, and pieces are added in order. What is summed is
//! transformed back at the end.

use super::super::problem::{Operands, Problem, signed};
use super::super::tables::{Tables, with_tables};
use super::super::tile::{self, Offsets, Runs, by_size};
use super::super::weights::turn;
use super::data::{self, Data};
use super::{Common, Form, POINTS, Points, Tiles, Tiling};
use crate::cpu::memory::Shared;
use crate::cpu::parallel::{self, GRAIN, WORTH};
use crate::cpu::scratch::{Need, line, noted, with_own, with_shared};
use crate::cpu::simd::{Kernel, LANES, Level, Simd, Wide, WideKernel, dispatch};

/// Floats of a block's transformed tiles of both operands, about: they should stay in the second-level cache.
const BLOCK: usize = 1 << 17;
/// Tiles of a piece, at least: adding pieces should not count.
const PIECE: usize = 256;
/// The most pieces.
const PIECES: usize = 8;
/// Floats that the sums of all pieces take, at most.
const PIECE_FLOATS: usize = 1 << 21;

/// Everything that tasks have in common.
struct Sums<'a> {
    common: Common<'a>,
    pieces: usize,
    /// Channels of the windowed operand that a task does, and how many such tasks each piece has.
    inputs_of_task: usize,
    parts: usize,
    /// Floats for the channels of a point and a channel that is read.
    pitch: usize,
    /// The transformed tiles of both operands: rows of tiles for each channel that is read, rows of channels for each tile.
    points: Points,
    others: Points,
}

/// Computes a convolution's gradient.
pub(in super::super) fn run(level: Level, problem: &Problem, form: &Form, o: Operands<'_>) {
    let [width, ..] = level.shape();
    with_tables(|tables| {
        let Tables { groups, channels, samples, inputs, .. } = tables;
        for (table, axes) in [
            (&mut *groups, &form.groups),
            (&mut *channels, &form.channels),
            (&mut *samples, &form.samples),
            (&mut *inputs, &form.inputs),
        ] {
            table.clear();
            problem.each(axes, |steps| table.push(steps));
        }
        let tiling = Tiling::new(problem, form, BLOCK / (POINTS * (inputs.len() + channels.len())));
        let pitch = channels.len().next_multiple_of(width);
        let fitting = (PIECE_FLOATS / (groups.len() * POINTS * inputs.len() * pitch)).max(1);
        let all = tiling.samples * tiling.high * tiling.wide;
        let pieces = (all / PIECE).clamp(1, PIECES).min(tiling.blocks()).min(fitting);
        let threads = if problem.work() < 2 * WORTH { 1 } else { parallel::threads() };
        // Of many channels, several threads can do some each: no sum changes.
        let parts = threads.div_ceil(pieces * groups.len()).min(inputs.len().div_ceil(16));
        let inputs_of_task = inputs.len().div_ceil(parts).next_multiple_of(8);
        let parts = inputs.len().div_ceil(inputs_of_task);
        let data = Data { form, from: o.a, samples, inputs };
        let points = Points::new(inputs_of_task, tiling.most(), width);
        let others = Points { point: tiling.most() * pitch + 2 * width, row: pitch };
        let common = Common { problem, tiling, data, groups, channels, o };
        let shape = Sums { common, pieces, inputs_of_task, parts, pitch, points, others };
        let sizes = Sizes {
            data: line(points.floats()),
            rows: line(data::scratch(tiling.rows_of_block, tiling.wide, width)),
            turned: line(4 * tiling.wide * pitch),
            others: others.floats(),
        };
        let need = Need { shared: groups.len() * pieces * shape.floats(), own: sizes.all() };
        if noted(need) {
            return;
        }
        with_shared(need.shared, |sums| {
            let tasks = groups.len() * pieces * parts;
            let size = if threads > 1 { (GRAIN * tasks).div_ceil(problem.work()) } else { tasks };
            let shared = Shared::new(sums);
            parallel::each(tasks.div_ceil(size), &|piece| {
                let tasks = piece * size..tasks.min((piece + 1) * size);
                with_own(need.own, |own| level.run(Tasks { shape: &shape, tasks, sums: shared, sizes, own }));
            });
            let sums = &*sums;
            let all = groups.len() * inputs.len();
            let size = if threads > 1 { (1_usize << 14).div_ceil(POINTS * pitch * pieces) } else { all };
            parallel::each(all.div_ceil(size), &|piece| {
                let rows = piece * size..all.min((piece + 1) * size);
                dispatch(Results { shape: &shape, rows, sums });
            });
        });
    });
}

/// Floats of the parts of a thread's memory.
#[derive(Clone, Copy)]
struct Sizes {
    /// The windowed operand's transformed tiles.
    data: usize,
    /// What [`Data::transform`] needs.
    rows: usize,
    /// A row of tiles of the second operand, as rows of channels.
    turned: usize,
    /// The second operand's transformed tiles.
    others: usize,
}

impl Sizes {
    fn all(self) -> usize {
        self.data + self.rows + self.turned + self.others
    }
}

impl Sums<'_> {
    /// Floats of one piece of one group.
    fn floats(&self) -> usize {
        POINTS * self.common.data.inputs.len() * self.pitch
    }
}

/// Some tasks of one thread: task `(group * pieces + piece) * parts + part`.
struct Tasks<'a> {
    shape: &'a Sums<'a>,
    tasks: std::ops::Range<usize>,
    sums: Shared<'a>,
    sizes: Sizes,
    own: &'a mut [f32],
}

impl WideKernel for Tasks<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Tasks { shape, tasks, sums, sizes, own } = self;
        let Sums {
            common: Common { problem, tiling, data, groups, .. },
            pieces,
            inputs_of_task,
            parts,
            pitch,
            points,
            others,
        } = *shape;
        let (data_points, rest) = own.split_at_mut(sizes.data);
        let (own, rest) = rest.split_at_mut(sizes.rows);
        let (turned, other_points) = rest.split_at_mut(sizes.turned);
        for task in tasks {
            let (part, rest) = (task % parts, task / parts);
            let (piece, group) = (rest % pieces, rest / pieces);
            let first_input = part * inputs_of_task;
            let inputs = &data.inputs[first_input..data.inputs.len().min(first_input + inputs_of_task)];
            let blocks = tiling.blocks();
            let first_block = piece * blocks / pieces;
            for block in first_block..(piece + 1) * blocks / pieces {
                let tiles = tiling.block(block);
                let first = problem.first[0] + groups[group][0];
                Data { inputs, ..data }.transform(w, &tiles, first, own, points, data_points);
                let block = Block {
                    shape,
                    tiles,
                    first: problem.first[1] + groups[group][1],
                    inputs: inputs.len(),
                    add: block > first_block,
                };
                block.transform(w, turned, other_points);
                for point in 0..POINTS {
                    let start = rest * shape.floats() + (point * data.inputs.len() + first_input) * pitch;
                    // SAFETY: each task is done once, and these sums belong to no other one.
                    let sums = unsafe { sums.part(start, inputs.len() * pitch) };
                    let (data, other) = (&data_points[point * points.point..], &other_points[point * others.point..]);
                    block.product(w, data, other, sums);
                }
            }
        }
    }
}

/// A block of tiles of one group.
struct Block<'a> {
    shape: &'a Sums<'a>,
    tiles: Tiles,
    /// The second operand's first element.
    first: isize,
    inputs: usize,
    /// Whether it is added to what is there.
    add: bool,
}

impl Block<'_> {
    /// Transforms the second operand: for each point and each tile a row of channels.
    #[inline(always)]
    fn transform<W: Wide>(&self, w: W, turned: &mut [f32], to: &mut [f32]) {
        let Sums { common: Common { problem, tiling, data, channels, o, .. }, pitch, others, .. } = *self.shape;
        let Tiles { rows, wide, first_row, first_sample, samples } = self.tiles;
        let [high, columns] = tiling.sides;
        let row_step = problem.axes[data.form.sides[0]].steps[1];
        turned.fill(0.0);
        for sample in 0..samples {
            let first = self.first + data.samples[first_sample + sample][1];
            for row in 0..rows {
                for half in 0..2 {
                    let y = 2 * (first_row + row) + half;
                    let line = &mut turned[half * 2 * wide * pitch..][..2 * wide * pitch];
                    if y < high {
                        turn(w, o.b, first + signed(y) * row_step, channels, (columns, 1), pitch, line);
                    } else {
                        line.fill(0.0);
                    }
                }
                for column in 0..wide {
                    let tile = (sample * rows + row) * wide + column;
                    for k in (0..pitch).step_by(W::WIDTH) {
                        let mut half = [[w.wide_splat(0.0); 4]; 2];
                        for (i, half) in half.iter_mut().enumerate() {
                            let at = (i * 2 * wide + 2 * column) * pitch + k;
                            let g =
                                [w.wide_load(&turned[at..], W::WIDTH), w.wide_load(&turned[at + pitch..], W::WIDTH)];
                            *half = filter(w, g);
                        }
                        let [h0, h1] = half;
                        for (b, (x0, x1)) in h0.into_iter().zip(h1).enumerate() {
                            for (a, x) in filter(w, [x0, x1]).into_iter().enumerate() {
                                let at = (a * 4 + b) * others.point + tile * pitch + k;
                                w.wide_store(&mut to[at..], W::WIDTH, x);
                            }
                        }
                    }
                }
            }
        }
    }

    /// The sums of one point: for each channel that is read a row of channels.
    #[inline(always)]
    fn product<W: Wide>(&self, w: W, points: &[f32], others: &[f32], sums: &mut [f32]) {
        let pitch = self.shape.pitch;
        for first in (0..pitch).step_by(2 * W::WIDTH) {
            let mut input = 0;
            while input < self.inputs {
                let rows = tile::rows_of_tile(self.inputs - input, W::ROWS);
                let at = [input, first];
                macro_rules! tile {
                    ($r:literal, $v:literal) => {
                        self.one::<W, $r, $v>(w, at, points, others, sums)
                    };
                }
                let vectors = if pitch - first > W::WIDTH { 2 } else { 1 };
                by_size!(W, rows, vectors, tile, [2], [2]);
                input += rows;
            }
        }
    }

    #[inline(always)]
    fn one<W: Wide, const R: usize, const V: usize>(
        &self,
        w: W,
        [input, first]: [usize; 2],
        points: &[f32],
        others: &[f32],
        sums: &mut [f32],
    ) {
        let Sums { pitch, points: Points { row, .. }, .. } = *self.shape;
        let rows: [usize; R] = std::array::from_fn(|r| (input + r).min(self.inputs - 1) * row);
        let runs = Runs { starts: Offsets::new(&[0]), len: self.tiles.count() };
        let tile = tile::taps::<W, R, V>(w, rows, runs, points, &others[first..], pitch);
        for (r, tile) in tile.into_iter().enumerate().take(self.inputs - input) {
            let to = &mut sums[(input + r) * pitch + first..][..V * W::WIDTH];
            for (x, to) in tile.into_iter().zip(to.chunks_exact_mut(W::WIDTH)) {
                let before = w.wide_load(to, W::WIDTH);
                w.wide_store(to, W::WIDTH, if self.add { w.wide_add(x, before) } else { x });
            }
        }
    }
}

/// `G g` for the two elements of a tile's side.
#[inline(always)]
fn filter<W: Wide>(w: W, [g0, g1]: [W::W; 2]) -> [W::W; 4] {
    let (half, zero) = (w.wide_splat(0.5), w.wide_splat(0.0));
    [g0, w.wide_mul_add(half, w.wide_add(g0, g1), zero), w.wide_mul_add(half, w.wide_sub(g0, g1), zero), g1]
}

/// Adds the pieces in order, and transforms them into the result; for some rows `group * inputs + input`.
struct Results<'a> {
    shape: &'a Sums<'a>,
    rows: std::ops::Range<usize>,
    sums: &'a [f32],
}

impl Kernel for Results<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sums { common: Common { problem, data, groups, channels, o, .. }, pieces, pitch, .. } = *self.shape;
        let inputs = data.inputs.len();
        let taps: [[isize; 3]; 2] = data.form.taps.map(|x| [0, 1, 2].map(|i| i * problem.axes[x].steps[2]));
        for row in self.rows {
            let (group, input) = (row / inputs, row % inputs);
            let sums = &self.sums[group * pieces * self.shape.floats()..][..pieces * self.shape.floats()];
            let first = problem.first[2] + groups[group][2] + data.inputs[input][2];
            for k in (0..channels.len()).step_by(LANES) {
                let mut m = [s.splat(0.0); POINTS];
                for (point, m) in m.iter_mut().enumerate() {
                    let at = (point * inputs + input) * pitch + k;
                    *m = s.load(sums, at, LANES);
                    for piece in 1..pieces {
                        *m = s.add(*m, s.load(sums, piece * self.shape.floats() + at, LANES));
                    }
                }
                let mut half = [[s.splat(0.0); 3]; 4];
                for (b, half) in half.iter_mut().enumerate() {
                    *half = three(s, [m[b], m[4 + b], m[8 + b], m[12 + b]]);
                }
                for (i, row) in taps[0].into_iter().enumerate() {
                    let columns = three(s, [half[0][i], half[1][i], half[2][i], half[3][i]]);
                    for (x, column) in columns.into_iter().zip(taps[1]) {
                        for (x, channel) in s.lanes(x).iter().zip(&channels[k..]) {
                            // SAFETY: `Problem::check` has found the elements apart and within; each row is done once.
                            unsafe { o.set(first + row + column + channel[2], *x) };
                        }
                    }
                }
            }
        }
    }
}

/// `Aᵀ m`
#[inline(always)]
fn three<S: Simd>(s: S, [m0, m1, m2, m3]: [S::V; 4]) -> [S::V; 3] {
    let both = s.add(m1, m2);
    [s.add(m0, both), s.sub(m1, m2), s.sub(both, m3)]
}
