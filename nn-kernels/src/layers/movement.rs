//! Functions that only rearrange.

use super::padding::{cut, mirrored};
use crate::graph::{Access, Graph, NodeId, Shape};
use crate::shape::{self, Allowed, Fact};

/// All axes as one.
pub fn flatten(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    let size = g.shape(x).size();
    Ok(g.reshape(x, &[size]))
}

/// The same elements under other dimensions; one of them may be -1 and is what remains.
pub fn reshape(g: &mut Graph, x: NodeId, dims: &[i64]) -> Result<NodeId, Fact> {
    let dims = shape::reshape(&g.shape(x).dims, dims)?;
    Ok(g.reshape(x, &dims))
}

/// Tensors one after another along an axis; the others must be equal. PyTorch's default axis is the first one, 0.
pub fn concat(g: &mut Graph, parts: &[NodeId], axis: i64) -> Result<NodeId, Fact> {
    let dims: Vec<&[usize]> = parts.iter().map(|&p| g.shape(p).dims.as_slice()).collect();
    let (axis, _) = shape::concat(&dims, axis)?;
    let batch = parts.iter().any(|&p| g.shape(p).batch);
    let parts: Vec<NodeId> = parts.iter().map(|&p| with_batch(g, p, batch)).collect();
    Ok(g.concat(&parts, axis))
}

/// Tensors of one shape one after another along a new axis; the first one, 0, by default.
pub fn stack(g: &mut Graph, parts: &[NodeId], axis: i64) -> Result<NodeId, Fact> {
    let dims: Vec<&[usize]> = parts.iter().map(|&p| g.shape(p).dims.as_slice()).collect();
    let axis = shape::stack(&dims, axis)?;
    let mut dims = dims[0].to_vec();
    dims.insert(axis, 1);
    let parts: Vec<NodeId> = parts.iter().map(|&p| g.reshape(p, &dims)).collect();
    concat(g, &parts, axis as i64)
}

/// The opposite of [`concat()`]: parts of an axis, each of the size given; or of the sizes given, one after another, if they are
/// not `equal`.
pub fn split(g: &mut Graph, x: NodeId, sizes: &[usize], equal: bool, axis: i64) -> Result<Vec<NodeId>, Fact> {
    let dims = &g.shape(x).dims;
    shape::rank_at_least(1, 0, dims)?;
    let axis = shape::axis(axis, dims)?;
    let sizes = shape::parts(dims, axis, sizes, equal)?;
    let mut start = 0;
    let part = |size: usize| {
        start += size;
        cut(g, x, axis, start - size, size)
    };
    Ok(sizes.into_iter().map(part).collect())
}

/// The elements from `start` to before `end` (by default to the last one) of an axis, every `step`-th of them. Negative
/// numbers count from the end.
pub fn slice(g: &mut Graph, x: NodeId, start: i64, end: Option<i64>, axis: i64, step: usize) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let axis = shape::axis(axis, &dims)?;
    let range = shape::range(&dims, axis, start, end)?;
    shape::option("step", step as f64, Allowed::AtLeast(1.0))?;
    if step == 1 {
        return Ok(cut(g, x, axis, range.start, range.len()));
    }
    let mut result = dims;
    result[axis] = range.len().div_ceil(step);
    let mut accesses: Vec<Access> = (0..result.len()).map(Access::axis).collect();
    accesses[axis] = Access { terms: vec![(axis, step as i64)], offset: range.start as i64, divisor: 1 };
    Ok(g.window(x, accesses, &result))
}

/// The axes in another order, as PyTorch's `permute`: axis `i` of the result is axis `order[i]` of `x`.
pub fn permute(g: &mut Graph, x: NodeId, order: &[i64]) -> Result<NodeId, Fact> {
    let order = shape::permutation(&g.shape(x).dims, order)?;
    Ok(g.permute(x, &order))
}

/// The elements of an axis in the opposite order.
pub fn flip(g: &mut Graph, x: NodeId, axis: i64) -> Result<NodeId, Fact> {
    let dims = &g.shape(x).dims;
    shape::rank_at_least(1, 0, dims)?;
    let axis = shape::axis(axis, dims)?;
    let size = dims[axis];
    Ok(mirrored(g, x, axis, size - 1, size))
}

/// What stands at the first position of an axis (of a sequence's, 0, by default), without that axis.
pub fn first(g: &mut Graph, x: NodeId, axis: i64) -> Result<NodeId, Fact> {
    end(g, x, axis, |_| 0)
}

/// What stands at the last position of an axis (of a sequence's, 0, by default), without that axis.
pub fn last(g: &mut Graph, x: NodeId, axis: i64) -> Result<NodeId, Fact> {
    end(g, x, axis, |size| size - 1)
}

fn end(g: &mut Graph, x: NodeId, axis: i64, position: impl Fn(usize) -> usize) -> Result<NodeId, Fact> {
    let mut dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let axis = shape::axis(axis, &dims)?;
    let size = dims.remove(axis);
    let part = cut(g, x, axis, position(size), 1);
    Ok(g.reshape(part, &dims))
}

/// The element at a position of the first axis, without that axis.
pub fn element(g: &mut Graph, x: NodeId, position: usize) -> NodeId {
    let dims = g.shape(x).dims[1..].to_vec();
    let part = cut(g, x, 0, position, 1);
    g.reshape(part, &dims)
}

/// As [`split`], into so many parts of equal size.
pub fn chunk(g: &mut Graph, x: NodeId, parts: usize, axis: i64) -> Result<Vec<NodeId>, Fact> {
    let dims = &g.shape(x).dims;
    shape::rank_at_least(1, 0, dims)?;
    let position = shape::axis(axis, dims)?;
    let size = shape::divide_axis(dims, position, parts)?;
    split(g, x, &[size], true, axis)
}

/// A network's output: whatever it depends on, there is one for each sample.
pub fn output(g: &mut Graph, x: NodeId) -> NodeId {
    with_batch(g, x, true)
}

fn with_batch(g: &mut Graph, x: NodeId, batch: bool) -> NodeId {
    let from = g.shape(x);
    let shape = Shape { batch: from.batch || batch, dims: from.dims.clone() };
    g.broadcast(x, &shape)
}
