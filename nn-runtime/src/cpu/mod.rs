//! Generated code on the CPU: what kernels see, and the loops that they are made of.
//!
//! Generated code is a list of small kernels ([`Kernel`]) that are generic over the processor's vectors ([`Simd`]) and run
//! by [`dispatch`]. Matrix products and convolutions are not generated: [`product`] and [`contract()`] are precompiled
//! engines. `player` runs whole schedules.

mod between;
mod contract;
mod kept;
pub mod math;
mod memory;
mod parallel;
pub(crate) mod peak;
pub(crate) mod player;
mod product;
pub mod random;
mod scatter;
mod scratch;
pub mod simd;
mod team;
mod watch;

pub use crate::program::StepUniform;

pub use contract::{Along, Contract, Loop, Method, Window, contract};
pub use memory::{Floats, disjoint, states};
pub use parallel::split_rows;
pub use product::{Around, Product, product, small_dots, small_packed, small_rows};
pub use random::Key;
pub use scatter::{row, scatter};
pub use scratch::{dispatch, dispatch_wide};
pub use simd::{Kernel, LANES, Simd, Vectors, Wide, WideKernel, lanes_within, prefetch};

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
    /// For kernels of a loop: which of the loop's steps it is, counted from 0.
    pub loop_step: usize,
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
    pub states: &'a mut [Floats],
    /// The arena.
    pub arena: &'a mut [f32],
    /// This step's slot of the results.
    pub results: &'a mut [f32],
}
