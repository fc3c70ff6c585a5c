//! Functions that normalize along an axis.

use crate::graph::{Binary, Graph, NodeId, Reduction, Unary};
use crate::shape::{self, Fact};

/// Exponentials along an axis, scaled so that they sum to 1. The default axis is -1.
pub fn softmax(g: &mut Graph, x: NodeId, axis: i64) -> Result<NodeId, Fact> {
    let axis = checked_axis(g, x, axis)?;
    let shifted = shift_by_maximum(g, x, axis);
    let e = g.unary(Unary::Exp, shifted);
    let sum = g.reduce_keep(Reduction::Sum, e, &[axis]);
    Ok(g.div(e, sum))
}

/// The logarithm of [`softmax`], computed without it.
pub fn log_softmax(g: &mut Graph, x: NodeId, axis: i64) -> Result<NodeId, Fact> {
    let axis = checked_axis(g, x, axis)?;
    let shifted = shift_by_maximum(g, x, axis);
    let log_sum = log_sum_exp(g, shifted, axis);
    Ok(g.sub(shifted, log_sum))
}

fn checked_axis(g: &Graph, x: NodeId, axis: i64) -> Result<usize, Fact> {
    shape::rank_at_least(1, 0, &g.shape(x).dims)?;
    shape::axis(axis, &g.shape(x).dims)
}

/// x minus its maximum along the axis, so that no exponential overflows. The maximum's gradient would cancel.
pub(super) fn shift_by_maximum(g: &mut Graph, x: NodeId, axis: usize) -> NodeId {
    let max = g.reduce_keep(Reduction::Maximum, x, &[axis]);
    let max = g.detach(max);
    g.sub(x, max)
}

/// From here on, exponentials count as 0 in [`log_sum_exp`]: they are below 1e-26, which changes no sum that is at least 1. Their
/// gradients would be the exponentials themselves, and once a network is sure of its samples, these and what the layers before it make
/// of them are subnormal numbers, with which many processors compute a hundred times as slowly.
const NEGLIGIBLE: f64 = -60.0;

/// log of the sum of exponentials along the axis, which stays with size 1. The largest of what is summed is exp(0).
pub(super) fn log_sum_exp(g: &mut Graph, shifted: NodeId, axis: usize) -> NodeId {
    let e = g.unary(Unary::Exp, shifted);
    let shape = g.shape(shifted).clone();
    let (bound, zero) = (g.filled(NEGLIGIBLE, &shape), g.filled(0.0, &shape));
    let is_negligible = g.binary(Binary::LessEqual, shifted, bound);
    let e = g.select(is_negligible, zero, e);
    let sum = g.reduce_keep(Reduction::Sum, e, &[axis]);
    g.unary(Unary::Log, sum)
}
