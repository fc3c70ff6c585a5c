//! What a loss or a metric is before its mean: a value for each position, and how much each of them counts.

use super::Target;
use crate::graph::{Binary, Graph, NodeId, Op, Reduction, Shape, StepScalar};
use crate::layers::movement::output;
use crate::shape::{self, Allowed, Fact};

/// Which positions count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting {
    /// How much each position counts: a tensor of the positions' shape, or of its first axes. 0 is not at all.
    pub mask: Option<NodeId>,
    /// The class that is none: positions where it is right do not count.
    pub ignore_index: Option<i64>,
}

/// A value for each position of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    /// The values, times what their positions count.
    values: NodeId,
    /// What each position counts, in the shape of the positions; `None` where each counts 1.
    weights: Option<NodeId>,
    /// An axis of size 1 in `values` that is no axis of the positions.
    kept: Option<usize>,
}

impl Positions {
    /// Positions that count alike.
    pub(crate) fn alike(values: NodeId) -> Self {
        Positions { values, weights: None, kept: None }
    }

    /// As [`Positions::alike`], where an axis has been reduced to size 1.
    pub(super) fn along(values: NodeId, axis: usize) -> Self {
        Positions { values, weights: None, kept: Some(axis) }
    }

    /// Values that are weighted already, and by how much; both have the shape of the positions.
    pub(super) fn weighted(values: NodeId, weights: NodeId) -> Self {
        Positions { values, weights: Some(weights), kept: None }
    }

    /// Only positions that count, as much as they do. Class indices are compared as they are.
    pub fn counting(mut self, g: &mut Graph, target: Target, counting: Counting) -> Result<Self, Fact> {
        if counting.mask.is_none() && counting.ignore_index.is_none() {
            return Ok(self);
        }
        if let Some(axis) = self.kept.take() {
            let mut dims = g.shape(self.values).dims.clone();
            dims.remove(axis);
            self.values = g.reshape(self.values, &dims);
        }
        let dims = g.shape(self.values).dims.clone();
        if let Some(counts) = counting.weights(g, target, &dims)? {
            self.values = g.broadcast_binary(Binary::Multiply, self.values, counts);
            self.weights = Some(match self.weights {
                Some(weights) => g.broadcast_binary(Binary::Multiply, weights, counts),
                None => counts,
            });
        }
        Ok(self)
    }

    /// The mean over the positions of a sample. Where positions count differently, the compiler's mean over the samples becomes the
    /// mean over all positions of the batch, weighted by what they count; where none counts anything, it is 0.
    pub fn mean(self, g: &mut Graph) -> NodeId {
        let Some(weights) = self.weights else { return g.mean_sample(self.values) };
        let (sum, weight) = sums(g, self.values, weights);
        // The mean over the batch comes later, so that it is undone here.
        let all = g.reduce(Reduction::Sum, weight, &[], true);
        let inverse = g.scalar(StepScalar::InverseBatch);
        let all = g.mul(all, inverse);
        let shape = g.shape(all).clone();
        let (zero, one) = (g.filled(0.0, &shape), g.filled(1.0, &shape));
        let nothing = g.binary(Binary::Equal, all, zero);
        let all = g.select(nothing, one, all);
        let all = g.broadcast(all, &g.shape(sum).clone());
        g.div(sum, all)
    }

    /// The sums over each sample: of the values, and of what their positions count.
    pub(crate) fn sums(self, g: &mut Graph) -> Option<(NodeId, NodeId)> {
        Some(sums(g, self.values, self.weights?))
    }
}

fn sums(g: &mut Graph, values: NodeId, weights: NodeId) -> (NodeId, NodeId) {
    [values, weights]
        .map(|x| {
            let sum = g.sum_sample(x);
            output(g, sum)
        })
        .into()
}

/// What [`Positions::mean`] has made this value of, if it is the mean of positions that count differently: the sum over each sample of
/// the values, and of what their positions count. Over several batches, the quotient of both sums is the mean, and the mean of the
/// batches' means is not.
pub fn weighted_mean(g: &Graph, mean: NodeId) -> Option<(NodeId, NodeId)> {
    let args = |id: NodeId| g.node(id).args.as_slice();
    let [sum, all] = *args(mean) else { return None };
    let Op::Binary(Binary::Divide) = g.node(mean).op else { return None };
    let all = if let Op::Broadcast = g.node(all).op { args(all)[0] } else { all };
    let Op::Select = g.node(all).op else { return None };
    let [_, _, all] = *args(all) else { return None };
    let Op::Binary(Binary::Multiply) = g.node(all).op else { return None };
    let (count, factor) = match *args(all) {
        [a, b] if g.node(b).op == Op::Scalar(StepScalar::InverseBatch) => (a, b),
        [a, b] => (b, a),
        _ => return None,
    };
    let Op::Scalar(StepScalar::InverseBatch) = g.node(factor).op else { return None };
    let Op::Reduce { how: Reduction::Sum, batch: true, .. } = g.node(count).op else { return None };
    Some((sum, args(count)[0]))
}

impl Counting {
    /// What each of the positions counts; `None` where each counts 1.
    pub(crate) fn weights(self, g: &mut Graph, target: Target, positions: &[usize]) -> Result<Option<NodeId>, Fact> {
        let mask = match self.mask {
            None => None,
            Some(mask) => Some(spread(g, mask, positions)?),
        };
        let Some(index) = self.ignore_index else { return Ok(mask) };
        let Target::Classes { node, classes } = target else { return Err(Fact::IgnoredNumbers) };
        shape::option("ignore_index", index as f64, Allowed::Between(0.0, (classes - 1) as f64))?;
        let label = g.reshape(node, positions);
        let shape = g.shape(label).clone();
        let index = g.filled(index as f64, &shape);
        let ignored = g.binary(Binary::Equal, label, index);
        let (zero, one) = (g.filled(0.0, &shape), g.filled(1.0, &shape));
        let counts = g.select(ignored, zero, one);
        Ok(Some(match mask {
            Some(mask) => g.broadcast_binary(Binary::Multiply, mask, counts),
            None => counts,
        }))
    }

    /// How many classes a prediction must have for these labels: the last class needs no number of its own where it is ignored.
    pub(crate) fn predicted_classes(self, classes: usize, predicted: usize) -> usize {
        let last_is_none = self.ignore_index == Some(predicted as i64) && classes == predicted + 1;
        if last_is_none { predicted } else { classes }
    }
}

/// A mask in the shape of the positions. Nothing is learned through it.
fn spread(g: &mut Graph, mask: NodeId, positions: &[usize]) -> Result<NodeId, Fact> {
    let dims = g.shape(mask).dims.clone();
    if !positions.starts_with(&dims) {
        return Err(Fact::Mask { mask: dims, positions: positions.to_vec() });
    }
    let mask = g.detach(mask);
    let mut kept = dims;
    kept.resize(positions.len(), 1);
    let mask = g.reshape(mask, &kept);
    let shape = Shape { batch: g.shape(mask).batch, dims: positions.to_vec() };
    Ok(g.broadcast(mask, &shape))
}
