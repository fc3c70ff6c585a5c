//! Embeddings: tables whose rows are read by number, and weights that are used again.

use super::init::{Init, add_parameter, add_table};
use super::movement::output;
use crate::graph::{Binary, Contraction, Extent, Graph, Leaf, NodeId, Reduction, Shape};
use crate::network::{Initializer, Network};
use crate::shape::{self, Fact, SequenceFact};

/// A row of a table for each token: `path.weight`, `[classes, dim]`, which starts normal with mean 0 and deviation 1, as PyTorch's.
///
/// The row of the token `padding` starts as zeros and gets no gradient. Negative numbers count from the end.
pub fn embedding(
    n: &mut Network,
    path: &str,
    (tokens, classes): (NodeId, usize),
    dim: usize,
    padding: Option<i64>,
    init: Option<&Init>,
) -> Result<NodeId, Fact> {
    let padding = padding.map(|index| padding_row(index, classes)).transpose()?;
    let mut dims = n.graph.shape(tokens).dims.clone();
    dims.push(dim);
    shape::dims(&dims)?;
    let table = [classes, dim];
    let init = init.unwrap_or(&Init::Normal { mean: 0.0, std: 1.0 }).resolve(&table)?;
    let weight = add_table(n, format!("{path}.weight"), &table, init, padding)?;
    let g = &mut n.graph;
    let rows = g.gather(weight, tokens);
    let Some(padding) = padding else { return Ok(rows) };
    // The same row, without a gradient.
    let shape = g.shape(tokens).clone();
    let padding = g.filled(padding as f64, &shape);
    let is_padding = g.binary(Binary::Equal, tokens, padding);
    let is_padding = along_features(g, is_padding, dim);
    let fixed = g.detach(rows);
    Ok(g.select(is_padding, fixed, rows))
}

fn padding_row(index: i64, classes: usize) -> Result<usize, Fact> {
    let row = if index < 0 { index + classes as i64 } else { index };
    let row = usize::try_from(row).ok().filter(|row| *row < classes);
    row.ok_or_else(|| SequenceFact::PaddingIndex { index, classes }.into())
}

/// A number of each position, repeated for each of its features.
fn along_features(g: &mut Graph, x: NodeId, features: usize) -> NodeId {
    let Shape { batch, mut dims } = g.shape(x).clone();
    dims.push(1);
    let column = g.reshape(x, &dims);
    if let Some(last) = dims.last_mut() {
        *last = features;
    }
    g.broadcast(column, &Shape { batch, dims })
}

/// `x · weightᵀ (+ bias)` with a weight `[features, inputs]` that another layer has declared: tied input and output embeddings.
///
/// `layer` is the path of that layer, or of the parameter itself. The bias, `path.bias`, is this layer's own and starts as zeros.
pub fn tied_linear(n: &mut Network, path: &str, x: NodeId, layer: &str, bias: bool) -> Result<NodeId, Fact> {
    let from = n.graph.shape(x).clone();
    shape::rank_at_least(1, 0, &from.dims)?;
    let names = [format!("{layer}.weight"), layer.to_owned()];
    let Some(number) = names.iter().find_map(|name| n.parameter(name)) else {
        let known = n.parameters.iter().map(|p| p.name.clone()).collect();
        return Err(SequenceFact::NoParameter { name: layer.to_owned(), known }.into());
    };
    let (name, dims) = (n.parameters[number].name.clone(), n.parameters[number].dims.clone());
    let last = from.rank() - 1;
    let &[outputs, inputs] = dims.as_slice() else {
        return Err(SequenceFact::Tied { shape: from.dims, name, dims }.into());
    };
    if from.dims[last] != inputs {
        return Err(SequenceFact::Tied { shape: from.dims, name, dims }.into());
    }
    let mut shape = from;
    shape.dims[last] = outputs;
    shape::dims(&shape.dims)?;
    let bias = match bias {
        true => Some(add_parameter(n, format!("{path}.bias"), &[outputs], Initializer::Constant(0.0))?),
        false => None,
    };
    let g = &mut n.graph;
    let weight = g.leaf(Leaf::Parameter(number), Shape::fixed(&dims));
    let output_axis = shape.extents().len() - 1;
    let reduced = output_axis + 1;
    let axes =
        Contraction::of_axes(vec![Extent::Size(inputs)], (0..output_axis).chain([reduced]), [output_axis, reduced]);
    let product = g.contract(x, weight, axes, shape);
    Ok(match bias {
        Some(bias) => g.add2(product, bias),
        None => product,
    })
}

/// 1 for the positions before a length, and 0 from there on: `[len]`. `classes` are the lengths that there may be, 0 included.
pub fn mask_from(g: &mut Graph, (length, classes): (NodeId, usize), len: usize) -> Result<NodeId, Fact> {
    shape::length_up_to("length", &g.shape(length).dims, classes, len)?;
    Ok(positions_below(g, length, len))
}

/// 1 for the positions before a length, and 0 from there on.
pub(super) fn positions_below(g: &mut Graph, length: NodeId, len: usize) -> NodeId {
    let shape = Shape { batch: g.shape(length).batch, dims: vec![len] };
    let position = g.iota(0, &shape);
    let position = g.broadcast(position, &shape);
    let length = g.broadcast(length, &shape);
    g.binary(Binary::Less, position, length)
}

/// What stands at the last position before a length, along an axis; zeros where the length is 0.
pub fn last_of(g: &mut Graph, x: NodeId, axis: i64, length: (NodeId, usize)) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    let axis = shape::axis(axis, &dims)?;
    shape::length_up_to("length", &g.shape(length.0).dims, length.1, dims[axis])?;
    let (x, length) = (output(g, x), g.offset(length.0, -1.0));
    let shape = g.shape(x).clone();
    let position = g.iota(axis, &shape);
    let position = g.broadcast(position, &shape);
    let length = g.broadcast(length, &shape);
    let is_last = g.binary(Binary::Equal, position, length);
    let zero = g.filled(0.0, &shape);
    let kept = g.select(is_last, x, zero);
    Ok(g.reduce(Reduction::Sum, kept, &[axis], false))
}

/// `x` with zeros where the mask of its positions, `[length]`, is 0.
pub fn masking(g: &mut Graph, x: NodeId, mask: NodeId) -> Result<NodeId, Fact> {
    let dims = g.shape(x).dims.clone();
    shape::rank_at_least(1, 0, &dims)?;
    shape::position_mask(&g.shape(mask).dims, dims[0])?;
    let (x, mask) = (output(g, x), positions(g, mask, &dims));
    let shape = g.shape(x).clone();
    let mask = g.broadcast(mask, &shape);
    let zero = g.filled(0.0, &shape);
    Ok(g.select(mask, x, zero))
}

/// The mean over the positions (axis 0) at which the mask is not 0; 0 if there are none.
pub fn masked_mean(g: &mut Graph, x: NodeId, mask: NodeId) -> Result<NodeId, Fact> {
    let kept = masking(g, x, mask)?;
    let sum = g.reduce(Reduction::Sum, kept, &[0], false);
    let shape = g.shape(mask).clone();
    let (one, zero) = (g.filled(1.0, &shape), g.filled(0.0, &shape));
    let there = g.select(mask, one, zero);
    let count = g.reduce(Reduction::Sum, there, &[0], false);
    // No mean of nothing: what is divided is 0 then.
    let least = g.filled(1.0, &g.shape(count).clone());
    let count = g.binary(Binary::Maximum, count, least);
    let count = g.detach(count);
    Ok(g.div(sum, count))
}

/// A mask of positions as it broadcasts to these dimensions, whose first one is the positions'.
fn positions(g: &mut Graph, mask: NodeId, dims: &[usize]) -> NodeId {
    let mut aligned = vec![1; dims.len()];
    aligned[0] = dims[0];
    g.reshape(mask, &aligned)
}
