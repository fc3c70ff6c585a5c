//! Layers that are contractions.

use super::init::{Fan, Init, Nonlinearity, add_parameter};
use crate::graph::{Contraction, Extent, Graph, NodeId, Shape};
use crate::network::Network;
use crate::shape::{self, Fact};

/// The options of [`dense`] and [`linear`].
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// Features of the result.
    pub features: usize,
    /// Whether a bias is added; by default it is.
    pub bias: bool,
    /// How the weight starts. `None` is PyTorch's default: uniform within ± 1 / sqrt(fan-in).
    pub init: Option<Init>,
    /// How the bias starts. `None` is PyTorch's default: uniform within ± 1 / sqrt(fan-in of the weight).
    pub bias_init: Option<Init>,
}

impl Affine {
    /// So many features, and PyTorch's defaults.
    pub fn new(features: usize) -> Self {
        Affine { features, bias: true, init: None, bias_init: None }
    }
}

/// A fully connected layer that reads one vector: x · weightᵀ + bias, with weight `[features, inputs]` and bias
/// `[features]`.
pub fn dense(n: &mut Network, path: &str, x: NodeId, options: &Affine) -> Result<NodeId, Fact> {
    shape::vector(0, &n.graph.shape(x).dims)?;
    linear(n, path, x, options)
}

/// A fully connected layer on the last axis of any shape, the same for all positions.
pub fn linear(n: &mut Network, path: &str, x: NodeId, options: &Affine) -> Result<NodeId, Fact> {
    let from = n.graph.shape(x).clone();
    shape::rank_at_least(1, 0, &from.dims)?;
    let last = from.dims.len() - 1;
    let (inputs, outputs) = (from.dims[last], options.features);
    let mut shape = from.clone();
    shape.dims[last] = outputs;
    shape::dims(&shape.dims)?;

    let weight_dims = [outputs, inputs];
    let default = Init::KaimingUniform { a: 5_f64.sqrt(), mode: Fan::In, nonlinearity: Nonlinearity::LeakyRelu };
    let weight_init = options.init.as_ref().unwrap_or(&default).resolve(&weight_dims)?;
    let bound = 1.0 / (inputs as f64).sqrt();
    let default = Init::Uniform { low: -bound, high: bound };
    let bias_init = options.bias_init.as_ref().unwrap_or(&default).resolve(&[outputs])?;
    let weight = add_parameter(n, format!("{path}.weight"), &weight_dims, weight_init)?;
    let bias = match options.bias {
        true => Some(add_parameter(n, format!("{path}.bias"), &[outputs], bias_init)?),
        false => None,
    };

    Ok(product(&mut n.graph, x, weight, bias))
}

/// x · weightᵀ + bias along the last axis, with weight `[outputs, inputs]` and bias `[outputs]`.
pub(super) fn product(g: &mut Graph, x: NodeId, weight: NodeId, bias: Option<NodeId>) -> NodeId {
    let mut shape = g.shape(x).clone();
    let last = shape.dims.len() - 1;
    let inputs = std::mem::replace(&mut shape.dims[last], g.shape(weight).dims[0]);
    // Result axes: [batch?, positions…, outputs]; then the reduced axis. The input has all but the outputs' one.
    let output_axis = shape.extents().len() - 1;
    let reduced_axis = output_axis + 1;
    let contraction = Contraction::of_axes(
        vec![Extent::Size(inputs)],
        (0..output_axis).chain([reduced_axis]),
        [output_axis, reduced_axis],
    );
    let product = g.contract(x, weight, contraction, shape);
    match bias {
        Some(bias) => g.add2(product, bias),
        None => product,
    }
}

/// The matrix product of the last two axes; axes before them broadcast.
pub fn matmul(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    let (left, right) = (g.shape(a).clone(), g.shape(b).clone());
    let dims = shape::matmul(&left.dims, &right.dims)?;
    let shape = Shape { batch: left.batch || right.batch, dims };
    let rank = shape.rank();
    let offset = usize::from(shape.batch);
    let (rows, columns, inner) = (offset + rank - 2, offset + rank - 1, offset + rank);

    // An operand's leading axis that broadcasts is simply not an axis of that operand.
    let mut operand = |x: NodeId, from: &Shape, matrix: [usize; 2]| {
        let lead = from.rank() - 2;
        let result_axis = |i: usize| rank - 2 - lead + i;
        let kept: Vec<usize> = (0..lead).filter(|&i| from.dims[i] == shape.dims[result_axis(i)]).collect();
        let dims: Vec<usize> = kept.iter().map(|&i| from.dims[i]).chain(from.dims[lead..].iter().copied()).collect();
        let batch = from.batch.then_some(0);
        let axes = batch.into_iter().chain(kept.iter().map(|&i| offset + result_axis(i))).chain(matrix);
        let axes: Vec<usize> = axes.collect();
        (g.reshape(x, &dims), axes)
    };
    let (a, a_axes) = operand(a, &left, [rows, inner]);
    let (b, b_axes) = operand(b, &right, [inner, columns]);
    let reduced = vec![Extent::Size(left.dims[left.rank() - 1])];
    Ok(g.contract(a, b, Contraction::of_axes(reduced, a_axes, b_axes), shape))
}
