//! Metrics: statistics of one batch, or numbers of each sample, from which the host makes one result for all samples.
//!
//! - [`decision`] is what a prediction decides and what is right, and what is counted of it;
//! - [`scores`] gathers scores of samples for curves over all thresholds.

mod decision;
mod scores;

pub use decision::{accuracy, confusion_matrix, rate, right, top_k_accuracy};
pub use scores::scores;

use super::loss::{Counting, Target, Term, losses, terms, weighted_mean};
use super::movement::output;
use crate::graph::{Binary, Graph, NodeId, Reduction, Shape, StepScalar};
use crate::network::{MetricDeclaration, MetricKind};
use crate::shape::{self, Fact};

/// The mean over all samples of a scalar: of [`accuracy`], of any loss, of any expression. Where positions count differently
/// (`Positions::mean`), it is the mean over all positions that there are.
pub fn mean_metric(g: &mut Graph, name: &str, per_sample: NodeId) -> Result<MetricDeclaration, Fact> {
    shape::scalar(&g.shape(per_sample).dims)?;
    if let Some((sum, count)) = weighted_mean(g, per_sample) {
        let statistics = [sum, count].map(|x| batch_sum(g, x)).to_vec();
        return Ok(MetricDeclaration::of_statistics(name, MetricKind::Ratio, statistics));
    }
    let all = terms(g, per_sample)?;
    if let [Term { weight: None, .. }] = all[..] {
        let statistics = vec![batch_mean(g, per_sample)];
        return Ok(MetricDeclaration::of_statistics(name, MetricKind::Mean, statistics));
    }
    let one = g.filled(1.0, &Shape::batched(&[]));
    let (mut over, mut under) = (vec![], vec![]);
    for Term { value, weight } in all {
        let count = batch_sum(g, weight.unwrap_or(one));
        let mean = batch_mean(g, value);
        over.push(g.broadcast_binary(Binary::Multiply, mean, count));
        under.push(count);
    }
    over.extend(under);
    Ok(MetricDeclaration::of_statistics(name, MetricKind::SumOfRatios, over))
}

/// The sum over the batch of a scalar, as one column.
fn batch_sum(g: &mut Graph, x: NodeId) -> NodeId {
    let x = output(g, x);
    let sum = g.reduce(Reduction::Sum, x, &[], true);
    g.reshape(sum, &[1])
}

fn batch_mean(g: &mut Graph, x: NodeId) -> NodeId {
    let x = output(g, x);
    let sum = g.reduce(Reduction::Sum, x, &[], true);
    let share = g.scalar(StepScalar::InverseBatch);
    g.mul(sum, share)
}

/// 1 where x > threshold.
pub(super) fn above(g: &mut Graph, x: NodeId, threshold: f64) -> NodeId {
    let threshold = g.filled(threshold, &g.shape(x).clone());
    g.binary(Binary::Less, threshold, x)
}

/// The index of the first maximum along an axis, which vanishes; the axis' size if there is none, for NaNs.
pub(super) fn first_maximum(g: &mut Graph, x: NodeId, axis: usize) -> NodeId {
    let shape = g.shape(x).clone();
    let max = g.reduce_keep(Reduction::Maximum, x, &[axis]);
    let max = g.broadcast(max, &shape);
    let is_max = g.binary(Binary::LessEqual, max, x);
    let index = g.iota(axis, &shape);
    let index = g.broadcast(index, &shape);
    let none = g.filled(shape.dims[axis] as f64, &shape);
    let candidates = g.select(is_max, index, none);
    g.reduce(Reduction::Minimum, candidates, &[axis], false)
}

/// The coefficient of determination over all samples, averaged over columns (scikit-learn's `r2_score`). Where positions count
/// differently, each column's sums are weighted.
pub fn r2(
    g: &mut Graph,
    name: &str,
    prediction: NodeId,
    target: NodeId,
    counting: Counting,
) -> Result<MetricDeclaration, Fact> {
    shape::same(&g.shape(prediction).dims, &g.shape(target).dims)?;
    let counts = counting.weights(g, Target::Values(target), &g.shape(target).dims.clone())?;
    let columns = [g.shape(target).size()];
    let (prediction, target) = (g.reshape(prediction, &columns), g.reshape(target, &columns));
    let error = g.sub(prediction, target);
    let squared_error = g.mul(error, error);
    if let Some(counts) = counts {
        let counts = g.reshape(counts, &columns);
        let counts = output(g, counts);
        let all = g.reduce(Reduction::Sum, counts, &[], true);
        let shape = g.shape(all).clone();
        let (zero, one) = (g.filled(0.0, &shape), g.filled(1.0, &shape));
        let nothing = g.binary(Binary::Equal, all, zero);
        let safe = g.select(nothing, one, all);
        let weighted = |g: &mut Graph, x: NodeId| {
            let x = g.broadcast_binary(Binary::Multiply, x, counts);
            let sum = g.reduce(Reduction::Sum, x, &[], true);
            g.div(sum, safe)
        };
        let mean = weighted(g, target);
        let deviation = g.sub(target, mean);
        let squared_deviation = g.mul(deviation, deviation);
        let statistics = vec![weighted(g, squared_error), mean, weighted(g, squared_deviation), all];
        return Ok(MetricDeclaration::of_statistics(name, MetricKind::WeightedR2, statistics));
    }
    let mean = batch_mean(g, target);
    let deviation = g.sub(target, mean);
    let squared_deviation = g.mul(deviation, deviation);
    let statistics = vec![batch_mean(g, squared_error), mean, batch_mean(g, squared_deviation)];
    Ok(MetricDeclaration::of_statistics(name, MetricKind::R2, statistics))
}

/// The root of the mean squared error over all samples, averaged over columns (scikit-learn's `root_mean_squared_error`). Where
/// positions count differently, each column's mean is weighted.
pub fn rmse(
    g: &mut Graph,
    name: &str,
    prediction: NodeId,
    target: NodeId,
    counting: Counting,
) -> Result<MetricDeclaration, Fact> {
    shape::same(&g.shape(prediction).dims, &g.shape(target).dims)?;
    let dims = g.shape(target).dims.clone();
    let columns = [g.shape(target).size()];
    let error = g.sub(prediction, target);
    let squared = g.mul(error, error);
    if let Some(counts) = counting.weights(g, Target::Values(target), &dims)? {
        let counted = g.broadcast_binary(Binary::Multiply, squared, counts);
        let statistics = [counted, counts].map(|x| {
            let x = g.reshape(x, &columns);
            let x = output(g, x);
            g.reduce(Reduction::Sum, x, &[], true)
        });
        return Ok(MetricDeclaration::of_statistics(name, MetricKind::RootRatio, statistics.to_vec()));
    }
    let squared = g.reshape(squared, &columns);
    let statistics = vec![batch_mean(g, squared)];
    Ok(MetricDeclaration::of_statistics(name, MetricKind::RootMean, statistics))
}

/// e to the power of the mean cross-entropy over all samples, or over all positions that count; see [`losses::cross_entropy`].
pub fn perplexity(
    g: &mut Graph,
    name: &str,
    logits: NodeId,
    target: Target,
    axis: i64,
    counting: Counting,
) -> Result<MetricDeclaration, Fact> {
    let surprise = losses::cross_entropy(g, logits, target, axis, 0.0, None, counting)?;
    if let Some((sum, count)) = surprise.sums(g) {
        let statistics = [sum, count].map(|x| batch_sum(g, x)).to_vec();
        return Ok(MetricDeclaration::of_statistics(name, MetricKind::ExpRatio, statistics));
    }
    let surprise = surprise.mean(g);
    let statistics = vec![batch_mean(g, surprise)];
    Ok(MetricDeclaration::of_statistics(name, MetricKind::ExpMean, statistics))
}
