//! Functions that normalize along an axis.

use crate::graph::{Graph, NodeId, Reduction, Unary};
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

/// log of the sum of exponentials along the axis, which stays with size 1.
pub(super) fn log_sum_exp(g: &mut Graph, shifted: NodeId, axis: usize) -> NodeId {
    let e = g.unary(Unary::Exp, shifted);
    let sum = g.reduce_keep(Reduction::Sum, e, &[axis]);
    g.unary(Unary::Log, sum)
}
