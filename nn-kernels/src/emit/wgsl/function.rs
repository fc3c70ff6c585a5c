//! A kernel as a function of WGSL, and what shaders declare around such functions.

use std::collections::BTreeSet;

use super::math::Helper;
use super::{Binding, Workgroups};

/// A kernel as a function, and what it needs around it.
///
/// Where invocations work on their own it is `fn name(invocation: u32)`, and does nothing if there is no such invocation. Where
/// they work together it is `fn name(workgroup: u32, lane: u32)`: it has barriers, so the caller sees to it that `workgroup` is
/// below the kernel's number of workgroups and the same for all invocations of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Function {
    /// Unique in the network: `train_03_hidden_dense`.
    pub(super) name: String,
    /// Comments: what it computes, and how.
    pub(super) notes: Vec<String>,
    /// How many invocations work together; `None` where each works on its own.
    pub(super) lanes: Option<u32>,
    /// How many workgroups the kernel has; where invocations work on their own, how many invocations.
    pub(super) work: Workgroups,
    /// The storage buffers that it reads or writes.
    pub(super) bindings: BTreeSet<Binding>,
    /// Those among them that it sees as `array<vec4<f32>>`.
    pub(super) packed: BTreeSet<Binding>,
    /// Those that it sees as `array<vec2<f32>>`.
    pub(super) paired: BTreeSet<Binding>,
    /// The helper functions that it calls, and those that they call; four numbers at once or one.
    pub(super) helpers: BTreeSet<(Helper, bool)>,
    /// Floats of workgroup memory: the length that it needs of the array `shared_floats`. It reads nothing there that it has not
    /// written.
    pub(super) shared: usize,
    /// The same of `shared_halves`, in f16.
    pub(super) shared_halves: usize,
    /// The function's lines.
    pub(super) body: String,
}

impl Function {
    /// The comments above it.
    pub(super) fn comments(&self) -> String {
        let line = |text: &str| format!("// {text}\n");
        std::iter::once(&self.name).chain(&self.notes).map(|text| line(text)).collect()
    }

    /// The whole function.
    pub(super) fn text(&self) -> String {
        let parameters = if self.lanes.is_some() { "workgroup: u32, lane: u32" } else { "invocation: u32" };
        format!("{}fn {}({parameters}) {{\n{}}}\n", self.comments(), self.name, self.body)
    }
}

/// What functions need around them, each thing once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Around {
    pub(super) bindings: BTreeSet<Binding>,
    packed: BTreeSet<Binding>,
    paired: BTreeSet<Binding>,
    helpers: BTreeSet<(Helper, bool)>,
    shared: usize,
    shared_halves: usize,
}

impl Around {
    /// What these functions need. They must agree on the buffers that they see in fours and in twos. Workgroup memory is for one of them at
    /// a time.
    pub(super) fn new(functions: &[Function]) -> Self {
        let (bindings, packed, paired) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut around = Around { bindings, packed, paired, helpers: BTreeSet::new(), shared: 0, shared_halves: 0 };
        for function in functions {
            around.bindings.extend(&function.bindings);
            around.packed.extend(&function.packed);
            around.paired.extend(&function.paired);
            around.helpers.extend(&function.helpers);
            around.shared = around.shared.max(function.shared);
            around.shared_halves = around.shared_halves.max(function.shared_halves);
        }
        debug_assert!(functions.iter().all(|f| f.bindings.intersection(&around.packed).all(|b| f.packed.contains(b))));
        debug_assert!(functions.iter().all(|f| f.bindings.intersection(&around.paired).all(|b| f.paired.contains(b))));
        around
    }

    /// Bytes of workgroup memory.
    pub(super) fn workgroup_bytes(&self) -> u32 {
        4 * self.shared as u32 + 2 * self.shared_halves as u32
    }

    /// The helper functions.
    pub(super) fn helpers(&self) -> String {
        self.helpers.iter().map(|(helper, wide)| format!("\n{}", helper.text(*wide))).collect()
    }

    /// Declares buffers and arrays, with the step's uniform if the text behind them reads it.
    pub(super) fn declarations(&mut self, text: &[&str]) -> String {
        if text.iter().any(|t| t.contains("step.")) {
            self.bindings.insert(Binding::Step);
        }
        let declaration = |b: &Binding| b.declaration(self.packed.contains(b), self.paired.contains(b));
        let mut declarations: String = self.bindings.iter().map(declaration).collect();
        if text.iter().any(|t| t.contains("step.loop_step")) {
            declarations = declarations.replace(UNUSED, LOOP_STEP);
        }
        declarations += &self.scratch();
        declarations
    }

    /// Declares the workgroup memory.
    pub(super) fn scratch(&self) -> String {
        let array = |name: &str, element: &str, length: usize| match length {
            0 => String::new(),
            _ => format!("var<workgroup> {name}: array<{element}, {length}>;\n"),
        };
        array("shared_floats", "f32", self.shared) + &array("shared_halves", "f16", self.shared_halves)
    }
}

impl Binding {
    /// The variable's name in every shader.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Binding::Step => "step",
            Binding::Arena => "arena",
            Binding::Parameters => "parameters",
            Binding::Gradients => "gradients",
            Binding::Results => "results",
            Binding::State0 => "state0",
            Binding::State1 => "state1",
            Binding::State2 => "state2",
            Binding::Records => "records",
            Binding::Order => "order",
            Binding::Steps => "steps",
            Binding::Halves => "halves",
        }
    }

    fn declaration(self, packed: bool, paired: bool) -> String {
        let (slot, variable) = (self as u32, self.variable());
        let ty = match self {
            Binding::Step => return format!("{STEP}@group(0) @binding(0) var<uniform> step: Step;\n"),
            // f16 by bits, two in a word: what is no number of 32 bits must not be seen as one.
            Binding::Halves if packed => "vec2<u32>",
            Binding::Halves => "u32",
            _ if packed => "vec4<f32>",
            _ if paired => "vec2<f32>",
            _ => "f32",
        };
        format!("@group(0) @binding({slot}) var<storage, read_write> {variable}: array<{ty}>;\n")
    }
}

/// The number that kernels of a loop read in the place of one that nobody reads.
const UNUSED: &str = "    unused2: u32,\n";
const LOOP_STEP: &str = "    loop_step: u32, // which step of the kernel's loop it is\n";

pub(super) const STEP: &str = "\
struct Step {
    batch: u32,
    capacity: u32,
    result: u32,
    seed: u32,
    step: u32,
    zero: u32, // 0, but no compiler can know it
    unused1: u32,
    unused2: u32,
    scalars: array<vec4<f32>, 4>,
}
";
