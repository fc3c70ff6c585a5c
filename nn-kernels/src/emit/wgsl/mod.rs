//! The WGSL printer: one self-contained, readable shader for each dispatch.
//!
//! A dispatch does the kernels of a level, which do not depend on each other: each is a function, and the entry point calls the
//! one that a workgroup is for.
//!
//! There are five archetypes: an invocation for each outer point (`thread`), a workgroup for each outer point (`workgroup`),
//! sums by number (`scatter`), blocks of a matrix product (`contract`), and tiles of contractions with windows or with long sums for few outputs
//! (`tiled`). Large contractions have several texts (`variants`), some of them through workgroup memory (`panels`). Every constant is in the text; only the batch,
//! the arena's capacity and the step's numbers come from the uniform.

mod archetype;
mod axes;
mod block;
mod body;
mod combine;
mod contract;
mod cooperative;
mod dispatch;
mod function;
mod math;
mod panels;
mod printer;
pub mod resident;
mod scatter;
mod shader;
mod subgroups;
mod text;
mod thread;
mod tiled;
mod turns;
mod variants;
mod workgroup;

use std::ops::Range;

use self::archetype::Archetype;
use self::dispatch::Dispatch;
use self::printer::Printer;
pub use self::variants::{DeviceClass, DeviceFeature, Variant};
use crate::ir::{Kernel, TensorId};
use crate::plan::{Plan, Schedule};

/// A printed dispatch. Mirrors `nn_runtime::program::Shader`, whose documentation says what the fields mean.
#[derive(Clone, Debug, PartialEq)]
pub struct ShaderText {
    /// Unique in the network: the kernel's, `train_03_hidden_dense`, or that of the largest of several, `train_05_hidden_dense_and_2`.
    pub name: String,
    /// The entry point's name in `wgsl`.
    pub entry_point: String,
    /// Invocations in a workgroup.
    pub workgroup_size: [u32; 3],
    /// Bytes of `var<workgroup>` memory: the runtime checks them against the device, since wgpu does not.
    pub workgroup_bytes: u32,
    /// What it binds in group 0, ascending.
    pub bindings: Vec<Binding>,
    /// The schedule's kernels that it does, by their numbers.
    pub kernels: Range<usize>,
    /// How many workgroups each of them needs, in order.
    pub workgroups: Vec<Workgroups>,
    /// The program's text.
    pub wgsl: String,
    /// Set where this is another text of the dispatch before it, with the same bits as a result.
    pub variant: Option<Variant>,
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
    Records = 8,
    Order = 9,
    Steps = 10,
    Halves = 11,
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

impl Binding {
    /// The storage buffers that kernels see.
    const STORAGE: [Binding; 8] = [
        Binding::Arena,
        Binding::Parameters,
        Binding::Gradients,
        Binding::Results,
        Binding::State0,
        Binding::State1,
        Binding::State2,
        Binding::Halves,
    ];
}

/// Invocations in a workgroup, where they work on their own; the fewest where they work together.
const LANES: usize = 64;
/// Floats of workgroup memory that a shader may have: 16 KiB, which every device has.
const SHARED: usize = 4096;

/// Whether a kernel writes what it stores as f16 in aligned groups of four, as it must: no word of two is written by two invocations.
pub(crate) fn stores_halves_in_fours(schedule: &Schedule, kernel: &Kernel) -> bool {
    // No archetype depends on anything else of the plan.
    let plan = Plan::default();
    let mut archetype = Archetype::of(Printer::new(&plan, schedule, kernel, String::new()));
    let lanes = archetype.fours();
    let printer = archetype.printer();
    let is_half = |tensor: TensorId| schedule.tensors[tensor.0 as usize].place.is_half();
    kernel.stages.iter().all(|stage| {
        // A stage that runs once in a workgroup does one point.
        let lanes = lanes.filter(|&axis| axis < kernel.outer.len() || !stage.inner.is_empty());
        let mut stores = stage.stores.iter().filter(|s| is_half(s.tensor));
        stores.all(|s| lanes.is_some_and(|axis| printer.is_aligned(s.tensor, &s.index, axis)))
    })
}

/// Prints the shaders of a schedule from a level's first kernel on; `prefix` is the schedule's name (`train`), and kernels are
/// called `<prefix>_<number>_<kernel>`. Behind a dispatch's shader come its variants, if it has any.
pub fn print_schedule(plan: &Plan, schedule: &Schedule, prefix: &str, first: usize) -> Vec<ShaderText> {
    let levels = schedule.levels.iter().filter(|level| level.start >= first);
    levels.flat_map(|level| shader::shaders(Dispatch::new(plan, schedule, prefix, level.clone()))).collect()
}
