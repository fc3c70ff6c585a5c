//! More or fewer positions: upsampling, and channels that become positions.

use super::padding::cut;
use crate::graph::{Binary, Graph, NodeId, Shape, Unary};
use crate::shape::{self, Fact, LAYOUTS, PerAxis};

/// How [`upsample`] fills the gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// With the nearest element.
    Nearest,
    /// With a mean of the nearest four, by their distance (PyTorch's `align_corners = false`); images only.
    Bilinear,
}

/// `scale` times as many positions along the spatial axes of `[channels, …]`.
pub fn upsample(g: &mut Graph, x: NodeId, scale: &PerAxis, mode: Interpolation) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    let layout = match mode {
        Interpolation::Nearest => LAYOUTS.into_iter().find(|l| l.len() == dims.len()).unwrap_or(LAYOUTS[1]),
        Interpolation::Bilinear => LAYOUTS[1],
    };
    shape::layout(0, &dims, layout)?;
    let scale = scale.resolve("scale", layout, 1)?;
    let spatial = dims[1..].iter().zip(&scale).map(|(&d, &s)| d.saturating_mul(s));
    let result: Vec<usize> = std::iter::once(dims[0]).chain(spatial).collect();
    shape::dims(&result)?;
    let mut y = x;
    for (i, &scale) in scale.iter().enumerate().filter(|(_, s)| **s > 1) {
        y = match mode {
            Interpolation::Nearest => repeat(g, y, i + 1, scale),
            Interpolation::Bilinear => interpolate(g, y, i + 1, scale),
        };
    }
    Ok(y)
}

/// Each element of an axis, so many times.
fn repeat(g: &mut Graph, x: NodeId, axis: usize, times: usize) -> NodeId {
    let split = with_inner_axis(g, x, axis);
    let mut shape = g.shape(split).clone();
    shape.dims[axis + 1] = times;
    let repeated = g.broadcast(split, &shape);
    merged(g, repeated, axis)
}

/// Between the elements of an axis, linearly. Element i * scale + r of the result lies t = (r + 0.5) / scale - 0.5 away from
/// element i, so it is a mean of that one and of the neighbour at t's side; beyond the edges there is the edge again.
fn interpolate(g: &mut Graph, x: NodeId, axis: usize, scale: usize) -> NodeId {
    let length = g.shape(x).dims[axis];
    let (first, last) = (cut(g, x, axis, 0, 1), cut(g, x, axis, length - 1, 1));
    let (previous, next) = if length == 1 {
        (first, last)
    } else {
        let (head, tail) = (cut(g, x, axis, 0, length - 1), cut(g, x, axis, 1, length - 1));
        (g.concat(&[first, head], axis), g.concat(&[tail, last], axis))
    };
    let mut dims = vec![1; g.shape(x).rank() + 1];
    dims[axis + 1] = scale;
    let shape = Shape::fixed(&dims);
    let r = g.iota(axis + 1, &shape);
    let t = g.offset(r, 0.5);
    let t = g.scale(t, 1.0 / scale as f64);
    let t = g.offset(t, -0.5);
    let zero = g.filled(0.0, &shape);
    let minus_t = g.unary(Unary::Negate, t);
    let (before, after) = (g.binary(Binary::Maximum, minus_t, zero), g.binary(Binary::Maximum, t, zero));
    let one = g.filled(1.0, &shape);
    let distance = g.unary(Unary::Abs, t);
    let here = g.sub(one, distance);
    let mut share = |neighbour: NodeId, weight: NodeId| {
        let split = with_inner_axis(g, neighbour, axis);
        g.mul(split, weight)
    };
    let terms = [share(previous, before), share(x, here), share(next, after)];
    let sum = g.add2(terms[0], terms[1]);
    let sum = g.add2(sum, terms[2]);
    merged(g, sum, axis)
}

/// With an axis of size 1 behind `axis`.
fn with_inner_axis(g: &mut Graph, x: NodeId, axis: usize) -> NodeId {
    let mut dims = g.shape(x).dims.clone();
    dims.insert(axis + 1, 1);
    g.reshape(x, &dims)
}

/// With `axis` and the one behind it as one.
fn merged(g: &mut Graph, x: NodeId, axis: usize) -> NodeId {
    let mut dims = g.shape(x).dims.clone();
    dims[axis] *= dims.remove(axis + 1);
    g.reshape(x, &dims)
}

/// Channels become positions: `[channels * factor², h, w]` to `[channels, h * factor, w * factor]`.
pub fn pixel_shuffle(g: &mut Graph, x: NodeId, factor: usize) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::layout(0, &dims, LAYOUTS[1])?;
    let channels = shape::divide_axis(&dims, 0, factor.saturating_mul(factor))?;
    let (height, width) = (dims[1], dims[2]);
    let cut = g.reshape(x, &[channels, factor, factor, height, width]);
    let woven = g.permute(cut, &[0, 3, 1, 4, 2]);
    Ok(g.reshape(woven, &[channels, height * factor, width * factor]))
}

/// The opposite of [`pixel_shuffle`]: `[channels, h, w]` to `[channels * factor², h / factor, w / factor]`.
pub fn pixel_unshuffle(g: &mut Graph, x: NodeId, factor: usize) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::layout(0, &dims, LAYOUTS[1])?;
    let (height, width) = (shape::divide_axis(&dims, 1, factor)?, shape::divide_axis(&dims, 2, factor)?);
    let cut = g.reshape(x, &[dims[0], height, factor, width, factor]);
    let gathered = g.permute(cut, &[0, 2, 4, 1, 3]);
    Ok(g.reshape(gathered, &[dims[0] * factor * factor, height, width]))
}

/// Channels in the order 0, n / groups, 2 * n / groups, …, 1, …: every group gets channels of all groups.
pub fn channel_shuffle(g: &mut Graph, x: NodeId, groups: usize) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let each = shape::group_channels(&dims, dims[0], groups)?;
    let rest: usize = dims[1..].iter().product();
    let cut = g.reshape(x, &[groups, each, rest]);
    let shuffled = g.permute(cut, &[1, 0, 2]);
    Ok(g.reshape(shuffled, &dims))
}
