//! The WGSL printer: one self-contained, readable shader for each kernel.
//!
//! There are four archetypes: an invocation for each outer point (`thread`), a workgroup for each outer point (`workgroup`),
//! blocks of a matrix product (`contract`), and tiles of contractions with windows or with long sums for few outputs
//! (`tiled`). Every constant is in the text; only the batch,
//! the arena's capacity and the step's numbers come from the uniform.

mod archetype;
mod axes;
mod block;
mod body;
mod contract;
mod function;
mod math;
mod printer;
mod shader;
mod text;
mod thread;
mod tiled;
mod turns;
mod workgroup;

use self::archetype::Archetype;
use self::function::Function;
use self::printer::Printer;
use crate::ir::Kernel;
use crate::plan::{Plan, Schedule};

/// A printed kernel. Mirrors `nn_runtime::program::Shader`, whose documentation says what the fields mean.
#[derive(Clone, Debug, PartialEq)]
pub struct ShaderText {
    /// Unique in the network: `train_03_hidden_dense`.
    pub name: String,
    /// The entry point's name in `wgsl`.
    pub entry_point: String,
    /// Invocations in a workgroup.
    pub workgroup_size: [u32; 3],
    /// Bytes of `var<workgroup>` memory: the runtime checks them against the device, since wgpu does not.
    pub workgroup_bytes: u32,
    /// What it binds in group 0, ascending.
    pub bindings: Vec<Binding>,
    /// How many workgroups one dispatch needs.
    pub workgroups: Workgroups,
    /// The program's text.
    pub wgsl: String,
}

/// What a shader binds; the numbers are those of group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[allow(missing_docs)] // see `nn_runtime::program::Binding`
pub enum Binding {
    Step = 0,
    Arena = 1,
    Parameters = 2,
    Gradients = 3,
    Results = 4,
    State0 = 5,
    State1 = 6,
    State2 = 7,
}

/// The number of workgroups: `ceil((fixed + per_sample * batch) / points)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workgroups {
    /// Points whatever the batch.
    pub fixed: u64,
    /// Points for each sample.
    pub per_sample: u64,
    /// Points that one workgroup does.
    pub points: u64,
}

/// Prints all kernels of a schedule; `prefix` is the schedule's name (`train`), and kernels are called
/// `<prefix>_<number>_<kernel>`.
pub fn print_schedule(plan: &Plan, schedule: &Schedule, prefix: &str) -> Vec<ShaderText> {
    let kernels = schedule.kernels.iter().enumerate();
    kernels.map(|(i, kernel)| print(plan, schedule, kernel, &format!("{prefix}_{i:02}"))).collect()
}

/// Prints one kernel, called `<prefix>_<kernel>`.
pub fn print(plan: &Plan, schedule: &Schedule, kernel: &Kernel, prefix: &str) -> ShaderText {
    shader::single(function(plan, schedule, kernel, prefix))
}

/// A kernel as a function, called `<prefix>_<kernel>`.
fn function(plan: &Plan, schedule: &Schedule, kernel: &Kernel, prefix: &str) -> Function {
    Archetype::of(Printer::new(plan, schedule, kernel, format!("{prefix}_{}", kernel.name))).print()
}
