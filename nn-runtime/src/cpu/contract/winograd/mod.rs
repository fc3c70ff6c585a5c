//! Winograd's F(2x2, 3x3): convolutions of 3 x 3 at stride 1 with 16 multiplications for four results instead of 36.
//!
//! Results are cut into *tiles* of 2 x 2, each of which reads 4 x 4 elements `d`. With `g` the filter,
//!
//! ```text
//! tile = Aᵀ [(G g Gᵀ) ⊙ Σ_channel (Bᵀ d B)] A
//! ```
//!
//! so what is left between the transforms are 16 matrix products, one for each *point* of a transformed tile, with tiles as
//! columns ([`forward`]). The gradient of the weights is the same with the 2 x 2 tiles of the result's gradient as the
//! filters and 3 x 3 results, F(3x3, 2x2): it shares `B`, and it is linear, so it is transformed back once, when all tiles have been
//! summed ([`weights`]).
//!
//! The transforms only add, subtract and halve: errors stay within a small factor of those of plain sums. (Tiles of 4 x 4
//! would save nearly twice as much, but multiply by up to 8 and divide by up to 24, which costs an order of magnitude of
//! accuracy.)
//!
//! Each element is computed by the same operations in the same order wherever blocks are cut and whoever computes them.

mod data;
mod filter;
mod forward;
mod weights;

use self::data::Data;
use super::Along;
use super::problem::{Axes, Dim, Operands, Problem, Role};
use crate::cpu::simd::Level;

/// Points of a transformed tile.
const POINTS: usize = 16;
/// The fewest tiles of all samples for which it pays to transform the filters.
const TILES: usize = 64;

/// A convolution of 3 x 3 at stride 1, by its loops.
#[derive(Clone, Debug)]
pub(super) struct Form {
    /// Axes of positions: rows and columns.
    sides: [usize; 2],
    /// Axes of taps: rows and columns.
    taps: [usize; 2],
    /// The windows that both move.
    windows: [Dim; 2],
    /// All other axes of positions: samples.
    samples: Axes,
    /// All other axes of taps: channels that are read.
    inputs: Axes,
    /// Channels of the other operand.
    channels: Axes,
    groups: Axes,
}

impl Form {
    /// The form of a contraction, and the contraction with filters turned around where taps run backwards; `None` if it is not
    /// one of these convolutions, or one of too few positions.
    pub fn of(problem: &Problem, along: Along) -> Option<(Self, Problem)> {
        let mut problem = *problem;
        if problem.windows.len() != 2 || problem.windows.iter().any(|w| w.divisor != 1) {
            return None;
        }
        let mut sides = [0; 2];
        let mut taps = [0; 2];
        // Rows lie further apart than columns.
        let rows = usize::from(problem.windows[0].stride < problem.windows[1].stride);
        let numbers = [rows, 1 - rows];
        for (side, &window) in numbers.iter().enumerate() {
            let moving: Axes = (0..problem.axes.len()).filter(|&x| problem.axes[x].windows[window] != 0).collect();
            let with = |role: Role| moving.iter().copied().find(|&x| problem.axes[x].role == role);
            let (position, tap) = (with(Role::Position)?, with(Role::Tap)?);
            let alone = |x: usize| problem.axes[x].steps[0] == 0 && problem.axes[x].windows[numbers[1 - side]] == 0;
            if moving.len() != 2 || !alone(position) || !alone(tap) || problem.axes[tap].count != 3 {
                return None;
            }
            if problem.axes[tap].windows[window] == -1 {
                problem = problem.reversed(tap);
            }
            if [position, tap].iter().any(|&x| problem.axes[x].windows[window] != 1) {
                return None;
            }
            (sides[side], taps[side]) = (position, tap);
        }
        // Neighbouring columns are neighbours in memory.
        let other = match along {
            Along::Result => 2,
            Along::Sums => 1,
        };
        if problem.windows[numbers[1]].stride != 1 || problem.axes[sides[1]].steps[other] != 1 {
            return None;
        }
        let rest = |role: Role, but: [usize; 2]| {
            problem.with_role(role).iter().copied().filter(|x| !but.contains(x)).collect()
        };
        let none = [usize::MAX; 2];
        let form = Form {
            sides,
            taps,
            windows: numbers.map(|window| problem.windows[window]),
            samples: rest(Role::Position, sides),
            inputs: rest(Role::Tap, taps),
            channels: rest(Role::Channel, none),
            groups: rest(Role::Group, none),
        };
        let tiles = problem.points(&form.samples) * problem.points(&form.sides) / 4;
        (tiles >= TILES).then_some((form, problem))
    }
}

/// Computes such a convolution.
pub(super) fn run(level: Level, problem: &Problem, form: &Form, along: Along, o: Operands<'_>) {
    match along {
        Along::Result => forward::run(level, problem, form, o),
        Along::Sums => weights::run(level, problem, form, o),
    }
}

/// What all tasks of a convolution have in common.
#[derive(Clone, Copy)]
struct Common<'a> {
    problem: &'a Problem,
    tiling: Tiling,
    data: Data<'a>,
    /// Steps of both operands and of the result, for each group and each channel of the second operand.
    groups: &'a [[isize; 3]],
    channels: &'a [[isize; 3]],
    o: Operands<'a>,
}

/// How the tiles of all samples are cut into blocks.
#[derive(Clone, Copy, Debug)]
struct Tiling {
    /// Rows and columns of a sample's results.
    sides: [usize; 2],
    /// Columns of tiles of a sample.
    wide: usize,
    /// Rows of tiles of a sample.
    high: usize,
    samples: usize,
    /// Rows of tiles of a block.
    rows_of_block: usize,
    /// Samples of a block: 1 unless blocks have all rows.
    samples_of_block: usize,
}

/// Some rows of tiles of some samples.
#[derive(Clone, Copy, Debug)]
struct Tiles {
    first_sample: usize,
    samples: usize,
    first_row: usize,
    rows: usize,
    wide: usize,
}

impl Tiling {
    /// Blocks of about `tiles` tiles, of equal sizes as far as possible.
    fn new(problem: &Problem, form: &Form, tiles: usize) -> Self {
        let sides = form.sides.map(|x| problem.axes[x].count);
        let [high, wide] = sides.map(|side| side.div_ceil(2));
        let samples = problem.points(&form.samples);
        let equal = |whole: usize, part: usize| whole.div_ceil(whole.div_ceil(part.clamp(1, whole)));
        let rows_of_block = equal(high, tiles / wide);
        let samples_of_block = if rows_of_block < high { 1 } else { equal(samples, tiles / (high * wide)) };
        Tiling { sides, wide, high, samples, rows_of_block, samples_of_block }
    }

    fn blocks(&self) -> usize {
        self.samples.div_ceil(self.samples_of_block) * self.high.div_ceil(self.rows_of_block)
    }

    fn block(&self, number: usize) -> Tiles {
        let parts = self.high.div_ceil(self.rows_of_block);
        let first_sample = number / parts * self.samples_of_block;
        let first_row = number % parts * self.rows_of_block;
        Tiles {
            first_sample,
            samples: self.samples_of_block.min(self.samples - first_sample),
            first_row,
            rows: self.rows_of_block.min(self.high - first_row),
            wide: self.wide,
        }
    }

    /// Tiles of the largest block.
    fn most(&self) -> usize {
        self.samples_of_block * self.rows_of_block * self.wide
    }
}

impl Tiles {
    fn count(&self) -> usize {
        self.samples * self.rows * self.wide
    }
}

/// How far apart the parts of a block's transformed tiles lie.
#[derive(Clone, Copy, Debug)]
struct Points {
    /// From one point to the next one.
    point: usize,
    /// Within a point, from one channel (or tile) to the next one.
    row: usize,
}

impl Points {
    /// `rows` rows of `len` floats for each point. What is a power of two apart would share few places of the cache.
    fn new(rows: usize, len: usize, width: usize) -> Self {
        let row = (len.div_ceil(width) | 1) * width;
        Points { point: rows * row + 2 * width, row }
    }

    fn floats(&self) -> usize {
        POINTS * self.point + super::layout::SLACK
    }
}
