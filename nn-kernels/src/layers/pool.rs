//! Pooling: each window becomes one number.

use super::reduce::mean_over;
use crate::graph::{Access, Binary, Contraction, Extent, Graph, NodeId, Reduction, Shape, Unary};
use crate::shape::{self, Fact, LAYOUTS, PerAxis, WindowOptions, Windows};

/// The maximum of each window over the spatial axes of `[channels, …]`, of which there are `axes`. The first maximum gets
/// the gradient; what lies beyond the edges is smaller than everything.
pub fn max_pool(g: &mut Graph, x: NodeId, axes: usize, options: &WindowOptions) -> Result<NodeId, Fact> {
    let windows = checked(g, x, axes, options)?;
    let (mut elements, inner) = cut(g, x, &windows);
    if !windows.iter().all(Windows::stay_inside) {
        let mut dims = g.shape(x).dims.clone();
        dims[0] = 1;
        let ones = g.filled(1.0, &Shape::fixed(&dims));
        let (inside, _) = cut(g, ones, &windows);
        let shape = g.shape(elements).clone();
        let (inside, lowest) = (g.broadcast(inside, &shape), g.filled(Reduction::Maximum.identity(), &shape));
        elements = g.select(inside, elements, lowest);
    }
    Ok(g.reduce(Reduction::Maximum, elements, &inner, false))
}

/// The mean of each window over the spatial axes of `[channels, …]`. Padding counts as zeros, or not at all unless
/// `count_include_pad` (PyTorch's default).
pub fn avg_pool(
    g: &mut Graph,
    x: NodeId,
    axes: usize,
    options: &WindowOptions,
    count_include_pad: bool,
) -> Result<NodeId, Fact> {
    let windows = checked(g, x, axes, options)?;
    let (elements, inner) = cut(g, x, &windows);
    let sum = g.reduce(Reduction::Sum, elements, &inner, false);
    // How many elements count differs from window to window along an axis whose edges matter.
    let reaches_out = |w: &Windows| {
        let last = (w.positions - 1) * w.stride + w.kernel;
        if count_include_pad { last > w.before + w.size + w.after } else { !w.stay_inside() }
    };
    let constant: usize = windows.iter().filter(|w| !reaches_out(w)).map(|w| w.kernel).product();
    let mut mean = g.scale(sum, 1.0 / constant as f64);
    for (i, w) in windows.iter().enumerate().filter(|(_, w)| reaches_out(w)) {
        let mut dims = vec![1; axes + 1];
        dims[i + 1] = w.positions;
        let count = counts(g, i + 1, &dims, w, count_include_pad);
        mean = g.div(mean, count);
    }
    Ok(mean)
}

/// How many elements of each window count along `axis`, the only one of `dims` that is not 1.
fn counts(g: &mut Graph, axis: usize, dims: &[usize], w: &Windows, count_include_pad: bool) -> NodeId {
    let shape = Shape::fixed(dims);
    let index = g.iota(axis, &shape);
    // In units of the padded axis: windows begin at index * stride.
    let (low, high) = match count_include_pad {
        true => (0, w.before + w.size + w.after),
        false => (w.before, w.before + w.size),
    };
    let start = g.scale(index, w.stride as f64);
    let end = g.offset(start, w.kernel as f64);
    let (low, high) = (g.filled(low as f64, &shape), g.filled(high as f64, &shape));
    let (start, end) = (g.binary(Binary::Maximum, start, low), g.binary(Binary::Minimum, end, high));
    g.sub(end, start)
}

fn checked(g: &Graph, x: NodeId, axes: usize, options: &WindowOptions) -> Result<Vec<Windows>, Fact> {
    let dims = &g.shape(x).dims;
    let windows = shape::windows(dims, LAYOUTS[axes - 1], options)?;
    shape::pool_padding(&windows)?;
    let result: Vec<usize> = dims[..1].iter().copied().chain(windows.iter().map(|w| w.positions)).collect();
    shape::dims(&result)?;
    Ok(windows)
}

/// The elements of each window, and the axes they lie along.
fn cut(g: &mut Graph, x: NodeId, windows: &[Windows]) -> (NodeId, Vec<usize>) {
    let channels = g.shape(x).dims[0];
    if windows.iter().all(Windows::tile) {
        // Pieces are nothing but another view.
        let pieces = windows.iter().flat_map(|w| [w.positions, w.kernel]);
        let dims: Vec<usize> = std::iter::once(channels).chain(pieces).collect();
        return (g.reshape(x, &dims), (1..=windows.len()).map(|i| 2 * i).collect());
    }
    let axes = windows.len();
    let positions = windows.iter().map(|w| w.positions);
    let dims: Vec<usize> = std::iter::once(channels).chain(positions).chain(windows.iter().map(|w| w.kernel)).collect();
    let access = |(i, w): (usize, &Windows)| Access::window(1 + i, w.stride, 1 + axes + i, w.dilation, w.before);
    let accesses = std::iter::once(Access::axis(0)).chain(windows.iter().enumerate().map(access)).collect();
    (g.window(x, accesses, &dims), (1 + axes..1 + 2 * axes).collect())
}

/// The maximum of each channel.
pub fn global_max_pool(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let positions = positions(g, x)?;
    Ok(g.reduce(Reduction::Maximum, x, &positions, false))
}

/// The mean of each channel.
pub fn global_avg_pool(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let positions = positions(g, x)?;
    Ok(mean_over(g, x, &positions))
}

/// All axes but the channels'.
fn positions(g: &Graph, x: NodeId) -> Result<Vec<usize>, Fact> {
    let dims = &g.shape(x).dims;
    shape::rank_at_least(2, 0, dims)?;
    Ok((1..dims.len()).collect())
}

/// Means over pieces, so that the result is `[channels, size…]`. Piece i of n begins at floor(i * length / n) and ends before
/// ceil((i + 1) * length / n); pieces overlap where n does not divide the length, as in PyTorch.
pub fn adaptive_avg_pool2d(g: &mut Graph, x: NodeId, size: &PerAxis) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::layout(0, &dims, LAYOUTS[1])?;
    let size = size.resolve("size", LAYOUTS[1], 1)?;
    shape::dims(&[dims[0], size[0], size[1]])?;
    let mut y = x;
    for (i, &pieces) in size.iter().enumerate() {
        y = adaptive_mean(g, y, i + 1, pieces);
    }
    Ok(y)
}

fn adaptive_mean(g: &mut Graph, x: NodeId, axis: usize, pieces: usize) -> NodeId {
    let mut shape = g.shape(x).clone();
    let length = shape.dims[axis];
    if length.is_multiple_of(pieces) {
        let mut dims = shape.dims.clone();
        dims.splice(axis..=axis, [pieces, length / pieces]);
        let cut = g.reshape(x, &dims);
        return mean_over(g, cut, &[axis + 1]);
    }
    let weights = piece_weights(g, length, pieces);
    shape.dims[axis] = pieces;
    let result_axes = shape.extents().len();
    let piece = usize::from(shape.batch) + axis;
    let a = (0..result_axes).map(|axis| if axis == piece { result_axes } else { axis });
    g.contract(x, weights, Contraction::of_axes(vec![Extent::Size(length)], a, [piece, result_axes]), shape)
}

/// `[pieces, length]`: the share of each element in each piece.
fn piece_weights(g: &mut Graph, length: usize, pieces: usize) -> NodeId {
    let shape = Shape::fixed(&[pieces, length]);
    let (piece, element) = (g.iota(0, &shape), g.iota(1, &shape));
    let first = g.scale(piece, length as f64);
    // Half a unit more than a whole number: devices that divide inexactly come to the same result.
    let mut floor_of_share = |x: NodeId, more: f64| {
        let x = g.offset(x, more + 0.5);
        let share = g.scale(x, 1.0 / pieces as f64);
        g.unary(Unary::Floor, share)
    };
    let start = floor_of_share(first, 0.0);
    let end = floor_of_share(first, (length + pieces - 1) as f64);
    let (after, before) = (g.binary(Binary::LessEqual, start, element), g.binary(Binary::Less, element, end));
    let inside = g.mul(after, before);
    let count = g.sub(end, start);
    g.div(inside, count)
}
