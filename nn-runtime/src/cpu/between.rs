//! What a training step does around the optimizer where somebody asked for it: the gradients of several steps are summed before the
//! update, and frozen parameters stay what they are.

use std::ops::Range;

use super::memory::Floats;
use super::parallel::split_rows;
use crate::error::Result;
use crate::program::{Part, Program, StepUniform};

/// Floats that threads take together: their sums are independent, so their number does not matter to the result.
const ROW: usize = 64;

/// The sum of an update's gradients so far, and how much the steps have counted, where they say so themselves.
#[derive(Debug, Default)]
pub(super) struct Accumulator {
    sum: Floats,
    weight: f32,
}

impl Accumulator {
    /// Makes room, where one of the steps needs it.
    pub(super) fn prepare(&mut self, program: &Program, steps: &[StepUniform]) -> Result<()> {
        if steps.iter().any(StepUniform::accumulates) { self.sum.grow(program.trained_floats) } else { Ok(()) }
    }

    /// Adds a step's gradients, times the step's share of the update's samples, or times what the step says that it counts; then the
    /// sum is divided by all of that. Behind the last step, the sum is where the optimizer looks for gradients; before it, only buffers
    /// take their new values.
    pub(super) fn add(
        &mut self,
        program: &Program,
        step: &StepUniform,
        parameters: &mut [f32],
        (gradients, results): (&mut [f32], &[f32]),
    ) {
        if !step.accumulates() {
            return;
        }
        let trained = program.trained_floats;
        let own = program.weight_in_update().and_then(|at| results.get(at)).copied();
        let is_first = step.part == Part::First as u32;
        self.weight = if is_first { 0.0 } else { self.weight } + own.unwrap_or(0.0);
        let share = own.unwrap_or(step.share);
        // Where nothing counts, there is nothing to divide by, and each step is as good as the others.
        let (share, all) = match own {
            Some(_) if step.part == Part::Last as u32 && self.weight == 0.0 => (1.0, 1.0),
            Some(_) => (share, self.weight),
            None => (share, 1.0),
        };
        let (new, buffers) = gradients.split_at_mut(trained);
        let rows = trained.div_ceil(ROW);
        let sum = &mut self.sum[..trained];
        let part = |first: usize, len: usize| first * ROW..(first * ROW + len).min(trained);
        if step.part == Part::Last as u32 {
            let sum = &*sum;
            each_row(rows, new, &|first, new| {
                let sum = &sum[part(first, new.len())];
                let pairs = new.iter_mut().zip(sum);
                if own.is_none() {
                    pairs.for_each(|(new, sum)| *new = sum + share * *new);
                } else {
                    pairs.for_each(|(new, sum)| *new = (sum + share * *new) / all);
                }
            });
        } else {
            let new = &*new;
            each_row(rows, sum, &|first, sum| {
                let new = &new[part(first, sum.len())];
                let pairs = sum.iter_mut().zip(new);
                if is_first {
                    pairs.for_each(|(sum, new)| *sum = share * new);
                } else {
                    pairs.for_each(|(sum, new)| *sum += share * new);
                }
            });
            let buffers = &buffers[..program.changed_floats - trained];
            parameters[trained..program.changed_floats].copy_from_slice(buffers);
        }
    }
}

/// Runs `body` over parts of a vector, which begin at multiples of [`ROW`]; on several threads if it is long.
fn each_row(rows: usize, vector: &mut [f32], body: &(impl Fn(usize, &mut [f32]) + Sync)) {
    let whole = vector.len() / ROW;
    let (all, rest) = vector.split_at_mut(whole * ROW);
    split_rows(whole, ROW, 1, [(all, ROW)], &|first, _, [part]| body(first, part));
    if rows > whole {
        body(whole, rest);
    }
}

/// Parameters that stay, and what they and their states are.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    ranges: Vec<Range<usize>>,
    parameters: Vec<f32>,
    states: Vec<Vec<f32>>,
}

impl Frozen {
    /// Those in these ranges of the vectors.
    pub(super) fn new(ranges: Vec<Range<usize>>) -> Self {
        Frozen { ranges, ..Frozen::default() }
    }

    /// Notes what must stay, before a run.
    pub(super) fn note(&mut self, parameters: &[f32], states: &[Floats]) {
        if self.ranges.is_empty() {
            return;
        }
        self.parameters = self.copied(parameters);
        self.states = states.iter().map(|state| self.copied(state)).collect();
    }

    /// To the optimizer, frozen parameters have no gradient, so that the norm of all gradients is that of the others.
    pub(super) fn clear(&self, gradients: &mut [f32]) {
        self.ranges.iter().for_each(|range| gradients[range.clone()].fill(0.0));
    }

    /// Puts the parameters back, behind an update.
    pub(super) fn hold(&self, parameters: &mut [f32]) {
        self.put(&self.parameters, parameters);
    }

    /// Puts the states back, behind a run.
    pub(super) fn hold_states(&self, states: &mut [Floats]) {
        states.iter_mut().zip(&self.states).for_each(|(state, kept)| self.put(kept, state));
    }

    fn copied(&self, vector: &[f32]) -> Vec<f32> {
        self.ranges.iter().flat_map(|range| &vector[range.clone()]).copied().collect()
    }

    fn put(&self, mut kept: &[f32], vector: &mut [f32]) {
        for range in &self.ranges {
            let now;
            (now, kept) = kept.split_at(range.len());
            vector[range.clone()].copy_from_slice(now);
        }
    }
}
