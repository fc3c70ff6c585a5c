//! Losses: one scalar for each sample, the mean over its elements (for classes, over its positions).
//!
//! The compiler takes the mean over the batch, so that the result is that of PyTorch's `reduction = "mean"`. Losses never
//! broadcast: operands of different shapes are a [`Fact`].

use super::activation::log_one_plus_exp;
use super::elementwise::abs;
use super::normalize::{log_sum_exp, shift_by_maximum};
use crate::graph::{Binary, Graph, NodeId, Reduction, Shape, StepScalar, Unary};
use crate::shape::{self, Allowed, Fact};

/// What a prediction is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Class indices: a value of type `class(classes)` or `class(classes)[dims]`.
    Classes {
        /// The indices.
        node: NodeId,
        /// How many classes there are.
        classes: usize,
    },
    /// Plain numbers: regression values, one-hot or soft classes, probabilities, ±1.
    Values(NodeId),
}

/// A value that is to be minimized: it must be a scalar. The result has one for each sample.
pub fn per_sample_loss(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    shape::scalar(&g.shape(x).dims)?;
    Ok(g.broadcast(x, &Shape::batched(&[])))
}

/// Mean squared error.
pub fn mse(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<NodeId, Fact> {
    let d = difference(g, prediction, target)?;
    let square = g.mul(d, d);
    Ok(g.mean_sample(square))
}

/// Mean absolute error (PyTorch's `L1Loss`).
pub fn mae(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<NodeId, Fact> {
    let d = difference(g, prediction, target)?;
    let a = abs(g, d)?;
    Ok(g.mean_sample(a))
}

/// Mean absolute percentage error, as a fraction: |prediction - target| / |target|, where |target| is at least 2.2e-16
/// (scikit-learn's `mean_absolute_percentage_error`).
pub fn mape(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<NodeId, Fact> {
    let d = difference(g, prediction, target)?;
    let (d, size) = (abs(g, d)?, abs(g, target)?);
    let least = g.filled(f64::EPSILON, &g.shape(size).clone());
    let size = g.binary(Binary::Maximum, size, least);
    let share = g.div(d, size);
    Ok(g.mean_sample(share))
}

/// The cosine of the angle between two vectors along an axis (-1 by default), averaged over all others; each length counts as
/// 1e-8 at least (PyTorch's `cosine_similarity`).
pub fn cosine_similarity(g: &mut Graph, prediction: NodeId, target: NodeId, axis: i64) -> Result<NodeId, Fact> {
    let dims = g.shape(prediction).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    shape::same(&dims, &g.shape(target).dims)?;
    let axis = shape::axis(axis, &dims)?;
    let product = |g: &mut Graph, a: NodeId, b: NodeId| {
        let product = g.mul(a, b);
        g.reduce(Reduction::Sum, product, &[axis], false)
    };
    let lengths = [prediction, target].map(|x| {
        let square = product(g, x, x);
        // The bound stands under the root, so that the gradient at 0 is finite.
        let least = g.filled(1e-16, &g.shape(square).clone());
        let square = g.binary(Binary::Maximum, square, least);
        g.unary(Unary::Sqrt, square)
    });
    let both = product(g, prediction, target);
    let area = g.mul(lengths[0], lengths[1]);
    let cosine = g.div(both, area);
    Ok(g.mean_sample(cosine))
}

/// Half the squared error up to `delta`, and linear with slope `delta` beyond. PyTorch's default is 1.
pub fn huber(g: &mut Graph, prediction: NodeId, target: NodeId, delta: f64) -> Result<NodeId, Fact> {
    shape::option("delta", delta, Allowed::Above(0.0))?;
    let d = difference(g, prediction, target)?;
    let a = abs(g, d)?;
    // With m = min(a, delta) both branches are m * (a - m / 2).
    let bound = g.filled(delta, &g.shape(a).clone());
    let m = g.binary(Binary::Minimum, a, bound);
    let half = g.scale(m, 0.5);
    let rest = g.sub(a, half);
    let y = g.mul(m, rest);
    Ok(g.mean_sample(y))
}

/// [`huber`] divided by its delta, here called `beta`: slope 1 beyond it. PyTorch's default is 1.
pub fn smooth_l1(g: &mut Graph, prediction: NodeId, target: NodeId, beta: f64) -> Result<NodeId, Fact> {
    shape::option("beta", beta, Allowed::Above(0.0))?;
    let y = huber(g, prediction, target, beta)?;
    Ok(g.scale(y, 1.0 / beta))
}

/// log(cosh(prediction - target)), without overflow.
pub fn log_cosh(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<NodeId, Fact> {
    let d = difference(g, prediction, target)?;
    let a = abs(g, d)?;
    let e = g.scale(a, -2.0);
    let e = g.unary(Unary::Exp, e);
    let tail = g.unary(Unary::Log1p, e);
    let y = g.add2(a, tail);
    let y = g.offset(y, -std::f64::consts::LN_2);
    Ok(g.mean_sample(y))
}

/// Binary cross-entropy of probabilities. Logarithms are at least -100, as in PyTorch; where that bound acts, the gradient
/// is 0 (PyTorch's is ± 1e12, which a sigmoid before it turns into 0 as well). Targets are probabilities or `class(2)`.
pub fn binary_cross_entropy(g: &mut Graph, probability: NodeId, target: Target) -> Result<NodeId, Fact> {
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
    let mean = g.mean_sample(sum);
    Ok(g.unary(Unary::Negate, mean))
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
pub fn binary_cross_entropy_with_logits(g: &mut Graph, logits: NodeId, target: Target) -> Result<NodeId, Fact> {
    let t = binary_target(g, logits, target)?;
    let softplus = log_one_plus_exp(g, logits);
    let chosen = g.mul(logits, t);
    let y = g.sub(softplus, chosen);
    Ok(g.mean_sample(y))
}

/// [`binary_cross_entropy_with_logits`] where what is true weighs `pos_weight` times as much, as PyTorch's.
pub fn binary_cross_entropy_with_pos_weight(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    pos_weight: f64,
) -> Result<NodeId, Fact> {
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
    Ok(g.mean_sample(y))
}

/// The target as numbers of the prediction's shape. A `class(2)` label may lack the prediction's last axis of size 1.
pub(super) fn binary_target(g: &mut Graph, prediction: NodeId, target: Target) -> Result<NodeId, Fact> {
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
pub fn cross_entropy(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    axis: i64,
    label_smoothing: f64,
) -> Result<NodeId, Fact> {
    shape::option("label_smoothing", label_smoothing, Allowed::Between(0.0, 1.0))?;
    let dims = g.shape(logits).dims.clone();
    let axis = match target {
        Target::Classes { node, classes } => shape::classes(&dims, axis, &g.shape(node).dims, classes)?,
        Target::Values(t) => {
            shape::rank_at_least(1, 0, &dims)?;
            shape::same(&dims, &g.shape(t).dims)?;
            shape::axis(axis, &dims)?
        }
    };
    let share = label_smoothing / dims[axis] as f64;
    let z = shift_by_maximum(g, logits, axis);
    let log_sum = log_sum_exp(g, z, axis);
    let per_position = match target {
        Target::Classes { node, .. } => {
            // Targets sum to 1, so the logarithm of the sum of exponentials comes out of the sum over classes.
            let hot = one_hot(g, node, axis, z);
            let shape = g.shape(hot).clone();
            let z = g.broadcast(z, &shape);
            let (on, off) = (g.scale(z, 1.0 - label_smoothing + share), g.scale(z, share));
            let off = g.broadcast(off, &shape);
            let weighted = g.select(hot, on, off);
            let chosen = g.reduce_keep(Reduction::Sum, weighted, &[axis]);
            g.sub(log_sum, chosen)
        }
        Target::Values(t) => {
            let t = g.scale(t, 1.0 - label_smoothing);
            let t = g.offset(t, share);
            let surprise = g.sub(log_sum, z);
            let weighted = g.mul(t, surprise);
            g.reduce_keep(Reduction::Sum, weighted, &[axis])
        }
    };
    Ok(g.mean_sample(per_position))
}

/// [`cross_entropy`] with a weight for each class, as PyTorch's: against class indices, the mean over all positions of the batch is weighted
/// by the labels' classes; against soft targets, each class' term is, and the mean is plain.
pub fn weighted_cross_entropy(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    axis: i64,
    label_smoothing: f64,
    weights: &[f64],
) -> Result<NodeId, Fact> {
    shape::option("label_smoothing", label_smoothing, Allowed::Between(0.0, 1.0))?;
    weights.iter().try_for_each(|&w| shape::option("class_weights", w, Allowed::AtLeast(0.0)))?;
    let dims = g.shape(logits).dims.clone();
    let axis = match target {
        Target::Classes { node, classes } => shape::classes(&dims, axis, &g.shape(node).dims, classes)?,
        Target::Values(t) => {
            shape::rank_at_least(1, 0, &dims)?;
            shape::same(&dims, &g.shape(t).dims)?;
            shape::axis(axis, &dims)?
        }
    };
    if weights.len() != dims[axis] {
        return Err(Fact::ClassWeights { given: weights.len(), classes: dims[axis] });
    }
    let share = label_smoothing / dims[axis] as f64;
    let z = shift_by_maximum(g, logits, axis);
    let log_sum = log_sum_exp(g, z, axis);
    let shape = g.shape(z).clone();
    let log_sum = g.broadcast(log_sum, &shape);
    let surprise = g.sub(log_sum, z);
    let of_class = class_weight(g, weights, axis, &shape);
    match target {
        Target::Classes { node, .. } => {
            let hot = one_hot(g, node, axis, surprise);
            let shape = g.shape(hot).clone();
            let (of_class, surprise) = (g.broadcast(of_class, &shape), g.broadcast(surprise, &shape));
            let (on, off) = (g.filled(1.0 - label_smoothing + share, &shape), g.filled(share, &shape));
            let target = g.select(hot, on, off);
            let target = g.mul(target, of_class);
            let surprise = g.mul(target, surprise);
            let surprise = g.sum_sample(surprise);
            let own = g.mul(hot, of_class);
            let own = g.sum_sample(own);
            let own = super::movement::output(g, own);
            // The mean over the batch comes later, so that it is undone here.
            let sum = g.reduce(Reduction::Sum, own, &[], true);
            let inverse = g.scalar(StepScalar::InverseBatch);
            let weight = g.mul(sum, inverse);
            // Where nothing weighs anything, nothing is lost.
            let zero = g.filled(0.0, &g.shape(weight).clone());
            let one = g.filled(1.0, &g.shape(weight).clone());
            let nothing = g.binary(Binary::Equal, weight, zero);
            let weight = g.select(nothing, one, weight);
            let weight = g.broadcast(weight, &g.shape(surprise).clone());
            Ok(g.div(surprise, weight))
        }
        Target::Values(t) => {
            let t = g.scale(t, 1.0 - label_smoothing);
            let t = g.offset(t, share);
            let of_class = g.broadcast(of_class, &g.shape(t).clone());
            let t = g.mul(t, of_class);
            let surprise = g.broadcast_binary(Binary::Multiply, t, surprise);
            let per_position = g.reduce_keep(Reduction::Sum, surprise, &[axis]);
            Ok(g.mean_sample(per_position))
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
pub(super) fn one_hot(g: &mut Graph, label: NodeId, axis: usize, like: NodeId) -> NodeId {
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
pub fn hinge(g: &mut Graph, prediction: NodeId, target: Target) -> Result<NodeId, Fact> {
    let mut t = binary_target(g, prediction, target)?;
    if let Target::Classes { .. } = target {
        let doubled = g.scale(t, 2.0);
        t = g.offset(doubled, -1.0);
    }
    let agreement = g.mul(t, prediction);
    let agreement = g.unary(Unary::Negate, agreement);
    let margin = g.offset(agreement, 1.0);
    let y = super::activation::relu(g, margin)?;
    Ok(g.mean_sample(y))
}

/// Kullback-Leibler divergence, pointwise target * (log(target) - input), then the mean over elements (PyTorch's `"mean"`).
/// `input` holds log-probabilities; so does `target` if `log_target`, which is false by default.
pub fn kl_divergence(g: &mut Graph, input: NodeId, target: NodeId, log_target: bool) -> Result<NodeId, Fact> {
    shape::same(&g.shape(input).dims, &g.shape(target).dims)?;
    let y = if log_target {
        let p = g.unary(Unary::Exp, target);
        let difference = g.sub(target, input);
        g.mul(p, difference)
    } else {
        let entropy = times_log(g, target);
        let cross = g.mul(target, input);
        g.sub(entropy, cross)
    };
    Ok(g.mean_sample(y))
}

/// x * log(x), and 0 at 0.
fn times_log(g: &mut Graph, x: NodeId) -> NodeId {
    let shape = g.shape(x).clone();
    let (zero, one) = (g.filled(0.0, &shape), g.filled(1.0, &shape));
    let is_zero = g.binary(Binary::Equal, x, zero);
    let safe = g.select(is_zero, one, x);
    let log = g.unary(Unary::Log, safe);
    g.mul(x, log)
}

/// Negative log-likelihood of counts under a Poisson distribution, whose logarithm of the rate is the prediction
/// (`log_input`, the default): exp(x) - target * x; or whose rate it is: x - target * log(x + eps), with eps = 1e-8 by
/// default. `full` adds Stirling's approximation of log(target!) where target > 1; it is false by default.
pub fn poisson_nll(
    g: &mut Graph,
    prediction: NodeId,
    target: NodeId,
    log_input: bool,
    full: bool,
    eps: f64,
) -> Result<NodeId, Fact> {
    shape::option("eps", eps, Allowed::AtLeast(0.0))?;
    shape::same(&g.shape(prediction).dims, &g.shape(target).dims)?;
    let (rate, log_rate) = if log_input {
        (g.unary(Unary::Exp, prediction), prediction)
    } else {
        let safe = g.offset(prediction, eps);
        (prediction, g.unary(Unary::Log, safe))
    };
    let expected = g.mul(target, log_rate);
    let mut y = g.sub(rate, expected);
    if full {
        let stirling = stirling(g, target);
        y = g.add2(y, stirling);
    }
    Ok(g.mean_sample(y))
}

/// t log(t) - t + log(2πt) / 2 where t > 1, else 0.
fn stirling(g: &mut Graph, t: NodeId) -> NodeId {
    let shape = g.shape(t).clone();
    let (zero, one) = (g.filled(0.0, &shape), g.filled(1.0, &shape));
    let large = g.binary(Binary::Less, one, t);
    let safe = g.select(large, t, one);
    let log = g.unary(Unary::Log, safe);
    let tail = g.offset(log, (2.0 * std::f64::consts::PI).ln());
    let tail = g.scale(tail, 0.5);
    let product = g.mul(safe, log);
    let sum = g.add2(product, tail);
    let sum = g.sub(sum, safe);
    g.select(large, sum, zero)
}

fn difference(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    shape::same(&g.shape(a).dims, &g.shape(b).dims)?;
    Ok(g.sub(a, b))
}
