//! Gradients of reductions.

use crate::graph::{Binary, Graph, NodeId, Reduction, Shape};

/// Of `y = reduce(x)` over `axes` and perhaps the batch.
pub fn reduce(
    g: &mut Graph,
    how: Reduction,
    axes: &[usize],
    batch: bool,
    x: NodeId,
    y: NodeId,
    gradient: NodeId,
) -> NodeId {
    let shape = g.shape(x).clone();
    let spread_gradient = spread(g, gradient, axes, &shape);
    if how == Reduction::Sum {
        return spread_gradient;
    }
    let extreme = spread(g, y, axes, &shape);
    // Equality would do, if devices did not recompute x with another rounding now and then.
    let is_extreme = match how {
        Reduction::Minimum => g.binary(Binary::LessEqual, x, extreme),
        _ => g.binary(Binary::LessEqual, extreme, x),
    };
    let zero = g.filled(0.0, &shape);
    if batch {
        // Samples have no number by which one could be the first, so all extremes share.
        let one = g.filled(1.0, &shape);
        let marks = g.select(is_extreme, one, zero);
        let count = g.reduce(Reduction::Sum, marks, axes, batch);
        let count = spread(g, count, axes, &shape);
        let share = g.div(spread_gradient, count);
        return g.select(is_extreme, share, zero);
    }
    // The first extreme takes all, as in PyTorch.
    let position = position(g, axes, &shape);
    let none = g.filled(axes.iter().map(|&a| shape.dims[a] as f64).product(), &shape);
    let candidates = g.select(is_extreme, position, none);
    let first = g.reduce(Reduction::Minimum, candidates, axes, false);
    let first = spread(g, first, axes, &shape);
    let is_first = g.binary(Binary::Equal, position, first);
    g.select(is_first, spread_gradient, zero)
}

/// A reduced tensor, repeated along the axes that it lost.
fn spread(g: &mut Graph, reduced: NodeId, axes: &[usize], shape: &Shape) -> NodeId {
    let mut dims = shape.dims.clone();
    axes.iter().for_each(|&a| dims[a] = 1);
    let kept = g.reshape(reduced, &dims);
    g.broadcast(kept, shape)
}

/// Each element's row-major position among those that are reduced together.
fn position(g: &mut Graph, axes: &[usize], shape: &Shape) -> NodeId {
    let mut sum = g.filled(0.0, shape);
    let mut stride = 1;
    for &axis in axes.iter().rev() {
        let index = g.iota(axis, shape);
        let scaled = g.scale(index, stride as f64);
        sum = g.add2(sum, scaled);
        stride *= shape.dims[axis];
    }
    g.broadcast(sum, shape)
}
