//! Losses against numbers.

use super::Positions;
use crate::graph::{Binary, Graph, NodeId, Reduction, Unary};
use crate::layers::elementwise::abs;
use crate::shape::{self, Allowed, Fact};

/// Mean squared error.
pub fn mse(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<Positions, Fact> {
    let d = difference(g, prediction, target)?;
    let square = g.mul(d, d);
    Ok(Positions::alike(square))
}

/// Mean absolute error (PyTorch's `L1Loss`).
pub fn mae(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<Positions, Fact> {
    let d = difference(g, prediction, target)?;
    let a = abs(g, d)?;
    Ok(Positions::alike(a))
}

/// Mean absolute percentage error, as a fraction: |prediction - target| / |target|, where |target| is at least 2.2e-16
/// (scikit-learn's `mean_absolute_percentage_error`).
pub fn mape(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<Positions, Fact> {
    let d = difference(g, prediction, target)?;
    let (d, size) = (abs(g, d)?, abs(g, target)?);
    let least = g.filled(f64::EPSILON, &g.shape(size).clone());
    let size = g.binary(Binary::Maximum, size, least);
    let share = g.div(d, size);
    Ok(Positions::alike(share))
}

/// The cosine of the angle between two vectors along an axis (-1 by default), averaged over all others; each length counts as
/// 1e-8 at least (PyTorch's `cosine_similarity`).
pub fn cosine_similarity(g: &mut Graph, prediction: NodeId, target: NodeId, axis: i64) -> Result<Positions, Fact> {
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
    Ok(Positions::alike(cosine))
}

/// Half the squared error up to `delta`, and linear with slope `delta` beyond. PyTorch's default is 1.
pub fn huber(g: &mut Graph, prediction: NodeId, target: NodeId, delta: f64) -> Result<Positions, Fact> {
    shape::option("delta", delta, Allowed::Above(0.0))?;
    bent(g, prediction, target, delta).map(Positions::alike)
}

/// [`huber`]'s values, of a delta that is known to be one.
fn bent(g: &mut Graph, prediction: NodeId, target: NodeId, delta: f64) -> Result<NodeId, Fact> {
    let d = difference(g, prediction, target)?;
    let a = abs(g, d)?;
    // With m = min(a, delta) both branches are m * (a - m / 2).
    let bound = g.filled(delta, &g.shape(a).clone());
    let m = g.binary(Binary::Minimum, a, bound);
    let half = g.scale(m, 0.5);
    let rest = g.sub(a, half);
    Ok(g.mul(m, rest))
}

/// [`huber`] divided by its delta, here called `beta`: slope 1 beyond it. PyTorch's default is 1.
pub fn smooth_l1(g: &mut Graph, prediction: NodeId, target: NodeId, beta: f64) -> Result<Positions, Fact> {
    shape::option("beta", beta, Allowed::Above(0.0))?;
    let y = bent(g, prediction, target, beta)?;
    Ok(Positions::alike(g.scale(y, 1.0 / beta)))
}

/// log(cosh(prediction - target)), without overflow.
pub fn log_cosh(g: &mut Graph, prediction: NodeId, target: NodeId) -> Result<Positions, Fact> {
    let d = difference(g, prediction, target)?;
    let a = abs(g, d)?;
    let e = g.scale(a, -2.0);
    let e = g.unary(Unary::Exp, e);
    let tail = g.unary(Unary::Log1p, e);
    let y = g.add2(a, tail);
    let y = g.offset(y, -std::f64::consts::LN_2);
    Ok(Positions::alike(y))
}

/// Kullback-Leibler divergence, pointwise target * (log(target) - input), then the mean over elements (PyTorch's `"mean"`).
/// `input` holds log-probabilities; so does `target` if `log_target`, which is false by default.
pub fn kl_divergence(g: &mut Graph, input: NodeId, target: NodeId, log_target: bool) -> Result<Positions, Fact> {
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
    Ok(Positions::alike(y))
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
) -> Result<Positions, Fact> {
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
    Ok(Positions::alike(y))
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
