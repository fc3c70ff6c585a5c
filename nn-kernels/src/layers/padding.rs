//! What lies beyond the edges: padding, and its opposite.

use crate::graph::{Access, Graph, NodeId, Shape};
use crate::shape::{self, Allowed, Fact, Margin, Margins, PaddingMode};

/// Puts elements around `x`: `value` (0 by default), a reflection, the edge repeated, or the opposite side.
pub fn pad(g: &mut Graph, x: NodeId, margins: &Margins, mode: PaddingMode, value: f64) -> Result<NodeId, Fact> {
    shape::option("value", value, Allowed::Finite)?;
    let dims = &g.shape(x).dims;
    let margins = margins.resolve("padding", dims)?;
    let result = shape::pad(dims, &margins, mode)?;
    if mode != PaddingMode::Constant {
        return Ok(extend(g, x, &margins, mode));
    }
    let shifted = shifted(g, x, &margins, &result);
    if value == 0.0 || shifted == x {
        return Ok(shifted);
    }
    let (from, to) = (Shape::fixed(&g.shape(x).dims), g.shape(shifted).clone());
    let ones = g.filled(1.0, &from);
    let inside = self::shifted(g, ones, &margins, &result);
    let inside = g.broadcast(inside, &to);
    let around = g.filled(value, &to);
    Ok(g.select(inside, shifted, around))
}

/// The opposite of [`pad`]: what is left without the margins.
pub fn crop(g: &mut Graph, x: NodeId, margins: &Margins) -> Result<NodeId, Fact> {
    let dims = &g.shape(x).dims;
    let margins = margins.resolve("margins", dims)?;
    let result = shape::crop(dims, &margins)?;
    let starts: Vec<usize> = margins.iter().map(|m| m.0).collect();
    Ok(g.slice(x, &starts, &result))
}

/// `x` in the midst of zeros.
fn shifted(g: &mut Graph, x: NodeId, margins: &[Margin], result: &[usize]) -> NodeId {
    let access = |(axis, margin): (usize, &Margin)| Access { offset: -(margin.0 as i64), ..Access::axis(axis) };
    let accesses = margins.iter().enumerate().map(access).collect();
    g.window(x, accesses, result)
}

/// `x` with margins that are made of itself, axis by axis.
pub(super) fn extend(g: &mut Graph, x: NodeId, margins: &[Margin], mode: PaddingMode) -> NodeId {
    let mut extended = x;
    for (axis, &(before, after)) in margins.iter().enumerate() {
        let inner = extended;
        let size = g.shape(inner).dims[axis];
        let mut part = |length: usize, is_before: bool| {
            (length > 0).then(|| match mode {
                PaddingMode::Reflect => mirrored(g, inner, axis, if is_before { length } else { size - 2 }, length),
                PaddingMode::Circular => cut(g, inner, axis, if is_before { size - length } else { 0 }, length),
                PaddingMode::Replicate | PaddingMode::Constant => {
                    let edge = cut(g, inner, axis, if is_before { 0 } else { size - 1 }, 1);
                    let mut shape: Shape = g.shape(edge).clone();
                    shape.dims[axis] = length;
                    g.broadcast(edge, &shape)
                }
            })
        };
        let parts: Vec<NodeId> = [part(before, true), Some(inner), part(after, false)].into_iter().flatten().collect();
        extended = g.concat(&parts, axis);
    }
    extended
}

/// `length` elements of an axis, from `start` on.
pub(super) fn cut(g: &mut Graph, x: NodeId, axis: usize, start: usize, length: usize) -> NodeId {
    let mut dims = g.shape(x).dims.clone();
    let mut starts = vec![0; dims.len()];
    (starts[axis], dims[axis]) = (start, length);
    g.slice(x, &starts, &dims)
}

/// `length` elements of an axis, from `start` back.
pub(super) fn mirrored(g: &mut Graph, x: NodeId, axis: usize, start: usize, length: usize) -> NodeId {
    let mut dims = g.shape(x).dims.clone();
    dims[axis] = length;
    let mut accesses: Vec<Access> = (0..dims.len()).map(Access::axis).collect();
    accesses[axis] = Access { terms: vec![(axis, -1)], offset: start as i64, divisor: 1 };
    g.window(x, accesses, &dims)
}
