//! Functions that only rearrange.

use crate::graph::{Graph, NodeId, Shape};
use crate::shape::{self, Fact};

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

/// A network's output: whatever it depends on, there is one for each sample.
pub fn output(g: &mut Graph, x: NodeId) -> NodeId {
    with_batch(g, x, true)
}

fn with_batch(g: &mut Graph, x: NodeId, batch: bool) -> NodeId {
    let from = g.shape(x);
    let shape = Shape { batch: from.batch || batch, dims: from.dims.clone() };
    g.broadcast(x, &shape)
}
