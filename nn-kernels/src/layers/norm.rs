//! Normalizations: mean 0 and variance 1 over a batch, a sample, a group of channels or a channel.

use super::init::{add_buffer, add_parameter};
use super::movement::output;
use super::reduce::mean_over;
use crate::graph::{Access, Binary, Graph, NodeId, Reduction, StepScalar, Unary};
use crate::network::{Initializer, Network};
use crate::shape::{self, Allowed, Fact};

/// The options of [`batch_norm`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// The weight of the newest batch in the running statistics; PyTorch's default is 0.1.
    pub momentum: f64,
    /// Added to the variance; PyTorch's default is 1e-5.
    pub eps: f64,
    /// Whether the result is scaled and shifted by parameters; by default it is.
    pub affine: bool,
}

/// PyTorch's defaults.
impl Default for BatchNorm {
    fn default() -> Self {
        BatchNorm { momentum: 0.1, eps: 1e-5, affine: true }
    }
}

/// Normalizes each channel (axis 0) over the batch and over all positions. While training, by the batch's own mean and
/// biased variance, which also move `path.running_mean` and (unbiased) `path.running_var`; otherwise by these two.
///
/// In inference this is one multiplication and one addition for each element, with numbers that depend on the channel only,
/// so that it becomes the epilogue of a convolution.
pub fn batch_norm(n: &mut Network, path: &str, x: NodeId, options: &BatchNorm) -> Result<NodeId, Fact> {
    let BatchNorm { momentum, eps, affine } = *options;
    shape::option("momentum", momentum, Allowed::Between(0.0, 1.0))?;
    shape::option("eps", eps, Allowed::Above(0.0))?;
    let dims = n.graph.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let channels = [dims[0]];
    let parameters = scale_and_shift(n, path, &channels, affine, affine)?;
    let running_mean = add_buffer(n, format!("{path}.running_mean"), &channels, Initializer::Constant(0.0))?;
    let running_var = add_buffer(n, format!("{path}.running_var"), &channels, Initializer::Constant(1.0))?;

    let x = output(&mut n.graph, x);
    let batch = Statistics::of(&mut n.graph, x);
    for (buffer, value) in [(running_mean, batch.mean), (running_var, batch.unbiased)] {
        let old = n.current(buffer);
        let (old, new) = (n.graph.scale(old, 1.0 - momentum), n.graph.scale(value, momentum));
        let moved = n.graph.add2(old, new);
        n.update(buffer, moved);
    }

    let g = &mut n.graph;
    let scale = scale_of(g, batch.variance, eps, parameters);
    // The mean's gradient comes from a term that is zero, so that it is computed for a channel and not for all its elements.
    let zero = g.sub(batch.centre, batch.mean);
    let moved = g.mul(zero, scale);
    let bias = parameters.and_then(|p| p.bias);
    let shift = bias.map_or(moved, |bias| g.add2(bias, moved));
    let training = affine_map(g, batch.centred, scale, Some(shift));

    let scale = scale_of(g, running_var, eps, parameters);
    let centre = per_channel(g, running_mean, dims.len());
    let centred = g.sub(x, centre);
    let inference = affine_map(g, centred, scale, bias);
    Ok(g.by_phase(training, inference))
}

/// What a batch says about each channel.
struct Statistics {
    mean: NodeId,
    /// The mean, without a gradient.
    centre: NodeId,
    /// The batch without [`Statistics::centre`].
    centred: NodeId,
    /// The biased variance.
    variance: NodeId,
    unbiased: NodeId,
}

impl Statistics {
    fn of(g: &mut Graph, x: NodeId) -> Self {
        let dims = g.shape(x).dims.clone();
        let positions: usize = dims[1..].iter().product();
        let inverse_batch = g.scalar(StepScalar::InverseBatch);
        let share = g.scale(inverse_batch, 1.0 / positions as f64);
        let axes: Vec<usize> = (1..dims.len()).collect();
        let batch_mean = |g: &mut Graph, x: NodeId| {
            let sum = g.reduce(Reduction::Sum, x, &axes, true);
            g.mul(sum, share)
        };
        let mean = batch_mean(g, x);
        // The mean's part in the gradient of the variance is zero.
        let centre = g.detach(mean);
        let of_channel = per_channel(g, centre, dims.len());
        let centred = g.sub(x, of_channel);
        let squares = g.mul(centred, centred);
        let variance = batch_mean(g, squares);
        let count = g.constant(positions as f64);
        let count = g.div(count, inverse_batch);
        // Of a single value there is no unbiased variance: PyTorch refuses it, and here it is the biased one, 0.
        let others = g.offset(count, -1.0);
        let one = g.constant(1.0);
        let others = g.binary(Binary::Maximum, others, one);
        let correction = g.div(count, others);
        let unbiased = g.mul(variance, correction);
        Statistics { mean, centre, centred, variance, unbiased }
    }
}

/// What scales and shifts a normalized tensor.
#[derive(Clone, Copy)]
struct ScaleAndShift {
    weight: NodeId,
    bias: Option<NodeId>,
}

/// The parameters of a normalization, if it has some: `path.weight`, which starts from 1, and `path.bias`, which starts from 0.
fn scale_and_shift(
    n: &mut Network,
    path: &str,
    dims: &[usize],
    weight: bool,
    bias: bool,
) -> Result<Option<ScaleAndShift>, Fact> {
    if !weight {
        return Ok(None);
    }
    let weight = add_parameter(n, format!("{path}.weight"), dims, Initializer::Constant(1.0))?;
    let bias = match bias {
        true => Some(add_parameter(n, format!("{path}.bias"), dims, Initializer::Constant(0.0))?),
        false => None,
    };
    Ok(Some(ScaleAndShift { weight, bias }))
}

/// weight / sqrt(variance + eps), for each channel.
fn scale_of(g: &mut Graph, variance: NodeId, eps: f64, parameters: Option<ScaleAndShift>) -> NodeId {
    let deviation = g.offset(variance, eps);
    let deviation = g.unary(Unary::Sqrt, deviation);
    match parameters {
        Some(ScaleAndShift { weight, .. }) => g.div(weight, deviation),
        None => g.unary(Unary::Reciprocal, deviation),
    }
}

/// x * scale + shift, with one scale and one shift for each channel.
fn affine_map(g: &mut Graph, x: NodeId, scale: NodeId, shift: Option<NodeId>) -> NodeId {
    let rank = g.shape(x).rank();
    let scale = per_channel(g, scale, rank);
    let scaled = g.mul(x, scale);
    match shift {
        Some(shift) => {
            let shift = per_channel(g, shift, rank);
            g.add2(scaled, shift)
        }
        None => scaled,
    }
}

/// A vector along axis 0 of a shape with so many axes.
fn per_channel(g: &mut Graph, vector: NodeId, rank: usize) -> NodeId {
    let mut dims = vec![1; rank];
    dims[0] = g.shape(vector).size();
    g.reshape(vector, &dims)
}

/// Normalizes over `axes` of each sample (-1 by default) by mean and biased variance. PyTorch's `normalized_shape` are the
/// dimensions of these axes, and so are those of `path.weight` and `path.bias`.
pub fn layer_norm(
    n: &mut Network,
    path: &str,
    x: NodeId,
    axes: Option<&[i64]>,
    eps: f64,
    affine: bool,
) -> Result<NodeId, Fact> {
    layer_norm_with(n, path, x, axes, eps, [affine, affine])
}

/// As [`layer_norm`], by itself with or without a weight, and with or without a bias beside it.
pub(super) fn layer_norm_with(
    n: &mut Network,
    path: &str,
    x: NodeId,
    axes: Option<&[i64]>,
    eps: f64,
    [weight, bias]: [bool; 2],
) -> Result<NodeId, Fact> {
    shape::option("eps", eps, Allowed::Above(0.0))?;
    let (axes, aligned) = normalized_axes(n, x, axes)?;
    let parameters = scale_and_shift(n, path, &sizes(&axes, &aligned), weight, bias)?;
    let y = standardize(&mut n.graph, x, &axes, eps);
    Ok(aligned_affine_map(&mut n.graph, y, parameters, &aligned))
}

/// Divides by the root of the mean square over `axes` of each sample (-1 by default). PyTorch's default for `eps` is f32's
/// smallest difference from 1.
pub fn rms_norm(
    n: &mut Network,
    path: &str,
    x: NodeId,
    axes: Option<&[i64]>,
    eps: f64,
    affine: bool,
) -> Result<NodeId, Fact> {
    shape::option("eps", eps, Allowed::Above(0.0))?;
    let (axes, aligned) = normalized_axes(n, x, axes)?;
    let parameters = scale_and_shift(n, path, &sizes(&axes, &aligned), affine, false)?;
    let g = &mut n.graph;
    let squares = g.mul(x, x);
    let y = over_deviation(g, x, squares, &axes, eps);
    Ok(aligned_affine_map(g, y, parameters, &aligned))
}

/// The axes that are normalized, and their dimensions among ones.
fn normalized_axes(n: &Network, x: NodeId, axes: Option<&[i64]>) -> Result<(Vec<usize>, Vec<usize>), Fact> {
    let dims = &n.graph.shape(x).dims;
    shape::rank_at_least(1, 0, dims)?;
    let axes = shape::axes(axes.unwrap_or(&[-1]), dims)?;
    let aligned = (0..dims.len()).map(|axis| if axes.contains(&axis) { dims[axis] } else { 1 }).collect();
    Ok((axes, aligned))
}

/// The sizes of some axes.
fn sizes(axes: &[usize], aligned: &[usize]) -> Vec<usize> {
    axes.iter().map(|&axis| aligned[axis]).collect()
}

/// Normalizes groups of channels (axis 0), each over its channels and all positions. Weight and bias belong to channels.
pub fn group_norm(
    n: &mut Network,
    path: &str,
    x: NodeId,
    groups: usize,
    eps: f64,
    affine: bool,
) -> Result<NodeId, Fact> {
    shape::option("eps", eps, Allowed::Above(0.0))?;
    let dims = n.graph.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let channels = shape::group_channels(&dims, dims[0], groups)?;
    let parameters = scale_and_shift(n, path, &dims[..1], affine, affine)?;
    let g = &mut n.graph;
    let cut: Vec<usize> = [groups, channels].into_iter().chain(dims[1..].iter().copied()).collect();
    let y = g.reshape(x, &cut);
    let axes: Vec<usize> = (1..cut.len()).collect();
    let y = standardize(g, y, &axes, eps);
    let y = g.reshape(y, &dims);
    Ok(channels_affine_map(g, y, parameters))
}

/// Normalizes each channel of each sample over its positions. As in PyTorch, there are no parameters unless `affine`.
pub fn instance_norm(n: &mut Network, path: &str, x: NodeId, eps: f64, affine: bool) -> Result<NodeId, Fact> {
    shape::option("eps", eps, Allowed::Above(0.0))?;
    let dims = n.graph.shape(x).dims.clone();
    shape::rank_at_least(2, 0, &dims)?;
    let parameters = scale_and_shift(n, path, &dims[..1], affine, affine)?;
    let g = &mut n.graph;
    let axes: Vec<usize> = (1..dims.len()).collect();
    let y = standardize(g, x, &axes, eps);
    Ok(channels_affine_map(g, y, parameters))
}

fn channels_affine_map(g: &mut Graph, x: NodeId, parameters: Option<ScaleAndShift>) -> NodeId {
    let mut aligned = vec![1; g.shape(x).rank()];
    aligned[0] = g.shape(x).dims[0];
    aligned_affine_map(g, x, parameters, &aligned)
}

/// x * weight + bias, whose dimensions stand among ones.
fn aligned_affine_map(g: &mut Graph, x: NodeId, parameters: Option<ScaleAndShift>, aligned: &[usize]) -> NodeId {
    let Some(ScaleAndShift { weight, bias }) = parameters else { return x };
    let weight = g.reshape(weight, aligned);
    let scaled = g.mul(x, weight);
    let Some(bias) = bias else { return scaled };
    let bias = g.reshape(bias, aligned);
    g.add2(scaled, bias)
}

/// (x - mean) / sqrt(variance + eps) over axes of each sample.
fn standardize(g: &mut Graph, x: NodeId, axes: &[usize], eps: f64) -> NodeId {
    let mean = mean_kept(g, x, axes);
    let centred = g.sub(x, mean);
    // The mean's part in the variance's gradient is zero.
    let centre = g.detach(mean);
    let distance = g.sub(x, centre);
    let squares = g.mul(distance, distance);
    over_deviation(g, centred, squares, axes, eps)
}

/// x / sqrt(mean(squares) + eps).
fn over_deviation(g: &mut Graph, x: NodeId, squares: NodeId, axes: &[usize], eps: f64) -> NodeId {
    let variance = mean_kept(g, squares, axes);
    let variance = g.offset(variance, eps);
    let deviation = g.unary(Unary::Sqrt, variance);
    let inverse = g.unary(Unary::Reciprocal, deviation);
    g.mul(x, inverse)
}

/// The mean over axes, which stay with size 1.
fn mean_kept(g: &mut Graph, x: NodeId, axes: &[usize]) -> NodeId {
    let mut dims = g.shape(x).dims.clone();
    axes.iter().for_each(|&axis| dims[axis] = 1);
    let mean = mean_over(g, x, axes);
    g.reshape(mean, &dims)
}

/// Divides by the activity of `size` neighbouring channels: x / (k + alpha * mean(x²))^beta, where channels that do not exist
/// count as zeros (Krizhevsky's, with PyTorch's mean). PyTorch's defaults are 1e-4, 0.75 and 1.
pub fn local_response_norm(
    g: &mut Graph,
    x: NodeId,
    size: usize,
    alpha: f64,
    beta: f64,
    k: f64,
) -> Result<NodeId, Fact> {
    for (name, value) in [("alpha", alpha), ("beta", beta), ("k", k)] {
        shape::option(name, value, Allowed::Finite)?;
    }
    shape::option("size", size as f64, Allowed::AtLeast(1.0))?;
    let dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let squares = g.mul(x, x);
    let neighbours: Vec<usize> = dims.iter().copied().chain([size]).collect();
    shape::dims(&neighbours)?;
    let mut accesses: Vec<Access> = (0..dims.len()).map(Access::axis).collect();
    accesses[0] = Access::window(0, 1, dims.len(), 1, size / 2);
    let squares = g.window(squares, accesses, &neighbours);
    let activity = mean_over(g, squares, &[dims.len()]);
    let activity = g.scale(activity, alpha);
    let activity = g.offset(activity, k);
    let shape = g.shape(x).clone();
    let exponent = g.filled(beta, &shape);
    let divisor = g.binary(Binary::Power, activity, exponent);
    Ok(g.div(x, divisor))
}
