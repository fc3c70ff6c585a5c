//! A declared network: what the front end hands to the compiler.

mod kept;

use std::collections::BTreeMap;

use wildmatch::WildMatch;

use crate::graph::{Graph, Leaf, NodeId, Op, Shape};
use crate::simplify::Blocks;

pub use kept::Kept;

/// A network as declared: the graph of its forward pass, and which nodes mean what.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The forward pass, losses and metrics included.
    pub graph: Graph,
    /// Inputs, then targets; field `i` is [`crate::graph::Leaf::Field`]`(i)`.
    pub fields: Vec<Field>,
    /// How many of the fields are inputs.
    pub inputs: usize,
    /// The field that holds how much each sample counts, if there is one: the last one, which users do not declare.
    pub sample_weight: Option<usize>,
    /// Parameters; parameter `i` is [`crate::graph::Leaf::Parameter`]`(i)`.
    pub parameters: Vec<ParameterDeclaration>,
    /// Named outputs, in order.
    pub outputs: Vec<(String, NodeId)>,
    /// The loss: a scalar for each sample. The compiler takes the mean over the batch.
    pub loss: Option<NodeId>,
    /// Metrics, in order.
    pub metrics: Vec<MetricDeclaration>,
    /// How parameters are updated.
    pub optimizer: Option<Optimizer>,
    /// In which precision contractions compute.
    pub precision: Precision,
    /// What is computed by blocks of rows, since it is too large to be stored at once.
    pub blocks: Blocks,
    /// What parameters cost by their size, by their number; it is part of the loss.
    pub penalties: BTreeMap<usize, Penalty>,
    /// What each update brings parameters back to, by their number.
    pub constraints: BTreeMap<usize, Constrained>,
    /// Buffers, by the number of their parameter, and their new values after a training step.
    pub updates: Vec<(usize, NodeId)>,
    /// What is remembered of each sample from run to run; kept tensor `k` is [`crate::graph::Leaf::Kept`]`(k)`. See [`Network::keep`].
    pub kept: Vec<Kept>,
    /// The numbers of the inputs that may also arrive one row at a time; then there is a step program ([`crate::stepwise`]). They are
    /// sequences of one length.
    pub stepwise: Vec<usize>,
    /// Whether a parameter of a name that exists already is that parameter: the front end says so while it applies a block
    /// whose parameters exist once. Otherwise it gives each parameter a name of its own.
    pub sharing: bool,
    /// Kept by [`Network::declare`].
    pub known: Known,
}

/// What is asked about all parameters each time that another one is declared.
#[derive(Clone, Debug, Default)]
pub struct Known {
    numbers: BTreeMap<String, usize>,
    floats: usize,
}

impl Network {
    /// Adds a parameter, which has a name of its own.
    pub fn declare(&mut self, parameter: ParameterDeclaration) -> NodeId {
        let (number, shape) = (self.parameters.len(), Shape::fixed(&parameter.dims));
        self.known.numbers.insert(parameter.name.clone(), number);
        self.known.floats += shape.size();
        self.parameters.push(parameter);
        self.graph.leaf(Leaf::Parameter(number), shape)
    }

    /// The number of the parameter with this name.
    pub fn parameter(&self, name: &str) -> Option<usize> {
        self.known.numbers.get(name).copied()
    }

    /// Floats of all parameters and buffers together.
    pub fn parameter_floats(&self) -> usize {
        self.known.floats
    }

    /// Which parameters the optimizer changes: those that the loss (with its penalties) depends on while training. As in PyTorch, what has no gradient
    /// does not decay either.
    pub fn trained(&self) -> Vec<bool> {
        let mut trained: Vec<bool> = self.parameters.iter().map(|p| p.trainable).collect();
        let Some(loss) = self.loss else { return trained };
        let mut reached = vec![false; self.graph.len()];
        reached[loss.index()] = true;
        for (id, node) in self.graph.nodes().rev().filter(|(id, _)| id.index() <= loss.index()) {
            if reached[id.index()] {
                let args = if node.op == Op::ByPhase { &node.args[..1] } else { &node.args[..] };
                args.iter().for_each(|arg| reached[arg.index()] = true);
            } else if let Op::Leaf(Leaf::Parameter(number)) = node.op
                && !self.penalties.contains_key(&number)
            {
                trained[number] = false;
            }
        }
        trained
    }

    /// Whether a step is skipped where a gradient is infinite or NaN.
    pub fn skips_non_finite(&self) -> bool {
        let mixed = self.precision != Precision::Full;
        self.loss.is_some() && self.optimizer.as_ref().is_some_and(|o| o.skip_non_finite || mixed)
    }

    /// Whether an infinite gradient, or one that is NaN, may leave parameters and states finite: where values are clipped, or negative
    /// ones become 0. Elsewhere it stays in them for ever, so that whoever looks at them now and then has found it.
    pub fn hides_non_finite(&self) -> bool {
        let clips = self.optimizer.as_ref().is_some_and(|o| o.clip_value.is_some());
        let trains = self.loss.is_some() && self.optimizer.is_some();
        trains && !self.skips_non_finite() && (clips || self.constraints.values().any(Constrained::hides_non_finite))
    }

    /// The optimizer's group that a parameter belongs to.
    pub fn group_of(&self, parameter: usize) -> Option<usize> {
        self.optimizer.as_ref()?.group_of(&self.parameters[parameter].name)
    }

    /// Gives a buffer its new value after each training step. A buffer that several applications of one layer share takes the
    /// last one's.
    pub fn update(&mut self, buffer: NodeId, value: NodeId) {
        let Op::Leaf(Leaf::Parameter(index)) = self.graph.node(buffer).op else {
            unreachable!("a buffer is a parameter");
        };
        debug_assert!(!self.parameters[index].trainable && self.graph.shape(buffer) == self.graph.shape(value));
        self.updates.retain(|(i, _)| *i != index);
        self.updates.push((index, value));
    }

    /// What a buffer is when the next layer looks at it: its leaf, or what an earlier application of the same layer makes of it
    /// in this step.
    pub fn current(&self, buffer: NodeId) -> NodeId {
        let index = match self.graph.node(buffer).op {
            Op::Leaf(Leaf::Parameter(index)) => index,
            _ => return buffer,
        };
        self.updates.iter().find(|(i, _)| *i == index).map_or(buffer, |(_, value)| *value)
    }
}

/// An input or a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its per-sample dimensions.
    pub dims: Vec<usize>,
    /// `Some(n)` for class indices below `n`; `None` for plain f32.
    pub classes: Option<usize>,
}

/// A tensor that a network keeps, as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDeclaration {
    /// Its path: `stem.conv2d.weight`.
    pub name: String,
    /// Its dimensions, in PyTorch's layout.
    pub dims: Vec<usize>,
    /// How it starts.
    pub init: Initializer,
    /// The row (of its first dimension) that starts as zeros instead, if there is one.
    pub zero_row: Option<usize>,
    /// Whether the optimizer changes it; otherwise it is a buffer (running statistics), see [`Network::updates`].
    pub trainable: bool,
}

/// How a parameter starts, with everything resolved: fans are known, gains are in.
///
/// The formulas are PyTorch's (`torch.nn.init`); see each initializer's documentation in the facade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// The same number everywhere.
    Constant(f64),
    /// Uniform in [low, high).
    Uniform {
        /// The smallest value.
        low: f64,
        /// The bound above.
        high: f64,
    },
    /// Normal with this mean and standard deviation.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// Normal, drawn again until it lies in [low, high].
    TruncatedNormal {
        /// The mean, before truncation.
        mean: f64,
        /// The standard deviation, before truncation.
        std: f64,
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
    /// Rows (or columns) orthonormal, times a gain; the first dimension against all others.
    Orthogonal {
        /// The factor.
        gain: f64,
    },
}

/// A metric, as declared: what the graph computes of one batch, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDeclaration {
    /// Its name.
    pub name: String,
    /// How the batches' statistics become one result.
    pub kind: MetricKind,
    /// The statistics of one batch: tensors that have been reduced over the batch.
    pub statistics: Vec<NodeId>,
    /// What the host gets of each sample: tensors with the batch in front.
    pub samples: Vec<NodeId>,
}

impl MetricDeclaration {
    /// A metric of the batches' statistics.
    pub fn of_statistics(name: &str, kind: MetricKind, statistics: Vec<NodeId>) -> Self {
        MetricDeclaration { name: name.to_owned(), kind, statistics, samples: vec![] }
    }

    /// A metric of what is gathered of each sample.
    pub fn of_samples(name: &str, kind: MetricKind, samples: Vec<NodeId>) -> Self {
        MetricDeclaration { name: name.to_owned(), kind, statistics: vec![], samples }
    }
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

/// What a metric comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricValue {
    /// One number.
    #[default]
    Number,
    /// A number for each class.
    PerClass,
    /// Decisions by class.
    ConfusionMatrix,
    /// A curve.
    RocCurve,
    /// A curve for each class.
    RocCurves,
    /// A curve.
    PrCurve,
    /// A curve for each class.
    PrCurves,
}

impl MetricKind {
    /// What it comes to.
    pub fn value(self) -> MetricValue {
        match self {
            MetricKind::Mean
            | MetricKind::RootMean
            | MetricKind::ExpMean
            | MetricKind::R2
            | MetricKind::WeightedR2
            | MetricKind::Ratio
            | MetricKind::SumOfRatios
            | MetricKind::RootRatio
            | MetricKind::ExpRatio => MetricValue::Number,
            MetricKind::Rate { average, .. } => average.value(),
            MetricKind::ConfusionMatrix { .. } => MetricValue::ConfusionMatrix,
            MetricKind::Scores { summary, classes, .. } => match summary {
                Summary::RocCurve if classes == 1 => MetricValue::RocCurve,
                Summary::RocCurve => MetricValue::RocCurves,
                Summary::PrCurve if classes == 1 => MetricValue::PrCurve,
                Summary::PrCurve => MetricValue::PrCurves,
                Summary::Auc(average) | Summary::AveragePrecision(average) => average.value(),
            },
        }
    }
}

impl Average {
    fn value(self) -> MetricValue {
        if self == Average::None { MetricValue::PerClass } else { MetricValue::Number }
    }
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

/// In which precision contractions (dense layers, convolutions, matrix products and their gradients) compute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Precision {
    /// In f32, as everything else.
    #[default]
    Full,
    /// Their operands are rounded to f16; products and sums are f32, as is everything else. Gradients are scaled, lest small ones
    /// be rounded to 0.
    Mixed(LossScale),
}

/// What the loss is multiplied by before its gradients are taken, as in `torch.amp.GradScaler`. Gradients are divided by it before
/// anybody sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    /// What it starts from.
    pub initial: f64,
    /// Its factor after [`LossScale::growth_interval`] steps in which all gradients were finite.
    pub growth_factor: f64,
    /// Its factor after a step with a gradient that was infinite or NaN.
    pub backoff_factor: f64,
    /// How many good steps in a row make it grow.
    pub growth_interval: usize,
    /// Whether it changes at all.
    pub dynamic: bool,
}

impl Default for LossScale {
    fn default() -> Self {
        LossScale { initial: 65_536.0, growth_factor: 2.0, backoff_factor: 0.5, growth_interval: 2000, dynamic: true }
    }
}

/// How parameters are updated, with PyTorch's formulas and defaults. Every field is known at build time; only the learning rate
/// can change later.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    /// The rule.
    pub rule: Rule,
    /// The learning rate that training starts with.
    pub learning_rate: f64,
    /// Added to the gradient as `weight_decay * parameter` (decoupled for [`Rule::AdamW`]).
    pub weight_decay: f64,
    /// Gradients are scaled so that the norm of all of them is at most this.
    pub clip_norm: Option<f64>,
    /// Each gradient is clamped to ± this, before [`Optimizer::clip_norm`].
    pub clip_value: Option<f64>,
    /// Whether a step changes nothing where a gradient is infinite or NaN. Mixed precision implies it.
    pub skip_non_finite: bool,
    /// How much of the parameters' running average an update keeps; `None` where there is none.
    pub ema: Option<f64>,
    /// Parameters with options of their own. A parameter belongs to the first group that has its name.
    pub groups: Vec<Group>,
}

/// Parameters with options of their own, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Names of parameters; `*` stands for any characters, `?` for one.
    pub patterns: Vec<String>,
    /// Their learning rate, as long as the optimizer's is the declared one; it changes in proportion to that.
    pub learning_rate: Option<f64>,
    /// Their weight decay.
    pub weight_decay: Option<f64>,
}

impl Optimizer {
    /// A rule and a learning rate; no decay, no clipping.
    pub fn new(rule: Rule, learning_rate: f64) -> Self {
        Optimizer {
            rule,
            learning_rate,
            weight_decay: 0.0,
            clip_norm: None,
            clip_value: None,
            skip_non_finite: false,
            ema: None,
            groups: vec![],
        }
    }

    /// The number of the group that a parameter of this name belongs to.
    pub fn group_of(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.has(name))
    }

    /// What the learning rate of a group's parameters is, relative to the optimizer's; and their weight decay.
    pub fn options_of(&self, group: Option<usize>) -> (f64, f64) {
        let group = group.and_then(|number| self.groups.get(number));
        let rate = group.and_then(|g| g.learning_rate).filter(|rate| *rate != self.learning_rate);
        let decay = group.and_then(|g| g.weight_decay).unwrap_or(self.weight_decay);
        (rate.map_or(1.0, |rate| rate / self.learning_rate), decay)
    }
}

impl Group {
    /// Whether one of its patterns is for this name.
    pub fn has(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| WildMatch::new(pattern).matches(name))
    }
}

/// What a parameter costs by its size: `l1 * Σ |x| + l2 * Σ x²`, Keras's formula.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// For each number's absolute value.
    pub l1: f64,
    /// For each number's square.
    pub l2: f64,
}

/// What each update brings a parameter back to, with Keras's formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    /// Each unit's norm is at most this.
    MaxNorm(f64),
    /// Each unit's norm is 1.
    UnitNorm,
    /// No number is negative.
    NonNegative,
}

/// A constraint, and what a unit of its parameter is.
#[derive(Clone, Debug, PartialEq)]
pub struct Constrained {
    /// The constraint.
    pub constraint: Constraint,
    /// Dimensions of the parameter as the constraint sees it, in the same memory.
    pub dims: Vec<usize>,
    /// The axes of those along which a unit lies: what a unit (a neuron, a filter) reads from.
    pub unit: Vec<usize>,
}

impl Constrained {
    /// Whether it makes a number of what is none: a maximum of NaN and 0 is 0.
    fn hides_non_finite(&self) -> bool {
        self.constraint == Constraint::NonNegative
    }
}

/// An update rule.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)] // the options are PyTorch's
pub enum Rule {
    Sgd { momentum: f64, dampening: f64, nesterov: bool },
    RmsProp { alpha: f64, eps: f64, momentum: f64, centered: bool },
    Adagrad { lr_decay: f64, eps: f64, initial_accumulator: f64 },
    Adadelta { rho: f64, eps: f64 },
    Adam { beta1: f64, beta2: f64, eps: f64, amsgrad: bool },
    AdamW { beta1: f64, beta2: f64, eps: f64, amsgrad: bool },
    Adamax { beta1: f64, beta2: f64, eps: f64 },
}
