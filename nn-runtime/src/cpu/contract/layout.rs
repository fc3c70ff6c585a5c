//! Where the windowed operand's elements are while a block of positions is computed.
//!
//! The operand's part that belongs to the block is copied with its margins; then an element is at the sum of its position's
//! and its tap's offset. A dimension that positions walk in steps of `s` is copied as `s` runs: elements `0, s, 2s, …`, then
//! `1, s + 1, …`, so that neighbouring positions have neighbouring elements. If there is nothing to be added or reordered, the
//! same offsets are those of the tensor itself.

use super::problem::{Axes, Few, Problem, Role, WINDOWS, signed};
use super::problem::{gcd, place};

/// The most dimensions that are copied: windows, what is left, and loops that fit into neither.
const DIMS: usize = WINDOWS + 4;
/// Elements behind the copy that vectors may read, whatever they are: no result uses them.
pub(super) const SLACK: usize = 64;

/// The order of a copy.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Outermost first.
    pub dims: Few<StagedDim, DIMS>,
    /// Whether the tensor is read where it lies.
    pub in_place: bool,
    /// Elements of the copy, or of the tensor's part that is read; [`SLACK`] more can be read.
    pub floats: usize,
    /// For each inner position axis, how far it moves.
    steps: Few<usize, 8>,
}

/// One dimension of a copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct StagedDim {
    /// The window that it is, if it is one; else it has no end.
    pub window: Option<usize>,
    /// How far apart neighbours lie in the tensor.
    pub stride: isize,
    /// The smallest `u`, less that of all loops at 0.
    pub lowest: isize,
    /// How many `u` there are.
    pub range: usize,
    /// Runs that it is split into.
    pub runs: usize,
    /// Elements of a run.
    pub run: usize,
    /// How far apart neighbours lie in the copy.
    pub pitch: usize,
    /// How each axis moves `u`.
    coefficients: [isize; 16],
}

impl Default for StagedDim {
    fn default() -> Self {
        StagedDim { window: None, stride: 1, lowest: 0, range: 1, runs: 1, run: 1, pitch: 1, coefficients: [0; 16] }
    }
}

impl Layout {
    /// For the inner `positions` (outermost first, none of which runs backwards) and the taps of a contraction.
    pub fn new(problem: &Problem, positions: &[usize], taps: &[usize]) -> Self {
        let mut dims = dims(problem, positions, taps);
        for dim in dims.iter_mut() {
            let reach = |axes: &[usize], sign: fn(isize) -> isize| {
                axes.iter().map(|&x| sign(dim.coefficients[x]) * signed(problem.axes[x].count - 1)).sum::<isize>()
            };
            dim.lowest = reach(taps, |c| c.min(0));
            dim.range = place(reach(taps, |c| c.max(0)) + reach(positions, |c| c)) + place(-dim.lowest) + 1;
            let step = positions.iter().fold(0, |step, &x| gcd(dim.coefficients[x], step));
            dim.runs = place(step.max(1)).min(dim.range);
            dim.run = dim.range.div_ceil(dim.runs);
        }
        let mut layout = Layout { dims, in_place: false, floats: 0, steps: Few::new() };
        layout.in_place = layout.can_stay(problem, positions);
        if layout.in_place {
            layout.floats = place(layout.dims.iter().map(|d| d.stride * signed(d.range - 1)).sum::<isize>()) + 1;
        } else {
            let mut pitch = 1;
            for (i, dim) in layout.dims.iter_mut().enumerate().rev() {
                dim.pitch = pitch;
                pitch *= dim.runs * dim.run;
                // Planes that are a power of two apart would share few places of the cache.
                if i > 0 && pitch % 1024 == 0 {
                    pitch += 16;
                }
            }
            layout.floats = pitch;
        }
        layout.steps = (positions.iter())
            .map(|&x| layout.dims.iter().map(|d| layout.step(d, place(d.coefficients[x]))).sum())
            .collect();
        layout
    }

    /// Whether no element is missing and neighbouring positions are neighbours already.
    fn can_stay(&self, problem: &Problem, positions: &[usize]) -> bool {
        let inside = |d: &StagedDim| {
            d.window.is_none_or(|w| {
                let w = &problem.windows[w];
                let lowest = w.offset + d.lowest;
                lowest >= 0 && lowest + signed(d.range) <= w.end
            })
        };
        let next = positions.last().map_or(1, |&x| self.dims.iter().map(|d| d.stride * d.coefficients[x]).sum());
        next == 1 && self.dims.iter().all(|d| inside(d) && d.stride >= 0)
    }

    /// How far a move of `u` goes, which is a multiple of the dimension's runs.
    fn step(&self, dim: &StagedDim, u: usize) -> usize {
        if self.in_place { u * place(dim.stride) } else { u / dim.runs * dim.pitch }
    }

    /// How far the inner position axis of this number moves.
    pub fn position_step(&self, number: usize) -> usize {
        self.steps[number]
    }

    /// The offset of a tap, given by its coordinates along the tap axes.
    pub fn tap(&self, taps: &[usize], point: &[usize]) -> usize {
        self.dims
            .iter()
            .map(|d| {
                let u: isize = taps.iter().zip(point).map(|(&x, &i)| d.coefficients[x] * signed(i)).sum();
                let u = place(u - d.lowest);
                if self.in_place { u * place(d.stride) } else { (u % d.runs * d.run + u / d.runs) * d.pitch }
            })
            .sum()
    }

    /// Where the element lies in the tensor that is first in the copy, if it is not missing.
    pub fn first(&self, problem: &Problem) -> isize {
        problem.first[0] + self.dims.iter().map(|d| d.stride * d.first(problem)).sum::<isize>()
    }
}

impl StagedDim {
    /// The `u` of the first element.
    pub fn first(&self, problem: &Problem) -> isize {
        self.window.map_or(0, |w| problem.windows[w].offset) + self.lowest
    }

    /// From which one on, and up to which one, elements are not missing.
    pub fn there(&self, problem: &Problem) -> [usize; 2] {
        let Some(window) = self.window else { return [0, self.range] };
        let first = self.first(problem);
        let high = (problem.windows[window].end - first).clamp(0, signed(self.range));
        [place((-first).clamp(0, high)), place(high)]
    }
}

/// The dimensions: the windows, and one for all steps that no window has. A loop in whose steps the fastest one does not go
/// up whole times cannot be in one dimension with it, and gets its own. The fastest position's dimension is the last one.
fn dims(problem: &Problem, positions: &[usize], taps: &[usize]) -> Few<StagedDim, DIMS> {
    let mut dims: Few<StagedDim, DIMS> = Few::new();
    for (window, dim) in problem.windows.iter().enumerate() {
        let mut staged = StagedDim { window: Some(window), stride: dim.stride, ..StagedDim::default() };
        for &x in positions.iter().chain(taps) {
            staged.coefficients[x] = problem.axes[x].windows[window];
        }
        dims.push(staged);
    }
    let step = |x: usize| problem.axes[x].steps[0];
    let fastest = positions.last().copied();
    let beside = |x: &&usize| fastest.is_some_and(|f| step(f) != 0 && step(**x) % step(f) != 0);
    let rest: Axes = (positions.iter().filter(|x| !beside(x)).chain(taps)).copied().filter(|&x| step(x) != 0).collect();
    let stride = rest.iter().fold(0, |s, &x| gcd(step(x).abs(), s));
    if stride > 0 {
        let mut staged = StagedDim { stride, ..StagedDim::default() };
        rest.iter().for_each(|&x| staged.coefficients[x] = step(x) / stride);
        dims.push(staged);
    }
    for &x in positions.iter().filter(beside) {
        let mut staged = StagedDim { stride: step(x), ..StagedDim::default() };
        staged.coefficients[x] = 1;
        dims.push(staged);
    }
    let last = |d: &StagedDim| fastest.is_some_and(|x| d.coefficients[x] != 0);
    dims.sort_by_key(|d| (last(d), std::cmp::Reverse(d.stride.abs())));
    dims
}

/// The loops of a contraction, sorted for a layout.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub groups: Axes,
    /// The outermost positions axis, if no window moves along it: each of its points can be done by itself.
    pub samples: Option<usize>,
    /// The other positions, the fastest one last.
    pub positions: Axes,
    pub taps: Axes,
    pub channels: Axes,
}

impl Order {
    /// The order; positions that run backwards are turned around.
    pub fn of(problem: &mut Problem) -> Self {
        for x in problem.with_role(Role::Position).iter().copied() {
            if problem.stride(x) < 0 {
                *problem = problem.reversed(x);
            }
        }
        let mut positions = problem.with_role(Role::Position);
        positions.sort_by_key(|&x| std::cmp::Reverse(problem.stride(x)));
        let free = |x: &usize| problem.axes[*x].windows.iter().all(|&s| s == 0);
        let samples = positions.first().copied().filter(free);
        Order {
            groups: problem.with_role(Role::Group),
            samples,
            positions: positions.iter().copied().filter(|x| samples != Some(*x)).collect(),
            taps: problem.with_role(Role::Tap),
            channels: problem.with_role(Role::Channel),
        }
    }
}
