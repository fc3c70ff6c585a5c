//! Activations.
//!
//! Where a function has a kink, its gradient there is PyTorch's. Kinks are written with `select` on `x <= 0`, so that
//! a NaN stays one.

use super::elementwise::pow;
use super::init::add_parameter;
use crate::graph::{Binary, Graph, NodeId, Reduction, Shape, Unary};
use crate::network::{Initializer, Network};
use crate::shape::{self, Allowed, Fact};

/// `x` itself.
pub fn identity(_: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(x)
}

/// The perceptron's unit: 1 where x > 0, else 0 (so 0 at 0). Its gradient is zero.
pub fn step(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let zero = zeros(g, x);
    Ok(g.binary(Binary::Less, zero, x))
}

/// 1 / (1 + exp(-x)).
pub fn sigmoid(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Sigmoid, x))
}

/// relu6(x + 3) / 6.
pub fn hard_sigmoid(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let shifted = g.offset(x, 3.0);
    let y = relu6(g, shifted)?;
    Ok(g.scale(y, 1.0 / 6.0))
}

/// The hyperbolic tangent.
pub fn tanh(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Tanh, x))
}

/// x where x > 0, else 0.
pub fn relu(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let (negative, zero) = (not_positive(g, x), zeros(g, x));
    Ok(g.select(negative, zero, x))
}

/// relu, at most 6.
pub fn relu6(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let y = relu(g, x)?;
    let six = g.filled(6.0, &g.shape(x).clone());
    let above = g.binary(Binary::LessEqual, six, y);
    Ok(g.select(above, six, y))
}

/// x where x > 0, else `negative_slope` * x. PyTorch's default is 0.01.
pub fn leaky_relu(g: &mut Graph, x: NodeId, negative_slope: f64) -> Result<NodeId, Fact> {
    shape::option("negative_slope", negative_slope, Allowed::Finite)?;
    let negative = not_positive(g, x);
    let sloped = g.scale(x, negative_slope);
    Ok(g.select(negative, sloped, x))
}

/// A leaky relu with trainable slopes: one (`num_parameters` = 1, the default), or one for each channel (axis 0).
/// PyTorch starts them from `init` = 0.25. The parameter is `path.weight`.
pub fn prelu(n: &mut Network, path: &str, x: NodeId, num_parameters: usize, init: f64) -> Result<NodeId, Fact> {
    shape::option("init", init, Allowed::Finite)?;
    let dims = n.graph.shape(x).dims.clone();
    if num_parameters != 1 && dims.first() != Some(&num_parameters) {
        return Err(Fact::Slopes { shape: dims, slopes: num_parameters });
    }
    let weight = add_parameter(n, format!("{path}.weight"), &[num_parameters], Initializer::Constant(init))?;
    let g = &mut n.graph;
    let mut aligned = vec![1; dims.len()];
    if let Some(channels) = aligned.first_mut() {
        *channels = num_parameters;
    }
    let weight = g.reshape(weight, &aligned);
    let negative = not_positive(g, x);
    let sloped = g.mul(x, weight);
    Ok(g.select(negative, sloped, x))
}

/// x where x > 0, else `alpha` * (exp(x) - 1). PyTorch's default is 1.
pub fn elu(g: &mut Graph, x: NodeId, alpha: f64) -> Result<NodeId, Fact> {
    shape::option("alpha", alpha, Allowed::Finite)?;
    exponential_linear(g, x, alpha, 1.0)
}

/// The self-normalizing elu: scale * elu(x, alpha) with scale = 1.0507…, alpha = 1.6732….
pub fn selu(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let y = exponential_linear(g, x, 1.673_263_242_354_377_2, 1.0)?;
    Ok(g.scale(y, 1.050_700_987_355_480_5))
}

/// x where x > 0, else `alpha` * (exp(x / alpha) - 1). PyTorch's default is 1.
pub fn celu(g: &mut Graph, x: NodeId, alpha: f64) -> Result<NodeId, Fact> {
    shape::option("alpha", alpha, Allowed::NotZero)?;
    exponential_linear(g, x, alpha, alpha)
}

/// x where x > 0, else alpha * (exp(x / width) - 1).
fn exponential_linear(g: &mut Graph, x: NodeId, alpha: f64, width: f64) -> Result<NodeId, Fact> {
    let (negative, zero) = (not_positive(g, x), zeros(g, x));
    // The exponential of large numbers is not wanted, but its infinity would spoil the gradient; so it never sees them.
    let below = g.select(negative, x, zero);
    let below = g.scale(below, 1.0 / width);
    let e = g.unary(Unary::ExpM1, below);
    let e = g.scale(e, alpha);
    Ok(g.select(negative, e, x))
}

/// x * Φ(x), where Φ is the normal distribution's: exact by the error function (PyTorch's `approximate = "none"`, the
/// default), or by a tanh (`approximate = "tanh"`).
pub fn gelu(g: &mut Graph, x: NodeId, tanh_form: bool) -> Result<NodeId, Fact> {
    let s = if tanh_form {
        let cube = g.constant(3.0);
        let cube = pow(g, x, cube)?;
        let cube = g.scale(cube, 0.044715);
        let inner = g.add2(x, cube);
        let inner = g.scale(inner, (2.0 / std::f64::consts::PI).sqrt());
        g.unary(Unary::Tanh, inner)
    } else {
        let inner = g.scale(x, std::f64::consts::FRAC_1_SQRT_2);
        g.unary(Unary::Erf, inner)
    };
    let half = g.scale(x, 0.5);
    let s = g.offset(s, 1.0);
    Ok(g.mul(half, s))
}

/// x * sigmoid(x), also called swish.
pub fn silu(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let s = g.unary(Unary::Sigmoid, x);
    Ok(g.mul(x, s))
}

/// x * tanh(softplus(x)).
pub fn mish(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let s = log_one_plus_exp(g, x);
    let t = g.unary(Unary::Tanh, s);
    Ok(g.mul(x, t))
}

/// log(1 + exp(`beta` * x)) / `beta`; x itself where `beta` * x > `threshold`. PyTorch's defaults are 1 and 20.
pub fn softplus(g: &mut Graph, x: NodeId, beta: f64, threshold: f64) -> Result<NodeId, Fact> {
    shape::option("beta", beta, Allowed::NotZero)?;
    shape::option("threshold", threshold, Allowed::Finite)?;
    let scaled = g.scale(x, beta);
    let y = log_one_plus_exp(g, scaled);
    let y = g.scale(y, 1.0 / beta);
    // From here on both branches are equal in f32, so that the switch would do nothing.
    if threshold >= 20.0 {
        return Ok(y);
    }
    let threshold = g.filled(threshold, &g.shape(x).clone());
    let above = g.binary(Binary::Less, threshold, scaled);
    Ok(g.select(above, x, y))
}

/// log(1 + exp(x)) without overflow, and with a gradient of 1/2 at 0.
pub(super) fn log_one_plus_exp(g: &mut Graph, x: NodeId) -> NodeId {
    let (negative, zero) = (not_positive(g, x), zeros(g, x));
    let positive_part = g.select(negative, zero, x);
    let minus_x = g.unary(Unary::Negate, x);
    let minus_abs = g.select(negative, x, minus_x);
    let e = g.unary(Unary::Exp, minus_abs);
    let tail = g.unary(Unary::Log1p, e);
    g.add2(positive_part, tail)
}

/// x / (1 + |x|).
pub fn softsign(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let a = g.unary(Unary::Abs, x);
    let a = g.offset(a, 1.0);
    Ok(g.div(x, a))
}

/// x * hard_sigmoid(x).
pub fn hard_swish(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let s = hard_sigmoid(g, x)?;
    Ok(g.mul(x, s))
}

/// The maximum of each group of `pieces` consecutive features of the last axis. The first maximum gets the gradient.
pub fn maxout(g: &mut Graph, x: NodeId, pieces: usize) -> Result<NodeId, Fact> {
    let mut dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let last = dims.len() - 1;
    dims[last] = shape::divide_axis(&dims, last, pieces)?;
    dims.push(pieces);
    let grouped = g.reshape(x, &dims);
    Ok(g.reduce(Reduction::Maximum, grouped, &[last + 1], false))
}

fn zeros(g: &mut Graph, like: NodeId) -> NodeId {
    let shape: Shape = g.shape(like).clone();
    g.filled(0.0, &shape)
}

/// 1 where x <= 0.
fn not_positive(g: &mut Graph, x: NodeId) -> NodeId {
    let zero = zeros(g, x);
    g.binary(Binary::LessEqual, x, zero)
}
