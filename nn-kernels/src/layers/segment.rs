//! Losses and metrics for what lies where: overlaps of regions, and losses that look at what is hard.

use super::activation::log_one_plus_exp;
use super::loss::{Counting, Positions, Target, binary_target, one_hot};
use super::metric::{above, first_maximum};
use super::movement::output;
use super::normalize::log_softmax;
use crate::graph::{Binary, Graph, NodeId, Reduction, Unary};
use crate::network::{MetricDeclaration, MetricKind};
use crate::shape::{self, Allowed, Fact};

/// One minus the overlap of predicted and true regions, (2 Σ p t + smooth) / (Σ p + Σ t + smooth), for probabilities p.
///
/// - Against class indices, there is a region for each class along `axis` (-1 by default), and the loss is their mean.
/// - Against numbers of the prediction's shape (or a `class(2)` for each), all of them are one region; with `axis`, there is
///   one for each index along it.
///
/// Where positions count differently, both regions do; a sample in which nothing counts has lost nothing.
pub fn dice_loss(
    g: &mut Graph,
    probability: NodeId,
    target: Target,
    axis: Option<i64>,
    smooth: f64,
    counting: Counting,
) -> Result<NodeId, Fact> {
    shape::option("smooth", smooth, Allowed::AtLeast(0.0))?;
    let regions = Regions::of(g, probability, target, axis)?;
    let wanted = regions.wanted(g, probability, target)?;
    let counts = regions.counts(g, probability, target, counting)?;
    let both = g.mul(probability, wanted);
    let [both, predicted, wanted] = [both, probability, wanted].map(|x| {
        let x = counts.map_or(x, |counts| g.broadcast_binary(Binary::Multiply, x, counts));
        regions.sum(g, x)
    });
    let all = g.add2(predicted, wanted);
    let twice = g.scale(both, 2.0);
    let (over, under) = (g.offset(twice, smooth), g.offset(all, smooth));
    let overlap = g.div(over, under);
    let missed = g.unary(Unary::Negate, overlap);
    let missed = g.offset(missed, 1.0);
    Ok(g.mean_sample(missed))
}

/// What counts as a region.
struct Regions {
    /// The axis along which each index has a region of its own.
    axis: Option<usize>,
    /// Whether the target is an index along that axis.
    indexed: bool,
}

impl Regions {
    fn of(g: &Graph, prediction: NodeId, target: Target, axis: Option<i64>) -> Result<Self, Fact> {
        let dims = &g.shape(prediction).dims;
        match target {
            Target::Classes { node, classes } if classes != 2 || g.shape(node).dims != *dims => {
                let axis = shape::classes(dims, axis.unwrap_or(-1), &g.shape(node).dims, classes)?;
                Ok(Regions { axis: Some(axis), indexed: true })
            }
            Target::Classes { node, .. } | Target::Values(node) => {
                shape::same(dims, &g.shape(node).dims)?;
                let axis = axis.map(|axis| shape::axis(axis, dims)).transpose()?;
                Ok(Regions { axis, indexed: false })
            }
        }
    }

    /// The target in the prediction's shape: 1 inside of its regions, 0 outside.
    fn wanted(&self, g: &mut Graph, prediction: NodeId, target: Target) -> Result<NodeId, Fact> {
        match (target, self.axis) {
            (Target::Classes { node, .. }, Some(axis)) if self.indexed => Ok(one_hot(g, node, axis, prediction)),
            _ => binary_target(g, prediction, target),
        }
    }

    /// How much each element of the regions counts, along the axis where there is one; `None` where each counts 1.
    fn counts(
        &self,
        g: &mut Graph,
        prediction: NodeId,
        target: Target,
        counting: Counting,
    ) -> Result<Option<NodeId>, Fact> {
        let mut dims = g.shape(prediction).dims.clone();
        let Some(axis) = self.axis.filter(|_| self.indexed) else { return counting.weights(g, target, &dims) };
        dims.remove(axis);
        let counts = counting.weights(g, target, &dims)?;
        dims.insert(axis, 1);
        Ok(counts.map(|counts| g.reshape(counts, &dims)))
    }

    /// The sum over each region of each sample.
    fn sum(&self, g: &mut Graph, x: NodeId) -> NodeId {
        let axes: Vec<usize> = (0..g.shape(x).rank()).filter(|axis| Some(*axis) != self.axis).collect();
        g.reduce(Reduction::Sum, x, &axes, false)
    }
}

/// The intersection of predicted and true regions over their union, counted over all samples; several regions are averaged,
/// without those that occur nowhere (scikit-learn's `jaccard_score`).
///
/// - Against class indices, each class along `axis` (-1 by default) has a region: where its number is the first maximum.
/// - Against numbers of the prediction's shape (true above 0.5; or a `class(2)` for each), the region is where the prediction
///   is above `threshold`, 0.5 by default; with `axis`, there is one for each index along it.
pub fn iou(
    g: &mut Graph,
    name: &str,
    prediction: NodeId,
    target: Target,
    axis: Option<i64>,
    threshold: Option<f64>,
    counting: Counting,
) -> Result<MetricDeclaration, Fact> {
    threshold.map_or(Ok(()), |t| shape::option("threshold", t, Allowed::Finite))?;
    let regions = Regions::of(g, prediction, target, axis)?;
    let wanted = regions.wanted(g, prediction, target)?;
    let predicted = match regions.axis {
        Some(axis) if regions.indexed => {
            let decision = first_maximum(g, prediction, axis);
            one_hot(g, decision, axis, prediction)
        }
        _ => above(g, prediction, threshold.unwrap_or(0.5)),
    };
    let wanted = if regions.indexed { wanted } else { above(g, wanted, 0.5) };
    let both = g.broadcast_binary(Binary::Multiply, predicted, wanted);
    let either = g.broadcast_binary(Binary::Maximum, predicted, wanted);
    let counts = regions.counts(g, prediction, target, counting)?;
    let statistics = [both, either]
        .map(|x| {
            let x = counts.map_or(x, |counts| g.broadcast_binary(Binary::Multiply, x, counts));
            let count = regions.sum(g, x);
            let count = output(g, count);
            g.reduce(Reduction::Sum, count, &[], true)
        })
        .to_vec();
    Ok(MetricDeclaration::of_statistics(name, MetricKind::Ratio, statistics))
}

/// Cross-entropy that looks at what is hard: times (1 - p)^`gamma`, where p is the probability given to what is right
/// (Lin and others, 2017). From logits; PyTorch's (torchvision's) defaults are gamma = 2 and alpha = 0.25.
///
/// - Against class indices, a softmax along `axis` (-1 by default); `alpha`, if given, scales the loss.
/// - Against numbers of the logits' shape (or a `class(2)` for each), a sigmoid of each; `alpha` is the weight of what is true
///   and 1 - `alpha` that of what is not. Below 0 it means that both weigh 1.
pub fn focal_loss(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    gamma: f64,
    alpha: Option<f64>,
    axis: Option<i64>,
) -> Result<Positions, Fact> {
    shape::option("gamma", gamma, Allowed::AtLeast(0.0))?;
    alpha.map_or(Ok(()), |alpha| shape::option("alpha", alpha, Allowed::Between(-1.0, 1.0)))?;
    let regions = Regions::of(g, logits, target, axis)?;
    let wanted = regions.wanted(g, logits, target)?;
    if let (Some(axis), true) = (regions.axis, regions.indexed) {
        let log_p = log_softmax(g, logits, axis as i64)?;
        let zero = g.filled(0.0, &g.shape(log_p).clone());
        let chosen = g.select(wanted, log_p, zero);
        let log_p = g.reduce(Reduction::Sum, chosen, &[axis], false);
        let p = g.unary(Unary::Exp, log_p);
        let surprise = g.unary(Unary::Negate, log_p);
        let loss = focused(g, surprise, p, gamma);
        return Ok(Positions::alike(g.scale(loss, alpha.filter(|a| *a >= 0.0).unwrap_or(1.0))));
    }
    // For t = 1 the probability of what is right is p, for t = 0 it is 1 - p.
    let mix = |g: &mut Graph, yes: NodeId, t: NodeId| {
        let no = complement(g, yes);
        let not_t = complement(g, t);
        let (a, b) = (g.mul(yes, t), g.mul(no, not_t));
        g.add2(a, b)
    };
    let softplus = log_one_plus_exp(g, logits);
    let product = g.mul(logits, wanted);
    let surprise = g.sub(softplus, product);
    let p = g.unary(Unary::Sigmoid, logits);
    let p = mix(g, p, wanted);
    let mut loss = focused(g, surprise, p, gamma);
    let alpha = alpha.unwrap_or(0.25);
    if alpha >= 0.0 {
        let alpha = g.filled(alpha, &g.shape(logits).clone());
        let weight = mix(g, alpha, wanted);
        loss = g.mul(loss, weight);
    }
    Ok(Positions::alike(loss))
}

/// surprise * (1 - p)^gamma.
fn focused(g: &mut Graph, surprise: NodeId, p: NodeId, gamma: f64) -> NodeId {
    let missing = complement(g, p);
    let gamma = g.filled(gamma, &g.shape(missing).clone());
    let focus = g.binary(Binary::Power, missing, gamma);
    g.mul(focus, surprise)
}

/// 1 - x.
fn complement(g: &mut Graph, x: NodeId) -> NodeId {
    let negated = g.unary(Unary::Negate, x);
    g.offset(negated, 1.0)
}
