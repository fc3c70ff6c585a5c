//! Reductions over axes of one sample.

use crate::graph::{Graph, NodeId, Reduction};
use crate::shape::{self, Fact};

/// The sum over `axes` (all of them by default). `keep_dims` keeps them with size 1.
pub fn sum(g: &mut Graph, x: NodeId, axes: Option<&[i64]>, keep_dims: bool) -> Result<NodeId, Fact> {
    let axes = shape::all_axes(axes, &g.shape(x).dims)?;
    Ok(reduce(g, Reduction::Sum, x, &axes, keep_dims))
}

/// The mean over `axes` (all of them by default). `keep_dims` keeps them with size 1.
pub fn mean(g: &mut Graph, x: NodeId, axes: Option<&[i64]>, keep_dims: bool) -> Result<NodeId, Fact> {
    let axes = shape::all_axes(axes, &g.shape(x).dims)?;
    let sum = reduce(g, Reduction::Sum, x, &axes, keep_dims);
    Ok(over_count(g, x, &axes, sum))
}

/// The mean over axes, which vanish.
pub(super) fn mean_over(g: &mut Graph, x: NodeId, axes: &[usize]) -> NodeId {
    let sum = g.reduce(Reduction::Sum, x, axes, false);
    over_count(g, x, axes, sum)
}

/// A sum over axes of `x` as a mean.
fn over_count(g: &mut Graph, x: NodeId, axes: &[usize], sum: NodeId) -> NodeId {
    let count: usize = axes.iter().map(|&a| g.shape(x).dims[a]).product();
    g.scale(sum, 1.0 / count as f64)
}

/// The maximum over `axes` (all of them by default); the first maximum gets the gradient. `keep_dims` keeps the axes with
/// size 1.
pub fn max(g: &mut Graph, x: NodeId, axes: Option<&[i64]>, keep_dims: bool) -> Result<NodeId, Fact> {
    let axes = shape::all_axes(axes, &g.shape(x).dims)?;
    Ok(reduce(g, Reduction::Maximum, x, &axes, keep_dims))
}

fn reduce(g: &mut Graph, how: Reduction, x: NodeId, axes: &[usize], keep_dims: bool) -> NodeId {
    if keep_dims { g.reduce_keep(how, x, axes) } else { g.reduce(how, x, axes, false) }
}
