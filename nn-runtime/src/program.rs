//! A compiled network as constant tables: what the macro prints and what the players read.
//!
//! Nothing here is decided at run time. The types mirror `nn_kernels::plan`, with text and functions in the place of
//! the kernel IR, so that the runtime does not depend on the compiler.

use crate::cpu::{Pass, Update};

/// A compiled network.
#[derive(Debug)]
pub struct Program {
    /// The network's name.
    pub name: &'static str,
    /// A hash of the architecture: parameters, inputs and outputs with their shapes. Saved with weights.
    pub hash: u64,
    /// Inputs, then targets.
    pub fields: &'static [Field],
    /// How many of the fields are inputs.
    pub inputs: usize,
    /// The field that holds how much each sample counts, if there is one: the last one.
    pub sample_weight: Option<usize>,
    /// The trainable parameters, in the order of declaration.
    pub parameters: &'static [Parameter],
    /// Numbers that training keeps for itself, in the same vector: the scale of the loss, say. They are no weights, but belong to a
    /// checkpoint.
    pub control: &'static [Parameter],
    /// Length of the vector of all parameters in floats; gradients and optimizer states have the same length.
    pub parameter_floats: usize,
    /// Length of the part that the optimizer updates, which comes first; a multiple of 4.
    pub trained_floats: usize,
    /// Length of the part that a training step changes: what the optimizer updates, and then the buffers, whose new values a step
    /// leaves in the vector of gradients. A multiple of 4.
    pub changed_floats: usize,
    /// What each of the optimizer's state vectors starts from.
    pub states: &'static [f32],
    /// Which of those is the parameters' running average, if one of them is; it starts from the parameters.
    pub ema: Option<usize>,
    /// The numbers that the host sets for each step, in the order of [`StepUniform::scalars`].
    pub scalars: &'static [StepScalar],
    /// The learning rate that training starts with; `None` without an optimizer.
    pub learning_rate: Option<f32>,
    /// Where a training step's results say whether the step was skipped, since a gradient was infinite or NaN: 1 if so, else 0.
    /// `None` where no step is ever skipped.
    pub skipped: Option<usize>,
    /// Where they say whether a gradient was infinite or NaN, behind the last batch of an update: 1 if so, else 0. `None` where parameters
    /// or states show that for themselves from then on, or where such steps are skipped.
    pub non_finite: Option<usize>,
    /// The parts of the loss that do not count as much as a step has samples. What is left of it does.
    pub loss_terms: &'static [LossTerm],
    /// What is remembered of each sample from run to run.
    pub kept: &'static [KeptTensor],
    /// What `predict` returns.
    pub outputs: &'static [Output],
    /// What `evaluate` reports beside the loss.
    pub metrics: &'static [Metric],
    /// Outputs from inputs.
    pub predict: Schedule,
    /// Loss and metrics from inputs and targets.
    pub evaluate: Option<Schedule>,
    /// Loss, metrics, gradients and the update.
    pub train: Option<Schedule>,
    /// Loss and gradients, also with respect to inputs.
    pub gradients: Option<Schedule>,
    /// Forward pass of one sample; a multiply-add counts as two.
    pub flops_per_sample: u64,
}

/// A part of the loss which is a mean over what counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossTerm {
    /// Where a step's results have its value; 0 where it is the whole loss.
    pub value: usize,
    /// Where they say how much it counts beside that of other steps.
    pub weight: usize,
}

/// An input or a target.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its per-sample dimensions.
    pub dims: &'static [usize],
    /// `Some(n)` for class indices below `n`.
    pub classes: Option<usize>,
}

/// A trainable tensor or a buffer (running statistics).
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its path: `stem.conv2d.weight`.
    pub name: &'static str,
    /// Its dimensions, in PyTorch's layout.
    pub dims: &'static [usize],
    /// How it starts.
    pub init: Initializer,
    /// The row (of its first dimension) that starts as zeros instead, if there is one.
    pub zero_row: Option<usize>,
    /// Where it lies in the vector of all parameters, in floats.
    pub offset: usize,
    /// Whether the optimizer changes it and it has a gradient; otherwise it is a buffer.
    pub trainable: bool,
}

/// How a parameter starts; fans and gains are resolved.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)] // the fields are what they are called; see nn_kernels::network::Initializer
pub enum Initializer {
    Constant(f64),
    Uniform { low: f64, high: f64 },
    Normal { mean: f64, std: f64 },
    TruncatedNormal { mean: f64, std: f64, low: f64, high: f64 },
    Orthogonal { gain: f64 },
}

/// Numbers that the host sets for each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepScalar {
    /// 1 / number of samples in the batch.
    InverseBatch,
    /// The current learning rate.
    LearningRate,
    /// 1 - beta^t, where t counts training steps from 1; computed in f64.
    BiasCorrection(f64),
    /// The number t of this training step, counted from 1.
    Step,
    /// Which position of its sequence this step is, counted from 0 (step programs only).
    Position,
}

/// A tensor that is kept from run to run; 0 at first. Where all of them are kept, they lie one after another, each with its whole batch.
#[derive(Debug, Clone, Copy)]
pub struct KeptTensor {
    /// Its path: `body.lstm.h`.
    pub name: &'static str,
    /// Its per-sample dimensions.
    pub dims: &'static [usize],
    /// Floats of those before it, for each sample.
    pub offset: usize,
}

impl KeptTensor {
    /// Floats of a sample.
    pub fn size(&self) -> usize {
        self.dims.iter().product()
    }
}

impl Program {
    /// Floats that are kept of each sample.
    pub fn kept_floats(&self) -> usize {
        self.kept.last().map_or(0, |last| last.offset + last.size())
    }
}

/// Something that `predict` returns.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// Its per-sample dimensions.
    pub dims: &'static [usize],
}

/// Something that `evaluate` reports.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How what steps leave becomes one result.
    pub kind: MetricKind,
    /// Where its statistics begin in a step's results, in floats.
    pub offset: usize,
    /// How many floats of statistics it has.
    pub len: usize,
    /// Where its numbers of a sample begin, behind the statistics of all metrics.
    pub sample_offset: usize,
    /// How many numbers it has of each sample.
    pub sample_len: usize,
}

/// How statistics of batches become one result, exactly, whatever the batch sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricKind {
    /// Statistic: the mean over the batch's samples. Result: the mean over all samples.
    Mean,
    /// Statistic, with one entry a column: the mean over the batch's samples. Result: the root of the mean over all samples,
    /// averaged over columns (scikit-learn's `root_mean_squared_error`).
    RootMean,
    /// Statistic: the mean over the batch's samples. Result: e to the power of the mean over all samples.
    ExpMean,
    /// Statistics, each with one entry a column: the mean of the squared error, the mean of the target, and the mean of
    /// the target's squared deviation from that mean. Batches combine by Chan's formula; the result is
    /// 1 - Σ error² / Σ deviation², averaged over columns (scikit-learn's `r2_score`).
    R2,
    /// As [`MetricKind::R2`], of numbers that count differently: the means are weighted, and behind them stands what each column's
    /// numbers count together. Columns of which nothing counts are left out (scikit-learn's `sample_weight`).
    WeightedR2,
    /// Statistics, each with one entry a column: a sum over the batch, and another one. Result: the first over the second,
    /// each summed over all batches, averaged over the columns whose second sum is not 0 (0 if there is none).
    Ratio,
    /// As [`MetricKind::Ratio`]; the result is the sum of the columns' quotients.
    SumOfRatios,
    /// As [`MetricKind::Ratio`]; the result is the root of each column's quotient, averaged over columns.
    RootRatio,
    /// As [`MetricKind::Ratio`]; the result is e to the power of the quotient.
    ExpRatio,
    /// Statistics, each with one entry a class: how many decisions are rightly for it, are for it, should be for it; and, where
    /// decisions count differently, how many there are.
    Rate {
        /// What is made of these counts.
        rate: Rate,
        /// How classes become one number.
        average: Average,
        /// Decisions about each class in one sample, where each counts 1.
        decisions: Option<usize>,
    },
    /// Statistic: how many decisions of each true class are for each class, `classes` rows of `classes` counts. Or, of each
    /// sample, the class that is decided for, then the true one.
    ConfusionMatrix {
        /// How many classes there are.
        classes: usize,
    },
    /// Of each sample, `positions` times as many scores as there are classes, then the truths.
    Scores {
        /// What is made of them.
        summary: Summary,
        /// How many classes have scores; 1 where there is a decision between yes and no.
        classes: usize,
        /// How many decisions a sample has.
        positions: usize,
        /// Whether a truth is the number of a class, one for each position. Otherwise it is a number for each score, true above
        /// 0.5.
        indexed: bool,
    },
}

/// What is counted of decisions, of one class: true positives (tp), false positives (fp), true negatives (tn) and false negatives
/// (fn). A rate without any case is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// tp / (tp + fp)
    Precision,
    /// tp / (tp + fn)
    Recall,
    /// (1 + beta²) tp / ((1 + beta²) tp + beta² fn + fp), for this beta.
    FBeta(f64),
    /// tn / (tn + fp)
    Specificity,
    /// fp / (tn + fp)
    FalsePositiveRate,
}

/// How the numbers of classes become one, in scikit-learn's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// There is one: the number of the class 1 of two.
    Binary,
    /// The mean.
    Macro,
    /// Counts are summed first.
    Micro,
    /// The mean, weighted by how often classes are true.
    Weighted,
    /// They stay apart.
    None,
}

/// What is made of scores and truths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// True positives over false positives, for each threshold; each class against all others.
    RocCurve,
    /// Precision over recall, for each threshold; each class against all others.
    PrCurve,
    /// The area under the first.
    Auc(Average),
    /// The area under the second, in steps.
    AveragePrecision(Average),
}

/// One program: its kernels for both devices, and its memory.
///
/// The arena has `fixed_floats + capacity * sample_floats` floats, where the capacity is the largest batch it can hold,
/// a multiple of 4. A tensor at sample offset `o` begins at `fixed_floats + capacity * o`; sample `i` of it follows at
/// `i` times its size.
#[derive(Debug)]
pub struct Schedule {
    /// Floats in the batch-independent zone of the arena.
    pub fixed_floats: usize,
    /// Floats in the arena for each sample of capacity.
    pub sample_floats: usize,
    /// Numbers in the batch-independent zone of the second arena, which is f16 on a GPU, and f32 behind the first one on the CPU.
    pub fixed_halves: usize,
    /// Numbers in the second arena for each sample of capacity.
    pub sample_halves: usize,
    /// Floats that a step writes to its slot of the results: the mean loss, then the metrics' statistics.
    pub result_floats: usize,
    /// Floats that a step writes behind those for each of its samples.
    pub result_sample_floats: usize,
    /// Where the host puts the fields: (number of the field, sample offset in the arena).
    pub fields: &'static [(usize, usize)],
    /// Where a run finds and leaves what is kept: (number of the tensor, sample offset in the arena).
    pub kept: &'static [(usize, usize)],
    /// Where the host finds the outputs, in the order of [`Program::outputs`]: sample offsets in the arena.
    pub outputs: &'static [usize],
    /// Where the host finds gradients with respect to fields: (number of the field, sample offset in the arena).
    pub field_gradients: &'static [(usize, usize)],
    /// The dispatches for the GPU, in order; behind each one's shader come its variants.
    pub shaders: &'static [Shader],
    /// The dispatches behind those: `train` and `gradients` begin alike and end differently.
    pub more_shaders: &'static [Shader],
    /// Which of the kernels are played again and again.
    pub loops: &'static [Loop],
    /// All of those as one shader that plays whole steps, where small batches fit into a workgroup's memory (`train` only).
    pub resident: Option<Resident>,
    /// The kernels up to the update for the CPU, in order.
    pub pass: fn(&mut Pass<'_>),
    /// The update's kernels for the CPU; `None` where nothing is updated. `pass` runs first.
    pub update: Option<fn(&mut Update<'_>)>,
}

impl Schedule {
    /// Floats of results of a step over so many samples.
    pub fn result_floats_of(&self, batch: usize) -> usize {
        self.result_floats + batch * self.result_sample_floats
    }

    /// Words of 32 bits that a GPU needs for each sample of capacity, in both arenas.
    pub fn sample_words(&self) -> usize {
        self.sample_floats + self.sample_halves.div_ceil(2)
    }

    /// All dispatches for the GPU, in order: the texts of each, of which the first is for every device.
    pub fn dispatches(&self) -> impl Iterator<Item = &'static [Shader]> + use<> {
        texts(self.shaders).chain(texts(self.more_shaders))
    }

    /// Entries that a step has in the table that kernels read on a GPU: one, and one for each step of the longest loop behind it.
    pub fn entries(&self) -> usize {
        1 + self.loops.iter().map(|l| l.steps).max().unwrap_or(0)
    }

    /// How many of them come before the update.
    pub fn dispatches_before_update(&self) -> usize {
        texts(self.shaders).count()
    }
}

/// A list of shaders by dispatch: a shader without a variant begins the next one.
fn texts(shaders: &'static [Shader]) -> impl Iterator<Item = &'static [Shader]> {
    shaders.chunk_by(|_, next| next.variant.is_some())
}

/// Kernels that are the body of a loop: they are played one after another for its first step, then for its next one, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loop {
    /// Its first kernel, and the first one behind it, as numbers in the plan.
    pub kernels: (usize, usize),
    /// Its first dispatch, and the first one behind it, as numbers among all of the schedule.
    pub dispatches: (usize, usize),
    /// How many steps it has.
    pub steps: usize,
}

/// Whole steps inside one workgroup, many in one dispatch: the shader loads parameters and states, plays the steps that
/// the table numbers, each over samples of the data set's records, and stores parameters, states and results.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// Its `bindings` are the vectors, the results, and what only such a shader sees: records, order and steps.
    pub shader: Shader,
    /// The most samples of a step.
    pub capacity: usize,
    /// The most steps of a dispatch.
    pub steps: usize,
}

/// A compute shader: a dispatch, which does one kernel or several that do not depend on each other. Also what `shaders()` lists.
#[derive(Debug, Clone, Copy)]
pub struct Shader {
    /// Unique in the network: the kernel's, `train_03_hidden_dense`, or that of the largest of several,
    /// `train_05_hidden_dense_and_2`; with the variant's name behind it, `train_03_hidden_dense_64x64`.
    pub name: &'static str,
    /// The entry point's name in `wgsl`.
    pub entry_point: &'static str,
    /// Invocations in a workgroup.
    pub workgroup_size: [u32; 3],
    /// Bytes of `var<workgroup>` memory; wgpu does not check them, so the loader does.
    pub workgroup_bytes: u32,
    /// What it binds in group 0.
    pub bindings: &'static [Binding],
    /// How many workgroups each of its kernels needs, in order.
    pub workgroups: &'static [Workgroups],
    /// The program's text.
    pub wgsl: &'static str,
    /// Set where this is another text of the dispatch before it in the list, for some devices.
    pub variant: Option<Variant>,
}

/// What tells one text of a dispatch from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// What it is called among the texts of its dispatch: `64x64`, after its tile. The shader's name ends with it.
    pub name: &'static str,
    /// Rows and columns of sums that a workgroup does.
    pub tile: [u32; 2],
    /// What a device must have.
    pub needs: &'static [DeviceFeature],
    /// The classes of devices that take it, if they have what it needs. Of several that suit, the last one is taken.
    pub classes: &'static [DeviceClass],
    /// Whether it gives the same bits as the first text. Cooperative matrices do not: a device chooses the order in which it adds, so
    /// that a sum of `k` products lies within `2 * k * 2^-24 * Σ |a * b|` of the exact one, as that of every text does.
    pub exact: bool,
    /// Whether it may be measured against the first text: neither writes anything that a network keeps.
    pub measured: bool,
}

/// Classes of devices, as far as the compiler's cost model tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// A card with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory; also what is not known better.
    Integrated,
    /// A processor that stands in for a GPU.
    Software,
}

/// What only some devices have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceFeature {
    /// Operations among the invocations of a subgroup, which has at least eight of them.
    Subgroups,
    /// f16 in shaders, and cooperative matrices of 8 x 8 of them with sums in f32.
    CooperativeMatrix8,
    /// The same of 16 x 16.
    CooperativeMatrix16,
}

impl Shader {
    /// The number of workgroups for a batch: those of the first kernel come first, then those of the second. Shaders number them
    /// by `workgroup_id.x + workgroup_id.y * num_workgroups.x` and ignore the superfluous ones, so that the player may spread
    /// them over two axes.
    pub fn count(&self, batch: usize) -> u64 {
        self.workgroups.iter().map(|w| w.count(batch)).sum()
    }
}

/// The number of a kernel's workgroups: `ceil((fixed + per_sample * batch) / points)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workgroups {
    /// Points whatever the batch.
    pub fixed: u64,
    /// Points for each sample.
    pub per_sample: u64,
    /// Points that one workgroup does.
    pub points: u64,
}

impl Workgroups {
    /// The number of workgroups for a batch.
    pub fn count(&self, batch: usize) -> u64 {
        (self.fixed + self.per_sample * batch as u64).div_ceil(self.points)
    }
}

/// A part of a list of shaders, as far as it exists. Generated code cuts the lists of its schedules with it.
pub const fn part(shaders: &'static [Shader], start: usize, end: usize) -> &'static [Shader] {
    match shaders.split_at_checked(end) {
        Some((front, _)) => match front.split_at_checked(start) {
            Some((_, part)) => part,
            None => &[],
        },
        None => &[],
    }
}

/// The resident program whose shader is the only one of a list. Generated code calls it, and has no list without the GPU.
pub const fn resident(shaders: &'static [Shader], capacity: usize, steps: usize) -> Option<Resident> {
    match shaders {
        [shader] => Some(Resident { shader: *shader, capacity, steps }),
        _ => None,
    }
}

/// What a shader binds; the numbers are those of group 0, the same for every shader of every network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Binding {
    /// `var<uniform> step: Step`, with a dynamic offset; see [`StepUniform`]. A resident program sees the whole entry of the
    /// table there.
    Step = 0,
    /// `var<storage, read_write> arena`.
    Arena = 1,
    /// `var<storage, read_write> parameters`.
    Parameters = 2,
    /// `var<storage, read_write> gradients`.
    Gradients = 3,
    /// `var<storage, read_write> results`, all slots.
    Results = 4,
    /// `var<storage, read_write> state0`.
    State0 = 5,
    /// `var<storage, read_write> state1`.
    State1 = 6,
    /// `var<storage, read_write> state2`.
    State2 = 7,
    /// `var<storage, read> records`: the data set's samples, all fields of a sample side by side.
    Records = 8,
    /// `var<storage, read> order`: the numbers of the steps' samples.
    Order = 9,
    /// `var<storage, read> steps`: the table of steps.
    Steps = 10,
    /// `var<storage, read_write> halves`: the arena of f16, two in each `u32`.
    Halves = 11,
}

/// The uniform that every kernel sees. In WGSL:
///
/// ```wgsl
/// struct Step {
///     batch: u32,      // samples in this batch
///     capacity: u32,   // samples that the arena holds
///     result: u32,     // where this step's results begin, in floats
///     seed: u32,       // keys the random numbers, together with the step
///     step: u32,       // training steps so far, this one not counted
///     zero: u32,       // 0, which kernels rely on: a zero that no compiler can know
///     unused1: u32, unused2: u32,     // the step's share of its update, see [`Part`]; kernels do not look at them. Those of a
///                                     // loop see entries of their own, in which `unused2` is the step of the loop
///     scalars: array<vec4<f32>, 4>,   // in the order of Program::scalars
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct StepUniform {
    /// Samples in this batch.
    pub batch: u32,
    /// Samples that the arena holds.
    pub capacity: u32,
    /// Where this step's results begin, in floats.
    pub result: u32,
    /// Keys the random numbers, together with the step.
    pub seed: u32,
    /// Training steps so far, this one not counted.
    pub step: u32,
    /// Always 0.
    pub zero: u32,
    /// The step's part of the samples of its update, if that is made of several steps. Where steps say themselves how much they count,
    /// its number in the update, modulo 2.
    pub share: f32,
    /// Which of the steps of its update it is: a [`Part`].
    pub part: u32,
    /// In the order of [`Program::scalars`].
    pub scalars: [f32; 16],
}

/// Which of the steps of an update a step is. The gradients of several steps may be summed before the optimizer sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Part {
    /// The only one.
    Whole = 0,
    /// The first of several.
    First = 1,
    /// Neither the first nor the last.
    Middle = 2,
    /// The last of several: the optimizer comes behind it.
    Last = 3,
}

impl Program {
    /// Where a step's results say how much it counts among those of its update, where that is not the number of its samples.
    pub(crate) fn weight_in_update(&self) -> Option<usize> {
        match self.loss_terms {
            [LossTerm { value: 0, weight }] => Some(*weight),
            _ => None,
        }
    }
}

impl StepUniform {
    /// Whether the optimizer comes behind this step.
    pub(crate) fn updates(&self) -> bool {
        self.part == Part::Whole as u32 || self.part == Part::Last as u32
    }

    /// Whether this step's gradients are summed with those of others.
    pub(crate) fn accumulates(&self) -> bool {
        self.part != Part::Whole as u32
    }
}
