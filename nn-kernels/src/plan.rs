//! The plan: everything that is decided at build time, as plain data. Printers, the interpreter and the macro read it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::graph::StepScalar;
use crate::ir::{Kernel, TensorId};
use crate::network::{Field, Initializer, MetricKind};

/// A compiled network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The network's name.
    pub name: String,
    /// Inputs, then targets.
    pub fields: Vec<Field>,
    /// How many of the fields are inputs.
    pub inputs: usize,
    /// The field that holds how much each sample counts, if there is one: the last one.
    pub sample_weight: Option<usize>,
    /// The parameters and buffers, in the order of declaration.
    pub parameters: Vec<Parameter>,
    /// Length of the vector of all parameters in floats, a multiple of 4; gradients and optimizer states have the same.
    ///
    /// What the optimizer updates comes first. Behind it are the buffers; in the vector of gradients, the same places hold the
    /// new values that a training step has computed for them. Parameters that the loss does not reach come last: nothing
    /// changes them.
    pub parameter_floats: usize,
    /// Numbers that training keeps for itself, in the vector of all parameters: they are no weights, but belong to a checkpoint.
    pub control: Vec<Parameter>,
    /// Length of the part that the optimizer updates, a multiple of 4.
    pub trained_floats: usize,
    /// Length of the part that a training step changes: what the optimizer updates, then the buffers. A multiple of 4.
    pub changed_floats: usize,
    /// How many vectors of state the optimizer keeps, and what each starts from.
    pub states: Vec<f64>,
    /// Which of those is the parameters' running average, if one of them is; it starts from the parameters.
    pub ema: Option<usize>,
    /// The numbers that the host sets for each step, in the order of the step's table.
    pub scalars: Vec<StepScalar>,
    /// The learning rate that training starts with.
    pub learning_rate: Option<f64>,
    /// What is remembered of each sample from run to run.
    pub kept: Vec<KeptTensor>,
    /// Names and shapes of the outputs.
    pub outputs: Vec<Output>,
    /// Names and kinds of the metrics.
    pub metrics: Vec<Metric>,
    /// Where a training step's results say whether it was skipped, since a gradient was infinite or NaN: 1 if so, else 0. `None`
    /// where no step is ever skipped.
    pub skipped: Option<usize>,
    /// Where a training step's results say whether a gradient was infinite or NaN: 1 if so, else 0. `None` where parameters or states
    /// show that for themselves from then on, or where such steps are skipped.
    pub non_finite: Option<usize>,
    /// The parts of the loss that do not count as much as a step has samples.
    pub loss_terms: Vec<LossTerm>,
    /// Outputs from inputs.
    pub predict: Schedule,
    /// Loss and metrics from inputs and targets, as in inference.
    pub evaluate: Option<Schedule>,
    /// Loss, metrics, gradients and (with an optimizer) the update.
    pub train: Option<Schedule>,
    /// Loss and gradients, also with respect to the inputs that have one; no update. With an optimizer, it begins with the
    /// kernels of `train` in the very same memory ([`Schedule::shared`]).
    pub gradients: Option<Schedule>,
    /// Outputs of one position from rows of inputs, where the network says that they may arrive so.
    pub stepwise: Option<Box<StepPlan>>,
    /// Multiply-adds count as two; forward pass of one sample.
    pub flops_per_sample: u64,
    /// Multiply-adds of contractions (dense layers, convolutions) alone; forward pass of one sample.
    pub multiply_adds_per_sample: u64,
}

/// The program for one step of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct StepPlan {
    /// The numbers of the inputs that arrive one row at a time.
    pub inputs: Vec<usize>,
    /// How many steps there can be; `None` if there is no end.
    pub limit: Option<usize>,
    /// A plan that only predicts. Its parameters lie where those of the network lie; its fields and outputs are rows.
    pub plan: Plan,
}

/// A trainable tensor or a buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its path: `stem.conv2d.weight`.
    pub name: String,
    /// Its dimensions, in PyTorch's layout.
    pub dims: Vec<usize>,
    /// How it starts.
    pub init: Initializer,
    /// The row (of its first dimension) that starts as zeros instead, if there is one.
    pub zero_row: Option<usize>,
    /// Where it lies in the vector of all parameters, in floats; a multiple of 4.
    pub offset: usize,
    /// Whether it has a gradient; otherwise it is a buffer.
    pub trainable: bool,
}

/// A tensor that is kept from run to run. It has the batch in front, and is 0 at first.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptTensor {
    /// Its path: `body.lstm.h`.
    pub name: String,
    /// Its per-sample dimensions.
    pub dims: Vec<usize>,
    /// Where it begins where a player keeps all of them, in floats for each sample: they lie one after another, each with its whole batch.
    pub offset: usize,
}

/// A part of the loss which is a mean over what counts: where a step's results have its value (0 where it is the whole loss), and how
/// much it counts beside that of other steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossTerm {
    /// The value's place.
    pub value: usize,
    /// The weight's.
    pub weight: usize,
}

/// Something that `predict` returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its per-sample dimensions.
    pub dims: Vec<usize>,
}

/// Something that `evaluate` reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// How the batches' results become one number.
    pub kind: MetricKind,
    /// Where its statistics begin in a step's results.
    pub offset: usize,
    /// How many statistics there are.
    pub len: usize,
    /// Where its numbers of a sample begin, behind the statistics of all metrics.
    pub sample_offset: usize,
    /// How many numbers it has of each sample.
    pub sample_len: usize,
}

/// One program: kernels in order, and where every tensor lives.
///
/// The arena of a schedule has `fixed_floats + capacity * sample_floats` floats, where the capacity is the largest batch
/// it can hold, rounded up to a multiple of 4. In mixed precision there is a second one, of `fixed_halves + capacity * sample_halves`
/// numbers: f16 on a GPU, two in each word. (The CPU computes with f32 faster, so there they are f32.)
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// The kernels, in order of execution.
    pub kernels: Vec<Kernel>,
    /// Where the optimizer's kernels begin (those that may write parameters and states); the number of kernels if none.
    pub update: usize,
    /// Which of them can run at the same time, each level behind the one before: dispatches are made of them. No level has kernels
    /// from before and behind `shared` or `update`.
    pub levels: Vec<Range<usize>>,
    /// How many kernels at the beginning are those of `train`, which are printed once (`gradients` only).
    pub shared: usize,
    /// Kernels that are the body of a loop: they are played one after another for its first step, then for its next one, and so on.
    /// A loop's kernels are whole levels.
    pub loops: Vec<LoopOfKernels>,
    /// All tensors that kernels name.
    pub tensors: Vec<Tensor>,
    /// Which of them are parts of others that move on with the steps of a loop. Only kernels of loops name them.
    pub views: BTreeMap<TensorId, View>,
    /// For each field that the program reads: the field's number and its tensor in the arena.
    pub fields: Vec<(usize, TensorId)>,
    /// For each kept tensor that the program reads: its number and its tensor in the arena. Before the program runs it has to hold what
    /// the run before has left; behind it, it holds what is to be kept.
    pub kept: Vec<(usize, TensorId)>,
    /// For each output: its tensor in the arena (`predict` only).
    pub outputs: Vec<TensorId>,
    /// For each field: the tensor of the loss's gradient with respect to it (`gradients` only), if there is one.
    pub field_gradients: Vec<(usize, TensorId)>,
    /// Floats in the batch-independent zone of the arena; a multiple of 4.
    pub fixed_floats: usize,
    /// Floats in the arena for each sample of capacity.
    pub sample_floats: usize,
    /// Numbers in the batch-independent zone of the second arena, that of f16; a multiple of 4.
    pub fixed_halves: usize,
    /// Numbers in the second arena for each sample of capacity.
    pub sample_halves: usize,
    /// Floats that a step writes as its results: the mean loss first, then the metrics' statistics.
    pub result_floats: usize,
    /// Floats that a step writes behind those for each of its samples.
    pub result_sample_floats: usize,
}

impl Schedule {
    /// The loop that a kernel belongs to.
    pub fn loop_of(&self, kernel: usize) -> Option<&LoopOfKernels> {
        self.loops.iter().find(|l| l.kernels.contains(&kernel))
    }

    /// The tensor that a kernel means in a step of its loop, and where in it: so many elements from its beginning.
    pub fn tensor_at(&self, tensor: TensorId, step: usize) -> (TensorId, usize) {
        self.views.get(&tensor).map_or((tensor, 0), |view| view.at(step))
    }
}

/// Kernels that are played once for each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopOfKernels {
    /// Which kernels.
    pub kernels: Range<usize>,
    /// How many steps there are.
    pub steps: usize,
}

/// What the kernels of a loop see of another tensor: everything from some element on, and this element moves on from step to step.
///
/// The rows of a stacked tensor `[batch, steps, …]` are one. The two places of a state are one as well: what one step has
/// written is what the next one reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The tensor that it belongs to in steps of even numbers (counted from 0), and in those of odd ones.
    pub of: [TensorId; 2],
    /// Where it begins in the first step: so many elements behind the tensor's beginning.
    pub start: usize,
    /// By how many elements it moves on.
    pub step: i64,
}

impl View {
    /// The tensor that it belongs to in a step, and how many elements behind that one's beginning it begins.
    pub fn at(&self, step: usize) -> (TensorId, usize) {
        (self.of[step % 2], (self.start as i64 + self.step * step as i64) as usize)
    }
}

/// A tensor with a place in memory. All tensors are dense and row-major, the batch outermost. A view has the shape and the place of
/// what it is a part of.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// A readable name, for the plan's text and error messages.
    pub name: String,
    /// Whether it has the batch in front.
    pub batch: bool,
    /// Per-sample dimensions.
    pub dims: Vec<usize>,
    /// Where it lives.
    pub place: Place,
}

impl Tensor {
    /// Floats in one sample (in the whole tensor without batch).
    pub fn size(&self) -> usize {
        self.dims.iter().product()
    }
}

/// Where a tensor lives. Offsets are in floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the arena, behind the fixed zone: at `fixed_floats + capacity * offset`.
    Sample(usize),
    /// In the arena's fixed zone.
    Fixed(usize),
    /// In the arena of f16, behind its fixed zone: at `fixed_halves + capacity * offset`, in numbers.
    HalfSample(usize),
    /// In the fixed zone of the arena of f16.
    HalfFixed(usize),
    /// In the vector of all parameters.
    Parameters(usize),
    /// In the vector of all gradients.
    Gradients(usize),
    /// In the optimizer's state vector of this number.
    State(usize, usize),
    /// In the step's slot of the results.
    Results(usize),
}

impl Place {
    /// Whether it is in the arena of f16.
    pub fn is_half(self) -> bool {
        matches!(self, Place::HalfSample(_) | Place::HalfFixed(_))
    }
}
