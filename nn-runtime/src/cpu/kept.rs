//! What a network keeps from run to run, on its way into an arena and out of it.

use std::ops::Range;

use crate::program::{Program, Schedule};

/// Where a schedule's kept tensors lie: in the caller's vector for a whole batch of `batch` samples, and in an arena of this capacity for
/// those of `samples`.
#[derive(Clone)]
pub(super) struct Places<'a> {
    pub(super) program: &'a Program,
    pub(super) schedule: &'a Schedule,
    pub(super) batch: usize,
    pub(super) capacity: usize,
    pub(super) samples: Range<usize>,
}

impl Places<'_> {
    /// For each tensor, where it is in the vector and in the arena.
    fn pairs(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
        let Places { program, schedule, batch, capacity, samples } = self;
        schedule.kept.iter().map(move |&(number, offset)| {
            let (tensor, size) = (&program.kept[number], program.kept[number].size());
            let outside = batch * tensor.offset + samples.start * size;
            let inside = schedule.fixed_floats + capacity * offset;
            let floats = samples.len() * size;
            (outside..outside + floats, inside..inside + floats)
        })
    }

    /// Puts what was kept where the schedule reads it.
    pub(super) fn load(&self, kept: &[f32], arena: &mut [f32]) {
        self.pairs().for_each(|(outside, inside)| arena[inside].copy_from_slice(&kept[outside]));
    }

    /// Begins with zeros.
    pub(super) fn clear(&self, arena: &mut [f32]) {
        self.pairs().for_each(|(_, inside)| arena[inside].fill(0.0));
    }

    /// Takes out what is to be kept.
    pub(super) fn store(&self, arena: &[f32], kept: &mut [f32]) {
        self.pairs().for_each(|(outside, inside)| kept[outside].copy_from_slice(&arena[inside]));
    }
}
