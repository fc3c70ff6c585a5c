//! Tiles in the result: forward passes and gradients of inputs.

use super::super::blocks::narrow;
use super::super::forward::{Pack, tiles};
use super::super::problem::{Few, Operands, Problem, place, signed};
use super::super::stage::copy_run;
use super::super::tables::{Tables, with_tables};
use super::super::tile::{self, Offsets, by_size};
use super::data::{self, Data};
use super::filter::Filters;
use super::{Common, Form, POINTS, Points, Tiles, Tiling};
use crate::cpu::memory::Shared;
use crate::cpu::parallel::{self, GRAIN, WORTH};
use crate::cpu::scratch::{Need, line, noted, with_own, with_shared};
use crate::cpu::simd::{Level, Wide, WideKernel, dispatch};

/// Floats of a block's transformed tiles, about: they should stay in the second-level cache.
const BLOCK: usize = 1 << 16;
/// Floats of filters that one thread transforms at a time, at least.
const FILTERS: usize = 1 << 14;
/// The most vectors of a register tile.
const VECTORS: usize = 3;

/// Everything that tasks have in common.
struct Forward<'a> {
    common: Common<'a>,
    /// The transformed filters: for each group, for each tile of rows, for each point and each channel that is read, the rows.
    filters: &'a [f32],
    /// Where the channels that are read are among the transformed tiles.
    terms: Offsets<'a>,
    points: Points,
    /// Parts of the rows, each of which is a task.
    parts: usize,
}

/// Computes a convolution.
pub(in super::super) fn run(level: Level, problem: &Problem, form: &Form, o: Operands<'_>) {
    let [width, most, _] = level.shape();
    let work = problem.work();
    let threads = if work < 2 * WORTH { 1 } else { parallel::threads() };
    let enough = if threads > 1 { 4 * threads } else { 1 };
    let tiling = {
        let fitting = Tiling::new(problem, form, BLOCK / (POINTS * problem.points(&form.inputs)).max(1));
        let tiles = fitting.samples * fitting.high * fitting.wide;
        let shared = Tiling::new(problem, form, (tiles * problem.points(&form.groups) / enough).max(VECTORS * width));
        if shared.blocks() > fitting.blocks() { shared } else { fitting }
    };
    with_tables(|tables| {
        let Tables { groups, channels, taps, samples, inputs, blocks } = tables;
        let all_taps = form.inputs.iter().chain(&form.taps).copied().collect::<super::Axes>();
        for (table, axes) in [
            (&mut *groups, &form.groups),
            (&mut *channels, &form.channels),
            (&mut *taps, &all_taps),
            (&mut *samples, &form.samples),
            (&mut *inputs, &form.inputs),
        ] {
            table.clear();
            problem.each(axes, |steps| table.push(steps));
        }
        let group = tiles(channels.len(), most).map(|(_, rows)| rows).sum::<usize>() * POINTS * inputs.len();
        let points = Points::new(inputs.len(), tiling.most(), width);
        let sizes = Sizes {
            transformed: line(points.floats()),
            rows: line(data::scratch(tiling.rows_of_block, tiling.wide, width)),
            products: POINTS * most * VECTORS * width,
        };
        let need = Need { shared: group * groups.len(), own: sizes.all().max(most * taps.len()) };
        if noted(need) {
            return;
        }
        let terms = &mut blocks[0].taps;
        terms.clear();
        terms.extend((0..inputs.len()).map(|input| narrow(input * points.row)));
        let count = tiling.blocks() * groups.len();
        let parts = enough.div_ceil(count).min(channels.len().div_ceil(most));
        let data = Data { form, from: o.a, samples, inputs };
        let common = Common { problem, tiling, data, groups, channels, o };
        let count = count * parts;
        let size = if threads > 1 { (GRAIN * count).div_ceil(work) } else { count };
        with_shared(need.shared, |filters| {
            transform_filters(problem, [groups, channels, taps], most, o.b, filters);
            let forward = Forward { common, filters, terms: Offsets::new(terms), points, parts };
            parallel::each(count.div_ceil(size), &|piece| {
                let tasks = piece * size..count.min((piece + 1) * size);
                with_own(sizes.all(), |own| level.run(Tasks { forward: &forward, tasks, sizes, own }));
            });
        });
    });
}

/// Floats of the parts of a thread's memory.
#[derive(Clone, Copy)]
struct Sizes {
    /// The transformed tiles of a block.
    transformed: usize,
    /// What [`Data::transform`] needs.
    rows: usize,
    /// Products of all points of a register tile.
    products: usize,
}

impl Sizes {
    fn all(self) -> usize {
        self.transformed + self.rows + self.products
    }
}

/// Transforms the filters of all groups into tiles of rows.
fn transform_filters(
    problem: &Problem,
    [groups, channels, taps]: [&[[isize; 3]]; 3],
    most: usize,
    from: &[f32],
    to: &mut [f32],
) {
    let inputs = taps.len() / 9;
    let tiles_of_group = tiles(channels.len(), most).count();
    let group_floats = to.len() / groups.len();
    let shared = Shared::new(to);
    let size = FILTERS.div_ceil(most * taps.len());
    let count = tiles_of_group * groups.len();
    parallel::each(count.div_ceil(size), &|piece| {
        with_own(most * taps.len(), |own| {
            for number in piece * size..count.min((piece + 1) * size) {
                let (group, number) = (number / tiles_of_group, number % tiles_of_group);
                let (row, rows) = tiles(channels.len(), most).nth(number).expect("tiles are counted");
                let packed = &mut own[..rows * taps.len()];
                let first = problem.first[1] + groups[group][1];
                let channels = &channels[row..channels.len().min(row + rows)];
                dispatch(Pack { from, first, channels, taps, most, to: packed });
                // SAFETY: each tile is done once, and its filters belong to no other one.
                let to = unsafe { shared.part(group * group_floats + row * POINTS * inputs, rows * POINTS * inputs) };
                dispatch(Filters { rows, from: packed, to });
            }
        });
    });
}

/// Some tasks of one thread: task `(block * groups + group) * parts + part`.
struct Tasks<'a> {
    forward: &'a Forward<'a>,
    tasks: std::ops::Range<usize>,
    sizes: Sizes,
    own: &'a mut [f32],
}

impl WideKernel for Tasks<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let Tasks { forward, tasks, sizes, own } = self;
        let Forward { common: Common { problem, tiling, data, groups, channels, .. }, filters, points, parts, .. } =
            *forward;
        let (transformed, rest) = own.split_at_mut(sizes.transformed);
        let (own, products) = rest.split_at_mut(sizes.rows);
        let mut done = usize::MAX;
        for task in tasks {
            let (part, rest) = (task % parts, task / parts);
            let (group, block) = (rest % groups.len(), rest / groups.len());
            let tiles_of_block = tiling.block(block);
            if rest != done {
                data.transform(w, &tiles_of_block, problem.first[0] + groups[group][0], own, points, transformed);
                done = rest;
            }
            let all = tiles(channels.len(), W::ROWS).count();
            let block = Block {
                forward,
                transformed,
                tiles: tiles_of_block,
                first: problem.first[2] + groups[group][2],
                filters: &filters[group * (filters.len() / groups.len())..][..filters.len() / groups.len()],
                rows: part * all / parts..(part + 1) * all / parts,
            };
            block.all(w, products);
        }
    }
}

/// A block of tiles whose data is transformed, and the tiles of rows that are computed for it.
struct Block<'a> {
    forward: &'a Forward<'a>,
    transformed: &'a [f32],
    tiles: Tiles,
    /// The result's first element.
    first: isize,
    filters: &'a [f32],
    rows: std::ops::Range<usize>,
}

/// Neighbouring results of a vector of tiles, taken apart by rows of tiles.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// The first one among the vector's columns.
    from: usize,
    count: usize,
    /// Where it belongs.
    at: isize,
    /// Whether the tiles' second row is there.
    second: bool,
}

/// Runs of a vector: one for each tile, at most.
type Runs = Few<Run, 16>;

impl Block<'_> {
    #[inline(always)]
    fn all<W: Wide>(&self, w: W, products: &mut [f32]) {
        let vectors = self.tiles.count().div_ceil(W::WIDTH);
        let mut first = 0;
        while first < vectors {
            let rest = vectors - first;
            let most = if W::ROWS == 8 { VECTORS } else { 2 };
            let count = rest.div_ceil(rest.div_ceil(most));
            let mut runs = [Runs::new(); VECTORS];
            for (v, runs) in runs.iter_mut().enumerate().take(count) {
                *runs = self.runs((first + v) * W::WIDTH, W::WIDTH);
            }
            let mut before = 0;
            for (number, (row, rows)) in tiles(self.forward.common.channels.len(), W::ROWS).enumerate() {
                let filters = &self.filters[before..][..rows * POINTS * self.forward.terms.len()];
                before += filters.len();
                if self.rows.contains(&number) {
                    self.any_size(w, [row, rows], filters, [first, count], &runs, products);
                }
            }
            first += count;
        }
    }

    /// The results of tiles `first..first + width`.
    fn runs(&self, first: usize, width: usize) -> Runs {
        let Common { tiling: Tiling { sides: [high, wide], .. }, data, problem, .. } = self.forward.common;
        let Tiles { rows, first_row, first_sample, .. } = self.tiles;
        let row_step = problem.axes[data.form.sides[0]].steps[2];
        let end = self.tiles.count().min(first + width);
        let mut runs = Runs::new();
        let mut tile = first;
        while tile < end {
            let (row, column) = (tile / self.tiles.wide, tile % self.tiles.wide);
            let (sample, row) = (row / rows, 2 * (first_row + row % rows));
            let tiles = (self.tiles.wide - column).min(end - tile);
            runs.push(Run {
                from: 2 * (tile - first),
                count: (2 * tiles).min(wide - 2 * column),
                at: data.samples[first_sample + sample][2] + signed(row) * row_step + signed(2 * column),
                second: row + 1 < high,
            });
            tile += tiles;
        }
        runs
    }

    #[inline(always)]
    fn any_size<W: Wide>(
        &self,
        w: W,
        [row, rows]: [usize; 2],
        filters: &[f32],
        [first, count]: [usize; 2],
        runs: &[Runs; VECTORS],
        products: &mut [f32],
    ) {
        macro_rules! tile {
            ($r:literal, $v:literal) => {
                self.one::<W, $r, $v>(w, row, filters, first, runs, products)
            };
        }
        by_size!(W, rows, count, tile, [3 2], [3 2])
    }

    /// Computes and stores `R` rows of `V` vectors of tiles.
    #[inline(always)]
    fn one<W: Wide, const R: usize, const V: usize>(
        &self,
        w: W,
        row: usize,
        filters: &[f32],
        first: usize,
        runs: &[Runs; VECTORS],
        products: &mut [f32],
    ) {
        let Forward { common: Common { channels, .. }, terms, points, .. } = *self.forward;
        let vectors: [usize; V] = std::array::from_fn(|v| (first + v) * W::WIDTH);
        let inputs = terms.len();
        for point in 0..POINTS {
            let filters = &filters[point * inputs * R..][..inputs * R];
            let from = &self.transformed[point * points.point..];
            let sums = tile::positions::<W, R, V>(w, filters, terms, from, vectors);
            let products = &mut products[point * R * V * W::WIDTH..][..R * V * W::WIDTH];
            for (r, sums) in sums.into_iter().enumerate() {
                for (v, sum) in sums.into_iter().enumerate() {
                    w.wide_store(&mut products[(r * V + v) * W::WIDTH..], W::WIDTH, sum);
                }
            }
        }
        // Rows behind the last one are not there.
        for (r, channel) in channels[row..].iter().enumerate().take(R) {
            for (v, runs) in runs.iter().enumerate().take(V) {
                let mut m = [w.wide_splat(0.0); POINTS];
                for (point, m) in m.iter_mut().enumerate() {
                    *m = w.wide_load(&products[((point * R + r) * V + v) * W::WIDTH..], W::WIDTH);
                }
                self.store(w, results(w, m), self.first + channel[2], runs);
            }
        }
    }

    #[inline(always)]
    fn store<W: Wide>(&self, w: W, results: [[W::W; 2]; 2], first: isize, runs: &Runs) {
        let Common { problem, data, o, .. } = self.forward.common;
        let row_step = problem.axes[data.form.sides[0]].steps[2];
        for (row, [even, odd]) in results.into_iter().enumerate() {
            let [low, high] = w.wide_zip(even, odd);
            let mut columns = [0.0; 32];
            w.wide_store(&mut columns, W::WIDTH, low);
            w.wide_store(&mut columns[W::WIDTH..], W::WIDTH, high);
            for run in runs.iter().filter(|run| row == 0 || run.second) {
                let at = place(first + run.at + signed(row) * row_step);
                // SAFETY: the elements belong to this task: `Problem::check` has found them apart.
                let to = unsafe { o.c.part(at, run.count) };
                if run.count == 2 * W::WIDTH {
                    w.wide_store(to, W::WIDTH, low);
                    w.wide_store(&mut to[W::WIDTH..], W::WIDTH, high);
                } else {
                    copy_run(w, &columns[run.from..run.from + run.count], to);
                }
            }
        }
    }
}

/// `Aᵀ m A`
#[inline(always)]
fn results<W: Wide>(w: W, m: [W::W; POINTS]) -> [[W::W; 2]; 2] {
    let mut half = [[w.wide_splat(0.0); 2]; 4];
    for (b, half) in half.iter_mut().enumerate() {
        *half = both(w, [m[b], m[4 + b], m[8 + b], m[12 + b]]);
    }
    let [h0, h1, h2, h3] = half;
    [both(w, [h0[0], h1[0], h2[0], h3[0]]), both(w, [h0[1], h1[1], h2[1], h3[1]])]
}

/// `Aᵀ m`
#[inline(always)]
fn both<W: Wide>(w: W, [m0, m1, m2, m3]: [W::W; 4]) -> [W::W; 2] {
    [w.wide_add(w.wide_add(m0, m1), m2), w.wide_sub(w.wide_sub(m1, m2), m3)]
}
