//! Blocks of positions: what is staged at a time, and tables of where everything is in it.

use super::layout::{Layout, Order, SLACK};
use super::problem::{Axes, Operands, Problem, signed};

/// Floats that are staged at a time, about: they should stay in the second-level cache.
const STAGED: usize = 1 << 17;

/// How the positions of a contraction are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// The axis whose points are done one after another, each with a stage of its own.
    pub samples: Option<usize>,
    /// The axes within a stage, outermost first.
    pub positions: Axes,
    /// Points of the first one of them that are staged at a time.
    pub block: usize,
}

impl Cut {
    /// Stages of single samples if each has at least `few` positions, of several of them otherwise; as many blocks that there
    /// are `tasks` for each group, if that many are possible.
    pub fn new(problem: &Problem, order: &Order, few: usize, tasks: usize) -> Self {
        let inner = problem.points(&order.positions);
        let (samples, positions) = match order.samples {
            Some(s) if inner < few => (None, [s].into_iter().chain(order.positions.iter().copied()).collect()),
            samples => (samples, order.positions),
        };
        let Some(&first) = positions.first() else { return Cut { samples, positions, block: 1 } };
        let count = problem.axes[first].count;
        let layout = Layout::new(problem, &positions, &order.taps);
        let fitting = if layout.in_place { count } else { (count * STAGED / layout.floats.max(1)).max(1) };
        let enough = few.div_ceil((problem.points(&positions) / count).max(1));
        let blocks = tasks.div_ceil(samples.map_or(1, |s| problem.axes[s].count));
        let block = fitting.min(count.div_ceil(blocks)).max(enough).clamp(1, count);
        // About equal ones.
        Cut { samples, positions, block: count.div_ceil(count.div_ceil(block)) }
    }

    /// How many blocks each sample has.
    pub fn blocks(&self, problem: &Problem) -> usize {
        self.positions.first().map_or(1, |&x| problem.axes[x].count.div_ceil(self.block))
    }

    /// How many samples there are.
    pub fn samples(&self, problem: &Problem) -> usize {
        self.samples.map_or(1, |x| problem.axes[x].count)
    }

    /// A block of a sample as a contraction of its own, and which of the two tables it uses.
    pub fn part(&self, problem: &Problem, sample: usize, block: usize) -> (Problem, usize) {
        let mut part = self.samples.map_or(*problem, |x| problem.part(x, sample, 1, 1));
        let Some(&x) = self.positions.first() else { return (part, 0) };
        let (start, count) = (block * self.block, problem.axes[x].count);
        part = part.part(x, start, 1, self.block.min(count - start));
        (part, usize::from(start > 0 && count - start < self.block))
    }
}

impl Cut {
    /// A block of each size that there is, and the number of its table.
    pub fn kinds(&self, problem: &Problem) -> impl Iterator<Item = (Problem, usize)> {
        let last = self.blocks(problem) - 1;
        let second = (last > 0).then(|| self.part(problem, 0, last)).filter(|(_, table)| *table == 1);
        [Some(self.part(problem, 0, 0)), second].into_iter().flatten()
    }
}

/// What all tasks of a contraction have in common.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    pub problem: &'a Problem,
    pub cut: &'a Cut,
    pub blocks: &'a [Block; 2],
    /// Steps of both operands and of the result, for each group and each channel.
    pub groups: &'a [[isize; 3]],
    pub channels: &'a [[isize; 3]],
    pub o: Operands<'a>,
}

impl Common<'_> {
    /// A block of a sample and group as a contraction of its own, and its tables.
    pub fn part(&self, group: usize, sample: usize, block: usize) -> (Problem, &Block) {
        let (mut part, table) = self.cut.part(self.problem, sample, block);
        part.first.iter_mut().zip(self.groups[group]).for_each(|(first, step)| *first += step);
        (part, &self.blocks[table])
    }
}

/// Some of a vector's lanes, and where they belong in the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub lane: u32,
    pub count: u32,
    pub at: isize,
}

/// Tables for blocks of one size.
#[derive(Default)]
pub(super) struct Block {
    pub layout: Option<Layout>,
    /// The offset of each tap.
    pub taps: Vec<u32>,
    /// The offset of each vector of positions, or of each run of them.
    pub positions: Vec<u32>,
    /// Where the segments of each vector begin, and where those of the last one end.
    pub bounds: Vec<u32>,
    pub segments: Vec<Segment>,
    /// For each run of positions, the step of the second operand.
    pub others: Vec<isize>,
}

/// An offset as tables have it.
pub(super) fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).expect("what is staged is smaller than 2^32 floats")
}

impl Block {
    /// The layout and the taps' offsets; `part` is a block of this size.
    pub fn prepare(&mut self, part: &Problem, positions: &[usize], taps: &[usize]) {
        let layout = Layout::new(part, positions, taps);
        self.taps.clear();
        let mut point = [0usize; 16];
        for _ in 0..part.points(taps) {
            self.taps.push(narrow(layout.tap(taps, &point[..taps.len()])));
            for (i, &x) in taps.iter().enumerate().rev() {
                point[i] += 1;
                if point[i] < part.axes[x].count {
                    break;
                }
                point[i] = 0;
            }
        }
        narrow(layout.floats + SLACK);
        self.layout = Some(layout);
        self.positions.clear();
        self.bounds.clear();
        self.segments.clear();
        self.others.clear();
    }

    /// Floats that a task takes for the operand's part that belongs to a block of this size.
    pub fn staged(&self) -> usize {
        self.layout.as_ref().map_or(0, |layout| layout.floats + SLACK)
    }

    pub fn layout(&self) -> &Layout {
        self.layout.as_ref().expect("tables are prepared before they are used")
    }

    /// Cuts the positions into vectors of `width` lanes: rows by themselves, or all rows as if they were one, whatever
    /// takes fewer vectors. In the second way, lanes between rows compute something that nobody uses.
    pub fn vectors(&mut self, part: &Problem, positions: &[usize], width: usize) {
        let layout = self.layout.clone().expect("tables are prepared before they are used");
        let axis = |back: usize| {
            let number = positions.len().checked_sub(back)?;
            Some((
                part.axes[positions[number]].count,
                layout.position_step(number),
                part.axes[positions[number]].steps[2],
            ))
        };
        let (columns, step, column_step) = axis(1).unwrap_or((1, 1, 1));
        assert!(step == 1 || columns == 1, "neighbouring positions are neighbours in a stage");
        let (rows, pitch, row_step) = axis(2).unwrap_or((1, columns, 0));
        let flat = (rows - 1) * pitch + columns;
        let by_rows = rows * columns.div_ceil(width) <= flat.div_ceil(width) || pitch < columns;
        let outer = &positions[..positions.len().saturating_sub(2)];
        let mut point = [0usize; 16];
        loop {
            let (mut from, mut to) = (0, 0);
            for (number, &x) in outer.iter().enumerate() {
                from += point[number] * layout.position_step(number);
                to += signed(point[number]) * part.axes[x].steps[2];
            }
            let (lines, length) = if by_rows { (rows, columns) } else { (1, flat) };
            for line in 0..lines {
                for first in (0..length).step_by(width) {
                    self.positions.push(narrow(from + line * pitch + first));
                    self.bounds.push(narrow(self.segments.len()));
                    let mut lane = 0;
                    while lane < width && first + lane < length {
                        let (row, column) =
                            if by_rows { (line, first) } else { ((first + lane) / pitch, (first + lane) % pitch) };
                        let rest = columns.saturating_sub(column);
                        let count = rest.min(width - lane);
                        if count > 0 {
                            let at = to + signed(row) * row_step + signed(column) * column_step;
                            self.segments.push(Segment { lane: narrow(lane), count: narrow(count), at });
                        }
                        // To the next row.
                        lane += if count > 0 { count } else { pitch - column };
                    }
                }
            }
            let mut moved = false;
            for (number, &x) in outer.iter().enumerate().rev() {
                point[number] += 1;
                if point[number] < part.axes[x].count {
                    moved = true;
                    break;
                }
                point[number] = 0;
            }
            if !moved {
                break;
            }
        }
        self.bounds.push(narrow(self.segments.len()));
    }

    /// Cuts the positions into runs along the fastest axis; the length of a run.
    pub fn runs(&mut self, part: &Problem, positions: &[usize]) -> usize {
        let layout = self.layout.clone().expect("tables are prepared before they are used");
        let Some((&last, outer)) = positions.split_last() else {
            self.positions.push(0);
            self.others.push(0);
            return 1;
        };
        let columns = part.axes[last].count;
        assert!(
            layout.position_step(outer.len()) == 1 || columns == 1,
            "neighbouring positions are neighbours in a stage"
        );
        let mut point = [0usize; 16];
        for _ in 0..part.points(outer) {
            let (mut from, mut other) = (0, 0);
            for (number, &x) in outer.iter().enumerate() {
                from += point[number] * layout.position_step(number);
                other += signed(point[number]) * part.axes[x].steps[1];
            }
            self.positions.push(narrow(from));
            self.others.push(other);
            for (number, &x) in outer.iter().enumerate().rev() {
                point[number] += 1;
                if point[number] < part.axes[x].count {
                    break;
                }
                point[number] = 0;
            }
        }
        columns
    }
}
