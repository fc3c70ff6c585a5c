//! What a prediction decides and what is right, and what is counted of it.

use super::{above, first_maximum};
use crate::graph::{Binary, Graph, NodeId, Reduction, Shape};
use crate::layers::loss::{Counting, Positions, Target, binary_target, class_axis};
use crate::layers::movement::output;
use crate::network::{Average, MetricDeclaration, MetricKind, Rate};
use crate::shape::{self, Allowed, Fact};

/// Decisions of one sample, and what would be right.
///
/// - Against class indices, the first maximum along `axis` (-1 by default) is decided for.
/// - Against one-hot or soft targets of the same shape, the first maximum of the target is right.
/// - Yes or no, where prediction > `threshold`: against `class(2)` where the prediction has one number for each label, against
///   numbers (true above 0.5) where the last axis has size 1 or there is none, and wherever a `threshold` is given. It is 0.5 by
///   default, for probabilities; for logits it is 0.
struct Decision {
    kind: Kind,
    /// 1 or 0, or the number of a class.
    predicted: NodeId,
    /// The same, of what is right.
    wanted: NodeId,
    /// How much each of them counts; `None` where each counts 1.
    counts: Option<NodeId>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Yes or no, for each element.
    Binary,
    /// One of so many classes, for each position.
    Classes(usize),
}

impl Decision {
    fn of(
        g: &mut Graph,
        prediction: NodeId,
        target: Target,
        axis: i64,
        threshold: Option<f64>,
        counting: Counting,
    ) -> Result<Self, Fact> {
        threshold.map_or(Ok(()), |t| shape::option("threshold", t, Allowed::Finite))?;
        let dims = g.shape(prediction).dims.clone();
        let one_number = matches!(dims.last(), None | Some(1));
        let binary = threshold.is_some()
            || match target {
                Target::Classes { node, classes } => classes == 2 && (one_number || g.shape(node).dims == dims),
                Target::Values(_) => one_number,
            };
        if binary {
            let t = binary_target(g, prediction, target)?;
            let predicted = above(g, prediction, threshold.unwrap_or(0.5));
            let wanted = above(g, t, 0.5);
            let counts = counting.weights(g, target, &dims)?;
            return Ok(Decision { kind: Kind::Binary, predicted, wanted, counts });
        }
        let axis = class_axis(g, &dims, target, axis, counting)?;
        let wanted = match target {
            Target::Classes { node, .. } => node,
            Target::Values(t) => first_maximum(g, t, axis),
        };
        let predicted = first_maximum(g, prediction, axis);
        let positions = g.shape(predicted).dims.clone();
        let counts = counting.weights(g, target, &positions)?;
        Ok(Decision { kind: Kind::Classes(dims[axis]), predicted, wanted, counts })
    }

    /// A number that belongs to no decision, where one does not count.
    fn or(&self, g: &mut Graph, x: NodeId, nothing: f64) -> NodeId {
        let Some(counts) = self.counts else { return x };
        let shape = Shape { batch: g.shape(x).batch || g.shape(counts).batch, ..g.shape(x).clone() };
        let (x, counts) = (g.broadcast(x, &shape), g.broadcast(counts, &shape));
        let nothing = g.filled(nothing, &shape);
        g.select(counts, x, nothing)
    }

    /// Times what its decision counts.
    fn counted(&self, g: &mut Graph, x: NodeId) -> NodeId {
        match self.counts {
            Some(counts) => g.broadcast_binary(Binary::Multiply, x, counts),
            None => x,
        }
    }
}

/// The share of right decisions in one sample; 1 or 0 where there is one decision. No gradient flows through it.
///
/// - Against class indices, the first maximum along `axis` (-1 by default) must be the label.
/// - Against one-hot or soft targets of the same shape, the first maxima of both must agree.
/// - Binary decisions, where prediction > `threshold` must agree with the label: against `class(2)` where the prediction has
///   one number for each label, against numbers (true above 0.5) where the last axis has size 1 or there is none, and wherever a
///   `threshold` is given. It is 0.5 by default, for probabilities; for logits it is 0.
pub fn accuracy(
    g: &mut Graph,
    prediction: NodeId,
    target: Target,
    axis: i64,
    threshold: Option<f64>,
) -> Result<NodeId, Fact> {
    right(g, prediction, target, axis, threshold, Counting::default()).map(|positions| positions.mean(g))
}

/// [`accuracy`] before its mean: for each decision, whether it is right.
pub fn right(
    g: &mut Graph,
    prediction: NodeId,
    target: Target,
    axis: i64,
    threshold: Option<f64>,
    counting: Counting,
) -> Result<Positions, Fact> {
    let Decision { predicted, wanted, .. } =
        Decision::of(g, prediction, target, axis, threshold, Counting { mask: None, ..counting })?;
    let right = g.broadcast_binary(Binary::Equal, predicted, wanted);
    Positions::alike(right).counting(g, target, counting)
}

/// The share of positions whose label is among the `k` largest numbers along `axis` (-1 by default). Of equal numbers the first
/// ones count as larger, so that k = 1 is [`accuracy`].
pub fn top_k_accuracy(
    g: &mut Graph,
    prediction: NodeId,
    target: Target,
    k: usize,
    axis: i64,
    counting: Counting,
) -> Result<Positions, Fact> {
    let dims = g.shape(prediction).dims.clone();
    let axis = class_axis(g, &dims, target, axis, counting)?;
    let label = match target {
        Target::Classes { node, .. } => node,
        Target::Values(t) => first_maximum(g, t, axis),
    };
    shape::option("k", k as f64, Allowed::Between(1.0, dims[axis] as f64))?;
    let shape = Shape { batch: g.shape(prediction).batch || g.shape(label).batch, dims: dims.clone() };
    let mut kept = dims.clone();
    kept[axis] = 1;
    let prediction = g.broadcast(prediction, &shape);
    let label = g.reshape(label, &kept);
    let label = g.broadcast(label, &shape);
    let index = g.iota(axis, &shape);
    let index = g.broadcast(index, &shape);
    let is_label = g.binary(Binary::Equal, index, label);
    let zero = g.filled(0.0, &shape);
    let own = g.select(is_label, prediction, zero);
    let own = g.reduce_keep(Reduction::Sum, own, &[axis]);
    let own = g.broadcast(own, &shape);
    // Those that are behind; what is not (a NaN among others) is before.
    let less = g.binary(Binary::Less, prediction, own);
    let equal = g.binary(Binary::Equal, prediction, own);
    let later = g.binary(Binary::LessEqual, label, index);
    let tied = g.mul(equal, later);
    let behind = g.binary(Binary::Maximum, less, tied);
    let behind = g.reduce(Reduction::Sum, behind, &[axis], false);
    let least = g.filled((dims[axis] - k) as f64, &g.shape(behind).clone());
    let right = g.binary(Binary::Less, least, behind);
    Positions::alike(right).counting(g, target, counting)
}

/// A rate of decisions, counted over all samples.
///
/// What is decided is as in [`accuracy`]. Classes are those of the target; where each element is a decision of its own (numbers
/// against a `threshold`), each index along `axis` is a class. Without an `average`, two classes have the rate of class 1, and
/// more of them are averaged.
pub fn rate(
    g: &mut Graph,
    name: &str,
    prediction: NodeId,
    target: Target,
    axis: i64,
    threshold: Option<f64>,
    (rate, average, counting): (Rate, Option<Average>, Counting),
) -> Result<MetricDeclaration, Fact> {
    if let Rate::FBeta(beta) = rate {
        shape::option("beta", beta, Allowed::AtLeast(0.0))?;
    }
    let decision = Decision::of(g, prediction, target, axis, threshold, counting)?;
    let Decision { kind, predicted, wanted, counts } = decision;
    let dims = g.shape(predicted).dims.clone();
    let one_number = matches!(dims.last(), None | Some(1));
    let (predicted, wanted, column) = match (kind, target) {
        (Kind::Classes(classes), _) => {
            (indicator(g, predicted, classes), indicator(g, wanted, classes), Some(dims.len()))
        }
        (Kind::Binary, Target::Values(_)) if !one_number => (predicted, wanted, Some(shape::axis(axis, &dims)?)),
        (Kind::Binary, _) => (predicted, wanted, None),
    };
    let all = g.shape(predicted).dims.clone();
    let classes = column.map_or(1, |axis| all[axis]);
    let two = classes == 1 || kind == Kind::Classes(2);
    let average = average.unwrap_or(if two { Average::Binary } else { Average::Macro });
    let counts = counts.map(|counts| match kind {
        // One for each class.
        Kind::Classes(_) => {
            let mut dims = all.clone();
            dims[all.len() - 1] = 1;
            let counts = g.reshape(counts, &dims);
            let shape = Shape { batch: g.shape(counts).batch, dims: all.clone() };
            g.broadcast(counts, &shape)
        }
        Kind::Binary => counts,
    });
    let both = g.broadcast_binary(Binary::Multiply, predicted, wanted);
    let decision = Decision { counts, ..decision };
    let mut statistics = [both, predicted, wanted].map(|x| decision.counted(g, x)).to_vec();
    statistics.extend(counts);
    for x in &mut statistics {
        let axes: Vec<usize> = (0..all.len()).filter(|axis| Some(*axis) != column).collect();
        let count = g.reduce(Reduction::Sum, *x, &axes, false);
        let count = output(g, count);
        let count = g.reduce(Reduction::Sum, count, &[], true);
        *x = g.reshape(count, &[classes]);
    }
    let decisions = counts.is_none().then(|| all.iter().product::<usize>() / classes);
    Ok(MetricDeclaration::of_statistics(name, MetricKind::Rate { rate, average, decisions }, statistics))
}

/// Class indices as one number for each class, in a new last axis: 1 where it is the class.
fn indicator(g: &mut Graph, class: NodeId, classes: usize) -> NodeId {
    let mut dims = g.shape(class).dims.clone();
    dims.push(1);
    let class = g.reshape(class, &dims);
    let axis = dims.len() - 1;
    dims[axis] = classes;
    let shape = Shape { batch: g.shape(class).batch, dims };
    let class = g.broadcast(class, &shape);
    let index = g.iota(axis, &shape);
    let index = g.broadcast(index, &shape);
    g.binary(Binary::Equal, index, class)
}

/// How many of a step's counts a confusion matrix of several decisions for each sample may have.
const COUNTS: usize = 1 << 16;

/// How often each class has been decided for where each class is right, over all samples. What is decided is as in
/// [`accuracy`]; yes and no are the classes 1 and 0. A decision counts once, or not at all where its mask is 0.
pub fn confusion_matrix(
    g: &mut Graph,
    name: &str,
    prediction: NodeId,
    target: Target,
    axis: i64,
    threshold: Option<f64>,
    counting: Counting,
) -> Result<MetricDeclaration, Fact> {
    let decision = Decision::of(g, prediction, target, axis, threshold, counting)?;
    let Decision { kind, predicted, wanted, .. } = decision;
    let classes = match kind {
        Kind::Binary => 2,
        Kind::Classes(classes) => classes,
    };
    let kind = MetricKind::ConfusionMatrix { classes };
    let decisions = g.shape(predicted).size();
    if decisions == 1 {
        let predicted = decision.or(g, predicted, classes as f64);
        let samples = [predicted, wanted].map(|class| {
            let class = g.reshape(class, &[1]);
            output(g, class)
        });
        return Ok(MetricDeclaration::of_samples(name, kind, samples.to_vec()));
    }
    let counts = classes.saturating_mul(classes);
    if counts > COUNTS {
        return Err(Fact::TooMuchToKeep { what: "counts in each step", numbers: counts, limit: COUNTS });
    }
    let row = g.scale(wanted, classes as f64);
    let cell = g.broadcast_binary(Binary::Add, row, predicted);
    let cell = decision.or(g, cell, counts as f64);
    let cell = output(g, cell);
    let cells = indicator(g, cell, counts);
    let axes: Vec<usize> = (0..g.shape(cells).rank() - 1).collect();
    let counted = g.reduce(Reduction::Sum, cells, &axes, true);
    Ok(MetricDeclaration::of_statistics(name, kind, vec![counted]))
}
