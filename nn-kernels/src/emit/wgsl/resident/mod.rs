//! The resident program: whole training steps inside one workgroup, many of them in one dispatch.
//!
//! A small network's step is nearly all waiting from one dispatch to the next. Where the parameters, their gradients, the
//! optimizer's states and the arena of a batch fit into the workgroup memory that every device has, one workgroup loads
//! them, plays step after step of the host's table (each gathers its own samples), and stores them in the end. Kernels are
//! the same as everywhere, with one invocation for each outer point; between levels of them stands a barrier in the place
//! of a dispatch.
//!
//! [`Residence`] says whether a network fits, and for which batches; `kernel` prints a kernel for a workgroup that does all
//! of it.

mod kernel;

use std::fmt::Write;

use super::function::{Around, Function, STEP};
use super::{Binding, ShaderText, Workgroups};
use crate::plan::{Place, Plan, Schedule};

/// Floats of workgroup memory: the 16 KiB that every device has.
const MEMORY: usize = 4096;
/// Invocations of the workgroup, as many as every device has.
const LANES: usize = 256;
/// The smallest batch for which a program is worth its text.
const LEAST: usize = 16;
/// Kernels in one shader: drivers compile a longer one in more than its share of time.
const KERNELS: usize = 64;
/// Rounds of all loops that an invocation may make in one dispatch. Mesa's software adapter leaves loops early, without a word,
/// when it has counted to 65,535 in all of them; other drivers have watchdogs.
const ROUNDS: u64 = 60_000;
/// The most steps in one dispatch.
const STEPS: u64 = 256;
/// Fields whose places in a record the table of steps has room for.
const FIELDS: usize = 32;

/// How a network's training fits into one workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residence {
    /// The most samples of a batch; a multiple of 4.
    pub capacity: usize,
    /// The most steps of one dispatch.
    pub steps: usize,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: usize,
    /// Barriers in a step: one behind the gather, one behind each level of kernels.
    pub barriers: usize,
}

/// Whether vectors of this length, with so many of an optimizer's, are too large for any residence.
pub(crate) fn is_too_large(parameter_floats: usize, states: usize) -> bool {
    parameter_floats * (2 + states) >= MEMORY
}

/// Whether, and for which batches, a network trains inside one workgroup.
pub fn residence(plan: &Plan) -> Option<Residence> {
    let train = plan.train.as_ref()?;
    let suits = train.loops.is_empty()
        && train.kept.is_empty()
        && train.kernels.len() <= KERNELS
        && plan.fields.len() <= FIELDS
        && plan.states.len() <= STATES.len();
    if !suits || train.fields.is_empty() {
        return None;
    }
    let scratch = |capacity| train.kernels.iter().map(|k| kernel::scratch(k, capacity)).max().unwrap_or(0);
    let taken = plan.parameter_floats * (2 + plan.states.len()) + train.fixed_floats + train.result_floats;
    // What kernels need for themselves may grow with the batch.
    let sample_floats = train.sample_floats + train.result_sample_floats;
    let fits = |capacity: &usize| taken + scratch(*capacity) + capacity * sample_floats <= MEMORY;
    let most = MEMORY.checked_sub(taken)? / sample_floats.max(1) / 4;
    let capacity = (LEAST / 4..=most).rev().map(|quads| quads * 4).find(fits)?;
    let steps = (ROUNDS / rounds(train, capacity)).min(STEPS) as usize;
    (steps > 0).then(|| Residence {
        capacity,
        steps,
        workgroup_bytes: 4 * (taken + scratch(capacity) + capacity * sample_floats),
        barriers: 1 + train.levels.len(),
    })
}

/// How often an invocation goes round loops in a step, what stands before and behind all steps included.
fn rounds(train: &Schedule, capacity: usize) -> u64 {
    let copied = |floats: usize| floats.div_ceil(LANES) as u64;
    let fields = train.fields.iter().map(|(_, t)| copied(capacity * train.tensors[t.0 as usize].size()));
    let kernels = train.kernels.iter().map(|k| kernel::rounds(k, capacity));
    1 + 2 * copied(MEMORY)
        + fields.sum::<u64>()
        + kernels.sum::<u64>()
        + copied(train.result_floats + capacity * train.result_sample_floats)
}

/// The vectors of the optimizer's states, as many as there can be.
const STATES: [Binding; 3] = [Binding::State0, Binding::State1, Binding::State2];

/// Prints the resident program of a network's training, where there is one.
pub fn print(plan: &Plan) -> Option<(ShaderText, Residence)> {
    let (residence, train) = (residence(plan)?, plan.train.as_ref()?);
    let functions: Vec<Function> = (train.kernels.iter().enumerate())
        .map(|(i, k)| kernel::print(plan, train, k, format!("train_{i:02}_{}", k.name), residence.capacity))
        .collect();
    let around = Around::new(&functions);
    let states = &STATES[..plan.states.len()];
    let name = "train_resident";

    let mut wgsl = format!(
        "// {name}\n//   whole steps of training with up to {} samples, many in one dispatch of one workgroup\n\n{STEP}{SLOT}",
        residence.capacity
    );
    let mut bindings = vec![Binding::Step, Binding::Parameters, Binding::Results];
    wgsl += "@group(0) @binding(0) var<uniform> head: Slot;\n";
    let mut declare = |binding: Binding, access: &str, variable: &str, ty: &str| {
        let number = binding as u32;
        let _ = writeln!(wgsl, "@group(0) @binding({number}) var<storage, {access}> {variable}: array<{ty}>;");
    };
    declare(Binding::Parameters, "read_write", "stored_parameters", "f32");
    declare(Binding::Results, "read_write", "stored_results", "f32");
    for &state in states {
        declare(state, "read_write", &format!("stored_{}", state.variable()), "f32");
        bindings.push(state);
    }
    for (binding, ty) in [(Binding::Records, "f32"), (Binding::Order, "u32"), (Binding::Steps, "Slot")] {
        declare(binding, "read", binding.variable(), ty);
        bindings.push(binding);
    }
    let arena = train.fixed_floats + residence.capacity * train.sample_floats;
    let vectors = [(Binding::Parameters, plan.parameter_floats), (Binding::Gradients, plan.parameter_floats)];
    let states_of = states.iter().map(|&state| (state, plan.parameter_floats));
    let results = train.result_floats + residence.capacity * train.result_sample_floats;
    let own = [(Binding::Arena, arena), (Binding::Results, results)];
    for (binding, floats) in vectors.into_iter().chain(states_of).chain(own) {
        let _ = writeln!(wgsl, "var<workgroup> {}: array<f32, {floats}>;", binding.variable());
    }
    wgsl += &around.scratch();
    wgsl += "var<private> step: Step;\n";
    wgsl += &around.helpers();
    let _ = write!(wgsl, "\n{}", gather(plan, train, residence.capacity));
    for function in &functions {
        let _ = write!(wgsl, "\n{}fn {}(lane: u32) {{\n{}}}\n", function.comments(), function.name, function.body);
    }
    let _ = write!(wgsl, "\n{}", entry(plan, train, &functions, name));
    bindings.sort_unstable();
    let shader = ShaderText {
        name: name.to_owned(),
        entry_point: name.to_owned(),
        workgroup_size: [LANES as u32, 1, 1],
        workgroup_bytes: residence.workgroup_bytes as u32,
        bindings,
        kernels: 0..train.kernels.len(),
        workgroups: vec![Workgroups { fixed: 1, per_sample: 0, points: 1 }],
        wgsl,
        variant: None,
    };
    Some((shader, residence))
}

/// An entry of the table of steps: `nn_runtime`'s `Slot`.
const SLOT: &str = "\
struct Slot {
    step: Step,
    first: u32,                     // where the step's samples begin in the order
    width: u32,                     // floats in a record
    number: u32,                    // of this entry
    steps: u32,                     // that one dispatch plays from here on
    columns: array<vec4<u32>, 8>,   // where each field begins in a record
    unused: vec4<u32>,
}
";

/// The function that takes a step from the table, and its samples from the records.
fn gather(plan: &Plan, train: &Schedule, capacity: usize) -> String {
    let mut text = "// Takes a step from the table, and its samples from the records.\n".to_owned();
    text += "fn gather(number: u32, lane: u32) {\n";
    let _ = writeln!(text, "    step = steps[number].step;\n    step.capacity = {capacity}u;\n    step.result = 0u;");
    text += "    let first = steps[number].first;\n";
    for &(field, tensor) in &train.fields {
        let tensor = &train.tensors[tensor.0 as usize];
        let size = tensor.size();
        let Place::Sample(at) = tensor.place else { continue };
        let column = format!("head.columns[{}].{}", field / 4, ["x", "y", "z", "w"][field % 4]);
        let (sample, rest) = match size {
            1 => ("i".to_owned(), String::new()),
            _ => (format!("i / {size}u"), format!(" + i % {size}u")),
        };
        let count = if size == 1 { "step.batch".to_owned() } else { format!("step.batch * {size}u") };
        let _ = writeln!(
            text,
            "    for (var i = lane; i < {count}; i += {LANES}u) {{ // {}
        let record = order[first + {sample}] * head.width + {column};
        arena[{}u + i] = records[record{rest}];
    }}",
            plan.fields[field].name,
            train.fixed_floats + capacity * at
        );
    }
    text + "}\n"
}

/// The entry point.
fn entry(plan: &Plan, train: &Schedule, functions: &[Function], name: &str) -> String {
    let vectors: Vec<&str> = std::iter::once(Binding::Parameters)
        .chain(STATES[..plan.states.len()].iter().copied())
        .map(Binding::variable)
        .collect();
    let all = format!("for (var i = lane; i < {}u; i += {LANES}u) {{", plan.parameter_floats);
    let mut text = format!(
        "@compute @workgroup_size({LANES})\nfn {name}(@builtin(local_invocation_index) lane: u32) {{\n    {all}\n"
    );
    for vector in &vectors {
        let _ = writeln!(text, "        {vector}[i] = stored_{vector}[i];");
    }
    text += "        gradients[i] = 0.0;\n    }\n";
    text += "    for (var number = head.number; number < head.number + head.steps; number++) {\n";
    text += "        gather(number, lane);\n        workgroupBarrier();\n";
    for level in &train.levels {
        let mut shares = false;
        for kernel in level.clone() {
            if functions[kernel].shared > 0 {
                if shares {
                    text += "        workgroupBarrier();\n";
                }
                shares = true;
            }
            let _ = writeln!(text, "        {}(lane);", functions[kernel].name);
        }
        text += "        workgroupBarrier();\n";
    }
    let results = match train.result_sample_floats {
        0 => format!("{}u", train.result_floats),
        of_sample => format!("{}u + step.batch * {of_sample}u", train.result_floats),
    };
    let _ = writeln!(
        text,
        "        for (var i = lane; i < {results}; i += {LANES}u) {{
            stored_results[steps[number].step.result + i] = results[i];
        }}"
    );
    let _ = writeln!(text, "    }}\n    {all}");
    for vector in &vectors {
        let _ = writeln!(text, "        stored_{vector}[i] = {vector}[i];");
    }
    text + "    }\n}\n"
}
