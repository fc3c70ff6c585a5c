//! Gradients of contractions: contractions again.

use crate::graph::{Access, Contraction, Extent, Graph, NodeId, Shape};

/// Of a contraction with a result of shape `result`, for operand `i`: the gradient times the other operand, summed over
/// every axis that this operand's elements do not determine. Where a weight meets a batch, that sums over the batch.
///
/// Each dimension of the operand takes the place of one axis: of the axis that reads it, or, where a window reads it, of the
/// axis for which the window's access is solved ([`Access::solved_for`]). So the gradient of a convolution is a convolution.
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
    let results = extents.len();
    extents.extend(&c.reduced);
    let elsewhere = |axis: usize| axis < results || others.iter().any(|o| o.uses(axis));

    // Which axis each dimension replaces. An axis that only this operand has was summed: all elements along it get the same.
    let replaced: Vec<Option<usize>> = own.iter().map(|access| replaced_axis(access, results, &elsewhere)).collect();
    let kept: Vec<usize> = (0..own.len()).filter(|&dim| replaced[dim].is_some()).collect();
    let place = |axis: usize| kept.iter().position(|&dim| replaced[dim] == Some(axis));
    let summed: Vec<usize> = (0..extents.len())
        .filter(|&axis| place(axis).is_none())
        .filter(|&axis| elsewhere(axis) || kept.iter().any(|&dim| own[dim].uses(axis)))
        .collect();

    // The new axes: the kept dimensions, then the summed axes.
    let number = |axis: usize| {
        place(axis).unwrap_or_else(|| {
            kept.len() + summed.iter().position(|&s| s == axis).expect("every axis in use is kept or summed")
        })
    };
    const SOLVED: usize = usize::MAX;
    let image = |axis: usize| -> Access {
        let Some(place) = place(axis) else { return Access::axis(number(axis)) };
        let access = &own[kept[place]];
        match access.as_axis() {
            Some(_) => Access::axis(place),
            None => access.renumbered(|a| if a == axis { SOLVED } else { number(a) }).solved_for(SOLVED, place),
        }
    };
    let read = |access: &Access| match access.as_axis() {
        Some(axis) => image(axis),
        None => access.renumbered(number),
    };
    let new = Contraction {
        reduced: summed.iter().map(|&axis| extents[axis]).collect(),
        a: (0..results).map(image).collect(),
        b: others.iter().map(read).collect(),
    };
    let own_extents = shape.extents();
    let batch = kept.iter().any(|&dim| own_extents[dim] == Extent::Batch);
    let sizes = kept.iter().filter_map(|&dim| match own_extents[dim] {
        Extent::Size(n) => Some(n),
        Extent::Batch => None,
    });
    let product = g.contract(gradient, operands[1 - i], new, Shape { batch, dims: sizes.collect() });
    if kept.len() == own.len() {
        return product;
    }
    let lead = usize::from(shape.batch);
    let dims: Vec<usize> =
        (0..shape.rank()).map(|d| if kept.contains(&(lead + d)) { shape.dims[d] } else { 1 }).collect();
    let product = g.reshape(product, &dims);
    g.broadcast(product, &shape)
}

/// The axis that a dimension of the operand replaces; `None` if no one else has it. Of a window's axes it is the one that the
/// result has, so that the taps remain to be summed.
fn replaced_axis(access: &Access, results: usize, elsewhere: &impl Fn(usize) -> bool) -> Option<usize> {
    match access.as_axis() {
        Some(axis) => elsewhere(axis).then_some(axis),
        None => {
            let axes = || access.terms.iter().map(|(axis, _)| *axis);
            Some(axes().find(|&axis| axis < results).or_else(|| axes().next()).expect("a window has axes"))
        }
    }
}
