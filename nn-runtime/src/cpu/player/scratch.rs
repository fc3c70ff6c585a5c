//! What the products and convolutions of a pass take beside the arena: heard in a rehearsal, before the first step.

use super::{Arena, CpuBackend, Floats, Pass, Program, Schedule, StepUniform, capacity, zeros};
use crate::cpu::parallel::threads;
use crate::cpu::scratch::{Need, rehearse, reserve};
use crate::error::Result;

/// What a pass takes, of which nothing is computed.
fn need(
    schedule: &Schedule,
    batch: u32,
    (parameters, gradients): (&[f32], &mut [f32]),
    arena: &mut [f32],
    results: &mut [f32],
) -> Need {
    let step = StepUniform { batch, capacity: capacity(batch) as u32, ..StepUniform::default() };
    rehearse(|| (schedule.pass)(&mut Pass { step: &step, parameters, gradients, arena, results, loop_step: 0 }))
}

/// Bytes of that, for all threads.
pub(super) fn bytes(program: &Program, schedule: &Schedule, batch: usize) -> Result<usize> {
    let batch = batch.max(1) as u32;
    // Nobody writes to these, so they take no memory.
    let mut arena = Arena::default();
    let arena = arena.floats(schedule, capacity(batch))?;
    let parameters = Floats::filled(0.0, program.parameter_floats)?;
    let mut gradients = Floats::filled(0.0, program.parameter_floats)?;
    let mut results = zeros(schedule.result_floats_of(batch as usize))?;
    Ok(need(schedule, batch, (&parameters, &mut gradients), arena, &mut results).bytes(threads))
}

impl CpuBackend {
    /// Allocates what training with batches of this size takes beside the arena; `results` are a step's, or more.
    pub(super) fn reserve(&mut self, schedule: &Schedule, batch: u32, results: &mut [f32]) -> Result<()> {
        let arena = self.arena.floats(schedule, capacity(batch))?;
        reserve(need(schedule, batch, (&self.parameters, &mut self.gradients), arena, results))
    }
}
