//! Losses against classes and probabilities.

use super::{Counting, Positions, Target};
use crate::graph::{Binary, Graph, NodeId, Reduction, Shape, Unary};
use crate::layers::activation::log_one_plus_exp;
use crate::layers::normalize::{log_sum_exp, shift_by_maximum};
use crate::shape::{self, Allowed, Fact};

/// Binary cross-entropy of probabilities. Logarithms are at least -100, as in PyTorch; where that bound acts, the gradient
/// is 0 (PyTorch's is ± 1e12, which a sigmoid before it turns into 0 as well). Targets are probabilities or `class(2)`.
pub fn binary_cross_entropy(g: &mut Graph, probability: NodeId, target: Target) -> Result<Positions, Fact> {
    let t = binary_target(g, probability, target)?;
    let one_minus = |g: &mut Graph, x: NodeId| {
        let negated = g.unary(Unary::Negate, x);
        g.offset(negated, 1.0)
    };
    let log_p = bounded_log(g, probability);
    let q = one_minus(g, probability);
    let log_q = bounded_log(g, q);
    let yes = g.mul(t, log_p);
    let s = one_minus(g, t);
    let no = g.mul(s, log_q);
    let sum = g.add2(yes, no);
    Ok(Positions::alike(g.unary(Unary::Negate, sum)))
}

/// log(x), and -100 where x <= 0. The least positive f32 has a logarithm above -100, up to denormals.
fn bounded_log(g: &mut Graph, x: NodeId) -> NodeId {
    let shape = g.shape(x).clone();
    let (zero, one, bound) = (g.filled(0.0, &shape), g.filled(1.0, &shape), g.filled(-100.0, &shape));
    let outside = g.binary(Binary::LessEqual, x, zero);
    let safe = g.select(outside, one, x);
    let log = g.unary(Unary::Log, safe);
    g.select(outside, bound, log)
}

/// Binary cross-entropy of logits, exact however large they are. Targets are probabilities or `class(2)`.
pub fn binary_cross_entropy_with_logits(g: &mut Graph, logits: NodeId, target: Target) -> Result<Positions, Fact> {
    let t = binary_target(g, logits, target)?;
    let softplus = log_one_plus_exp(g, logits);
    let chosen = g.mul(logits, t);
    let y = g.sub(softplus, chosen);
    Ok(Positions::alike(y))
}

/// [`binary_cross_entropy_with_logits`] where what is true weighs `pos_weight` times as much, as PyTorch's.
pub fn binary_cross_entropy_with_pos_weight(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    pos_weight: f64,
) -> Result<Positions, Fact> {
    shape::option("pos_weight", pos_weight, Allowed::AtLeast(0.0))?;
    let t = binary_target(g, logits, target)?;
    // (1 - t) z + (1 + (pos_weight - 1) t) log(1 + exp(-z)).
    let negated = g.unary(Unary::Negate, logits);
    let surprise = log_one_plus_exp(g, negated);
    let more = g.scale(t, pos_weight - 1.0);
    let weight = g.offset(more, 1.0);
    let yes = g.mul(weight, surprise);
    let not_t = g.unary(Unary::Negate, t);
    let not_t = g.offset(not_t, 1.0);
    let no = g.mul(not_t, logits);
    let y = g.add2(yes, no);
    Ok(Positions::alike(y))
}

/// The target as numbers of the prediction's shape. A `class(2)` label may lack the prediction's last axis of size 1.
pub(in crate::layers) fn binary_target(g: &mut Graph, prediction: NodeId, target: Target) -> Result<NodeId, Fact> {
    let shape = g.shape(prediction).clone();
    match target {
        Target::Values(t) => {
            shape::same(&shape.dims, &g.shape(t).dims)?;
            Ok(t)
        }
        Target::Classes { node, classes } => {
            if classes != 2 {
                return Err(Fact::NotBinary { classes });
            }
            let label = &g.shape(node).dims;
            if !matches!(shape.dims.split_last(), Some((1, rest)) if rest == label) {
                shape::same(&shape.dims, label)?;
            }
            Ok(g.reshape(node, &shape.dims))
        }
    }
}

/// Cross-entropy of logits along a class axis (-1 by default), against class indices or against one-hot or soft
/// targets of the logits' shape. `label_smoothing` mixes targets with the uniform distribution; the default is 0.
///
/// A weight for each class is PyTorch's: against class indices, the mean over all positions of the batch is weighted by the labels'
/// classes; against soft targets, each class' term is, and the mean is plain.
pub fn cross_entropy(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    axis: i64,
    label_smoothing: f64,
    class_weights: Option<&[f64]>,
    counting: Counting,
) -> Result<Positions, Fact> {
    shape::option("label_smoothing", label_smoothing, Allowed::Between(0.0, 1.0))?;
    let weights = class_weights.unwrap_or_default();
    weights.iter().try_for_each(|&w| shape::option("class_weights", w, Allowed::AtLeast(0.0)))?;
    let dims = g.shape(logits).dims.clone();
    let axis = class_axis(g, &dims, target, axis, counting)?;
    let smooth = Smooth { on: label_smoothing, share: label_smoothing / dims[axis] as f64 };
    let z = shift_by_maximum(g, logits, axis);
    let log_sum = log_sum_exp(g, z, axis);
    let positions = match class_weights {
        None => plain(g, z, log_sum, target, axis, smooth),
        Some(weights) if weights.len() != dims[axis] => {
            return Err(Fact::ClassWeights { given: weights.len(), classes: dims[axis] });
        }
        Some(weights) => weighted(g, z, log_sum, target, axis, smooth, weights),
    };
    positions.counting(g, target, counting)
}

/// The axis of the logits along which classes lie.
pub(in crate::layers) fn class_axis(
    g: &Graph,
    logits: &[usize],
    target: Target,
    axis: i64,
    counting: Counting,
) -> Result<usize, Fact> {
    match target {
        Target::Classes { node, classes } => {
            let predicted = shape::axis(axis, logits).map_or(0, |axis| logits[axis]);
            shape::classes(logits, axis, &g.shape(node).dims, counting.predicted_classes(classes, predicted))
        }
        Target::Values(t) => {
            shape::rank_at_least(1, 0, logits)?;
            shape::same(logits, &g.shape(t).dims)?;
            shape::axis(axis, logits)
        }
    }
}

/// How targets are mixed with the uniform distribution: by how much, and what each class gets.
#[derive(Clone, Copy)]
struct Smooth {
    on: f64,
    share: f64,
}

fn plain(g: &mut Graph, z: NodeId, log_sum: NodeId, target: Target, axis: usize, smooth: Smooth) -> Positions {
    let Smooth { on, share } = smooth;
    let per_position = match target {
        Target::Classes { node, .. } => {
            // Targets sum to 1, so the logarithm of the sum of exponentials comes out of the sum over classes.
            let hot = one_hot(g, node, axis, z);
            let shape = g.shape(hot).clone();
            let z = g.broadcast(z, &shape);
            let (on, off) = (g.scale(z, 1.0 - on + share), g.scale(z, share));
            let off = g.broadcast(off, &shape);
            let weighted = g.select(hot, on, off);
            let chosen = g.reduce_keep(Reduction::Sum, weighted, &[axis]);
            g.sub(log_sum, chosen)
        }
        Target::Values(t) => {
            let t = g.scale(t, 1.0 - on);
            let t = g.offset(t, share);
            let surprise = g.sub(log_sum, z);
            let weighted = g.mul(t, surprise);
            g.reduce_keep(Reduction::Sum, weighted, &[axis])
        }
    };
    Positions::along(per_position, axis)
}

fn weighted(
    g: &mut Graph,
    z: NodeId,
    log_sum: NodeId,
    target: Target,
    axis: usize,
    smooth: Smooth,
    weights: &[f64],
) -> Positions {
    let Smooth { on, share } = smooth;
    let shape = g.shape(z).clone();
    let log_sum = g.broadcast(log_sum, &shape);
    let surprise = g.sub(log_sum, z);
    let of_class = class_weight(g, weights, axis, &shape);
    match target {
        Target::Classes { node, .. } => {
            let hot = one_hot(g, node, axis, surprise);
            let shape = g.shape(hot).clone();
            let (of_class, surprise) = (g.broadcast(of_class, &shape), g.broadcast(surprise, &shape));
            let (on, off) = (g.filled(1.0 - on + share, &shape), g.filled(share, &shape));
            let target = g.select(hot, on, off);
            let target = g.mul(target, of_class);
            let surprise = g.mul(target, surprise);
            let own = g.mul(hot, of_class);
            let [surprise, own] = [surprise, own].map(|x| g.reduce(Reduction::Sum, x, &[axis], false));
            Positions::weighted(surprise, own)
        }
        Target::Values(t) => {
            let t = g.scale(t, 1.0 - on);
            let t = g.offset(t, share);
            let of_class = g.broadcast(of_class, &g.shape(t).clone());
            let t = g.mul(t, of_class);
            let surprise = g.broadcast_binary(Binary::Multiply, t, surprise);
            Positions::along(g.reduce_keep(Reduction::Sum, surprise, &[axis]), axis)
        }
    }
}

/// The weight of each index along an axis, in this shape.
fn class_weight(g: &mut Graph, weights: &[f64], axis: usize, shape: &Shape) -> NodeId {
    let mut dims = vec![1; shape.dims.len()];
    dims[axis] = weights.len();
    let one = Shape::fixed(&dims);
    let index = g.iota(axis, &one);
    let index = g.broadcast(index, &one);
    let mut weight = g.filled(weights[0], &one);
    for (class, &w) in weights.iter().enumerate().filter(|(_, w)| **w != weights[0]) {
        let (class, w) = (g.filled(class as f64, &one), g.filled(w, &one));
        let is_class = g.binary(Binary::Equal, index, class);
        weight = g.select(is_class, w, weight);
    }
    g.broadcast(weight, shape)
}

/// 1 where the index along `axis` is the label's, for a label that lacks this axis. The shape is that of `like`.
pub(in crate::layers) fn one_hot(g: &mut Graph, label: NodeId, axis: usize, like: NodeId) -> NodeId {
    let mut shape = g.shape(like).clone();
    shape.batch |= g.shape(label).batch;
    let mut dims = shape.dims.clone();
    dims[axis] = 1;
    let label = g.reshape(label, &dims);
    let label = g.broadcast(label, &shape);
    let index = g.iota(axis, &shape);
    let index = g.broadcast(index, &shape);
    g.binary(Binary::Equal, index, label)
}

/// max(0, 1 - target * prediction), for targets of ±1; a `class(2)` label counts as -1 and 1.
pub fn hinge(g: &mut Graph, prediction: NodeId, target: Target) -> Result<Positions, Fact> {
    let mut t = binary_target(g, prediction, target)?;
    if let Target::Classes { .. } = target {
        let doubled = g.scale(t, 2.0);
        t = g.offset(doubled, -1.0);
    }
    let agreement = g.mul(t, prediction);
    let agreement = g.unary(Unary::Negate, agreement);
    let margin = g.offset(agreement, 1.0);
    let y = crate::layers::activation::relu(g, margin)?;
    Ok(Positions::alike(y))
}
