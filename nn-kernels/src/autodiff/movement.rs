//! Gradients of operations that move elements: they move gradients back.

use crate::graph::{Access, Graph, NodeId, Reduction, Shape};

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

/// Each element collects from the windows that it lies in: a window on the gradient, summed over the taps.
pub fn window(g: &mut Graph, accesses: &[Access], x: NodeId, gradient: NodeId) -> NodeId {
    let whole = g.shape(x).dims.clone();
    let from = g.shape(gradient).dims.clone();
    // Each dimension replaces the longest of the axes that read it, so that little is left to sum.
    let replaced: Vec<usize> = (accesses.iter())
        .map(|a| a.terms.iter().map(|t| t.0).max_by_key(|&axis| from[axis]).expect("a window has axes"))
        .collect();
    let summed: Vec<usize> = (0..from.len()).filter(|axis| !replaced.contains(axis)).collect();
    let number = |axis: usize| {
        replaced.iter().position(|&r| r == axis).unwrap_or_else(|| {
            whole.len() + summed.iter().position(|&s| s == axis).expect("every axis is replaced or summed")
        })
    };
    const SOLVED: usize = usize::MAX;
    let back = (0..from.len())
        .map(|axis| match replaced.iter().position(|&r| r == axis) {
            None => Access::axis(number(axis)),
            Some(dim) => {
                accesses[dim].renumbered(|a| if a == axis { SOLVED } else { number(a) }).solved_for(SOLVED, dim)
            }
        })
        .collect();
    let dims: Vec<usize> = whole.iter().copied().chain(summed.iter().map(|&axis| from[axis])).collect();
    let taps: Vec<usize> = (whole.len()..dims.len()).collect();
    let windows = g.window(gradient, back, &dims);
    g.reduce(Reduction::Sum, windows, &taps, false)
}

/// Each row of the table collects from where it was read; the numbers have no gradient.
pub fn gather(g: &mut Graph, [table, numbers]: [NodeId; 2], gradient: NodeId, i: usize) -> Option<NodeId> {
    let rows = g.shape(table).dims[0];
    (i == 0).then(|| g.scatter(numbers, gradient, rows))
}

/// Each value has the gradient of the row to which it was added; the numbers have none.
pub fn scatter(g: &mut Graph, numbers: NodeId, gradient: NodeId, i: usize) -> Option<NodeId> {
    (i == 1).then(|| g.gather(gradient, numbers))
}
