//! Generated code on the CPU: what kernels see, and the loops that they are made of.

use crate::program::StepUniform;

/// What a step's kernels see up to the update.
#[derive(Debug)]
pub struct Pass<'a> {
    /// This step's numbers; the same that the GPU's kernels see.
    pub step: &'a StepUniform,
    /// All parameters. `predict` shares them between threads.
    pub parameters: &'a [f32],
    /// All gradients (empty in programs without).
    pub gradients: &'a mut [f32],
    /// The arena.
    pub arena: &'a mut [f32],
    /// This step's slot of the results.
    pub results: &'a mut [f32],
}

/// What the update's kernels see.
#[derive(Debug)]
pub struct Update<'a> {
    /// This step's numbers.
    pub step: &'a StepUniform,
    /// All parameters.
    pub parameters: &'a mut [f32],
    /// All gradients.
    pub gradients: &'a mut [f32],
    /// The optimizer's state vectors.
    pub states: &'a mut [Vec<f32>],
    /// The arena.
    pub arena: &'a mut [f32],
}
