//! Metrics: statistics of one batch, from which the host makes one number for all samples.

use super::loss::{Target, binary_target};
use super::movement::output;
use crate::graph::{Binary, Graph, NodeId, Reduction, StepScalar};
use crate::network::{MetricDeclaration, MetricKind};
use crate::shape::{self, Allowed, Fact};

/// The mean over all samples of a scalar: of [`accuracy`], of any loss, of any expression.
pub fn mean_metric(g: &mut Graph, name: &str, per_sample: NodeId) -> Result<MetricDeclaration, Fact> {
    shape::scalar(&g.shape(per_sample).dims)?;
    let statistics = vec![batch_mean(g, per_sample)];
    Ok(MetricDeclaration { name: name.to_owned(), kind: MetricKind::Mean, statistics })
}

fn batch_mean(g: &mut Graph, x: NodeId) -> NodeId {
    let x = output(g, x);
    let sum = g.reduce(Reduction::Sum, x, &[], true);
    let share = g.scalar(StepScalar::InverseBatch);
    g.mul(sum, share)
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
    threshold.map_or(Ok(()), |t| shape::option("threshold", t, Allowed::Finite))?;
    let dims = g.shape(prediction).dims.clone();
    let one_number = matches!(dims.last(), None | Some(1));
    let binary = threshold.is_some()
        || match target {
            Target::Classes { node, classes } => classes == 2 && (one_number || g.shape(node).dims == dims),
            Target::Values(_) => one_number,
        };
    let right = if binary {
        let t = binary_target(g, prediction, target)?;
        let predicted = above(g, prediction, threshold.unwrap_or(0.5));
        let wanted = above(g, t, 0.5);
        g.broadcast_binary(Binary::Equal, predicted, wanted)
    } else {
        match target {
            Target::Classes { node, classes } => {
                let axis = shape::classes(&dims, axis, &g.shape(node).dims, classes)?;
                let predicted = first_maximum(g, prediction, axis);
                g.broadcast_binary(Binary::Equal, predicted, node)
            }
            Target::Values(t) => {
                shape::same(&dims, &g.shape(t).dims)?;
                let axis = shape::axis(axis, &dims)?;
                let (predicted, wanted) = (first_maximum(g, prediction, axis), first_maximum(g, t, axis));
                g.broadcast_binary(Binary::Equal, predicted, wanted)
            }
        }
    };
    Ok(g.mean_sample(right))
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

/// The coefficient of determination over all samples, averaged over columns (scikit-learn's `r2_score`).
pub fn r2(g: &mut Graph, name: &str, prediction: NodeId, target: NodeId) -> Result<MetricDeclaration, Fact> {
    shape::same(&g.shape(prediction).dims, &g.shape(target).dims)?;
    let columns = [g.shape(target).size()];
    let (prediction, target) = (g.reshape(prediction, &columns), g.reshape(target, &columns));
    let error = g.sub(prediction, target);
    let squared_error = g.mul(error, error);
    let mean = batch_mean(g, target);
    let deviation = g.sub(target, mean);
    let squared_deviation = g.mul(deviation, deviation);
    let statistics = vec![batch_mean(g, squared_error), mean, batch_mean(g, squared_deviation)];
    Ok(MetricDeclaration { name: name.to_owned(), kind: MetricKind::R2, statistics })
}
