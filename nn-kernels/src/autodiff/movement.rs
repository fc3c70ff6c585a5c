//! Gradients of operations that move elements: they move gradients back.

use crate::graph::{Graph, NodeId, Shape};

/// Elements that were repeated collect their gradients.
pub fn broadcast(g: &mut Graph, x: NodeId, gradient: NodeId) -> NodeId {
    let shape = g.shape(x).clone();
    g.sum_to(gradient, &shape)
}

/// Back to the old dimensions.
pub fn reshape(g: &mut Graph, x: NodeId, gradient: NodeId) -> NodeId {
    let dims = g.shape(x).dims.clone();
    g.reshape(gradient, &dims)
}

/// Back to the old order.
pub fn permute(g: &mut Graph, perm: &[usize], gradient: NodeId) -> NodeId {
    let mut inverse = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(i, &p)| inverse[p] = i);
    g.permute(gradient, &inverse)
}

/// Zeros around what was cut out.
pub fn slice(g: &mut Graph, starts: &[usize], x: NodeId, gradient: NodeId) -> NodeId {
    let whole = g.shape(x).dims.clone();
    let mut padded = gradient;
    for (axis, &start) in starts.iter().enumerate() {
        let shape = g.shape(padded).clone();
        let after = whole[axis] - start - shape.dims[axis];
        let mut zeros = |n: usize| {
            let mut dims = shape.dims.clone();
            dims[axis] = n;
            (n > 0).then(|| g.filled(0.0, &Shape { batch: shape.batch, dims }))
        };
        let parts: Vec<NodeId> = [zeros(start), Some(padded), zeros(after)].into_iter().flatten().collect();
        padded = g.concat(&parts, axis);
    }
    padded
}

/// Part `i` of it.
pub fn concat(g: &mut Graph, axis: usize, parts: &[NodeId], gradient: NodeId, i: usize) -> NodeId {
    let dims = g.shape(parts[i]).dims.clone();
    let mut starts = vec![0; dims.len()];
    starts[axis] = parts[..i].iter().map(|&p| g.shape(p).dims[axis]).sum();
    g.slice(gradient, &starts, &dims)
}
