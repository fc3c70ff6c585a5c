//! Gradients of contractions: contractions again.

use crate::graph::{Contraction, Extent, Graph, NodeId, Shape};

/// Of a contraction with a result of shape `result`, for operand `i`: the gradient times the other operand, summed over
/// every axis that this operand does not have. Where a weight meets a batch, that sums over the batch.
pub fn contract(
    g: &mut Graph,
    c: &Contraction,
    operands: [NodeId; 2],
    result: &Shape,
    gradient: NodeId,
    i: usize,
) -> NodeId {
    let (own, others) = if i == 0 { (&c.a, &c.b) } else { (&c.b, &c.a) };
    let shape = g.shape(operands[i]).clone();
    let mut extents = result.extents();
    let result_axes: Vec<usize> = (0..extents.len()).collect();
    extents.extend(&c.reduced);

    // An axis that only this operand has was summed; all elements along it get the same.
    let used = |axis: &usize| result_axes.contains(axis) || others.contains(axis);
    let (kept, lost): (Vec<usize>, Vec<usize>) = own.iter().copied().partition(used);
    let summed: Vec<usize> = (0..extents.len()).filter(|axis| !own.contains(axis) && used(axis)).collect();

    // The new order of axes: those of the gradient to be, then those that are summed.
    let order: Vec<usize> = kept.iter().chain(&summed).copied().collect();
    let renumber = |axes: &[usize]| -> Vec<usize> {
        axes.iter().map(|axis| order.iter().position(|o| o == axis).expect("every axis is kept or summed")).collect()
    };
    let new = Contraction {
        reduced: summed.iter().map(|&axis| extents[axis]).collect(),
        a: renumber(&result_axes),
        b: renumber(others),
    };
    let batch = kept.iter().any(|&axis| extents[axis] == Extent::Batch);
    let sizes = |axes: &[usize]| -> Vec<usize> {
        axes.iter().filter_map(|&a| if let Extent::Size(n) = extents[a] { Some(n) } else { None }).collect()
    };
    let product = g.contract(gradient, operands[1 - i], new, Shape { batch, dims: sizes(&kept) });
    if lost.is_empty() {
        return product;
    }
    let with_lost = own.iter().map(|axis| if lost.contains(axis) { Extent::Size(1) } else { extents[*axis] });
    let dims: Vec<usize> = with_lost.filter_map(|e| if let Extent::Size(n) = e { Some(n) } else { None }).collect();
    let dims = &dims[dims.len() - shape.rank()..];
    let product = g.reshape(product, dims);
    g.broadcast(product, &shape)
}
