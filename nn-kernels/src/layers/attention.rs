//! Attention: each position of one sequence takes a mean of another one's values, weighted by how well its query fits their keys.

use super::dense::{Affine, linear};
use super::init::{Init, add_parameter};
use super::noise::dropout;
use super::normalize::softmax;
use super::position::rotary;
use crate::graph::{Binary, Contraction, Extent, Graph, NodeId, Reduction, Shape, Unary};
use crate::network::{Initializer, Network};
use crate::shape::{self, Allowed, Fact, SequenceFact};

/// The options of every kind of attention.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Heads of the queries.
    pub heads: usize,
    /// Heads of keys and values (grouped queries); by default as many as the queries have.
    pub kv_heads: Option<usize>,
    /// Whether a position sees only those up to itself.
    pub causal: bool,
    /// 1 where a key may be seen, 0 where not: `[keys]`, `[queries, keys]` or `[heads, queries, keys]`.
    pub mask: Option<NodeId>,
    /// The share of weights that training drops.
    pub dropout: f64,
    /// What scores are multiplied by; by default 1 / sqrt(width of a head).
    pub scale: Option<f64>,
}

impl Attention {
    /// So many heads, and PyTorch's defaults.
    pub fn new(heads: usize) -> Self {
        Attention { heads, kv_heads: None, causal: false, mask: None, dropout: 0.0, scale: None }
    }

    fn kv_heads(&self) -> usize {
        self.kv_heads.unwrap_or(self.heads)
    }
}

/// `softmax(q · kᵀ / sqrt(d)) · v` in each head (PyTorch's `scaled_dot_product_attention`). Queries are `[queries, heads * d]`, keys
/// `[keys, kv_heads * d]`, values `[keys, kv_heads * e]`, and the result is `[queries, heads * e]`. A query that may see no key gets zeros.
pub fn attention(g: &mut Graph, [q, k, v]: [NodeId; 3], options: &Attention) -> Result<NodeId, Fact> {
    let heads = options.heads;
    shape::option("dropout", options.dropout, Allowed::Between(0.0, 1.0))?;
    if let Some(scale) = options.scale {
        shape::option("scale", scale, Allowed::Finite)?;
    }
    let groups = shape::head_groups(heads, options.kv_heads())?;
    let shapes = [q, k, v].map(|x| g.shape(x).dims.clone());
    let [queries, width] = shape::length_and_features(0, &shapes[0])?;
    let [keys, key_width] = shape::length_and_features(1, &shapes[1])?;
    let [_, value_width] = shape::length_and_features(2, &shapes[2])?;
    let width = shape::head_width(0, width, "heads", heads)?;
    let expected = width * options.kv_heads();
    if key_width != expected {
        let [queries, keys, _] = shapes;
        return Err(SequenceFact::KeyWidth { queries, keys, expected }.into());
    }
    shape::same_length([1, 2], [&shapes[1], &shapes[2]], false)?;
    let value_width = shape::head_width(2, value_width, kv_option(options), options.kv_heads())?;
    if options.causal {
        shape::same_length([0, 1], [&shapes[0], &shapes[1]], true)?;
    }
    let mask = options.mask.map(|mask| shape::attention_mask(&g.shape(mask).dims, [heads, queries, keys]));
    let mask = mask.transpose()?.zip(options.mask);
    shape::dims(&[heads, queries, keys])?;

    let cut = Heads { heads: options.kv_heads(), groups, queries, keys };
    let scores = cut.scores(g, q, k, width);
    let scores = g.scale(scores, options.scale.unwrap_or(1.0 / (width as f64).sqrt()));
    let weights = weights(g, scores, options.causal, mask);
    let weights = dropout(g, weights, options.dropout)?;
    Ok(cut.mix(g, weights, v, value_width))
}

fn kv_option(options: &Attention) -> &'static str {
    if options.kv_heads.is_some() { "kv_heads" } else { "heads" }
}

/// How scores become weights: a softmax over the keys that may be seen. Scores are `[heads, queries, keys]`.
fn weights(g: &mut Graph, scores: NodeId, causal: bool, mask: Option<(Vec<usize>, NodeId)>) -> NodeId {
    let batch = g.shape(scores).batch || mask.as_ref().is_some_and(|(_, mask)| g.shape(*mask).batch);
    let shape = Shape { batch, dims: g.shape(scores).dims.clone() };
    let mut scores = g.broadcast(scores, &shape);
    let hidden = g.filled(HIDDEN, &shape);
    if causal {
        let (query, key) = (g.iota(1, &shape), g.iota(2, &shape));
        let seen = g.binary(Binary::LessEqual, key, query);
        let seen = g.broadcast(seen, &shape);
        scores = g.select(seen, scores, hidden);
    }
    let Some((dims, mask)) = mask else {
        return softmax(g, scores, -1).expect("scores have a last axis");
    };
    let mask = g.reshape(mask, &dims);
    let mask = g.broadcast(mask, &shape);
    let scores = g.select(mask, scores, hidden);
    let last = shape.rank() - 1;
    let shifted = super::normalize::shift_by_maximum(g, scores, last);
    let e = g.unary(Unary::Exp, shifted);
    // What is hidden weighs nothing, also where there is nothing else.
    let bound = g.filled(HIDDEN / 2.0, &shape);
    let is_hidden = g.binary(Binary::LessEqual, scores, bound);
    let zero = g.filled(0.0, &shape);
    let e = g.select(is_hidden, zero, e);
    let sum = g.reduce_keep(Reduction::Sum, e, &[last]);
    // The sum is at least 1, or 0.
    let least = g.filled(1e-30, &g.shape(sum).clone());
    let sum = g.binary(Binary::Maximum, sum, least);
    g.div(e, sum)
}

/// The score of what may not be seen: its exponential is 0 beside any other.
const HIDDEN: f64 = -1e30;

/// The axes of attention: `heads` of keys and values, each with `groups` heads of queries.
struct Heads {
    heads: usize,
    groups: usize,
    queries: usize,
    keys: usize,
}

impl Heads {
    /// The axes of a contraction: the batch if there is one, then these.
    fn axes(&self, g: &Graph, operands: [NodeId; 2]) -> (bool, usize) {
        let batch = operands.iter().any(|x| g.shape(*x).batch);
        (batch, usize::from(batch))
    }

    /// The axes that read an operand: its batch, then these.
    fn read(g: &Graph, x: NodeId, axes: &[usize]) -> Vec<usize> {
        let batch = g.shape(x).batch.then_some(0);
        batch.into_iter().chain(axes.iter().copied()).collect()
    }

    /// `[heads * groups, queries, keys]` from `[queries, …]` and `[keys, …]`.
    fn scores(&self, g: &mut Graph, q: NodeId, k: NodeId, width: usize) -> NodeId {
        let Heads { heads, groups, queries, keys } = *self;
        let (batch, lead) = self.axes(g, [q, k]);
        let k = g.reshape(k, &[keys, heads, width]);
        let (q, dims, q_axes, [i, j, d]) = match groups {
            // An axis of size 1 would be in the way of products.
            1 => {
                let q = g.reshape(q, &[queries, heads, width]);
                let [h, i, j, d] = [0, 1, 2, 3].map(|axis| lead + axis);
                (q, vec![heads, queries, keys], vec![i, h, d], [i, j, d])
            }
            _ => {
                let q = g.reshape(q, &[queries, heads, groups, width]);
                let [h, group, i, j, d] = [0, 1, 2, 3, 4].map(|axis| lead + axis);
                (q, vec![heads, groups, queries, keys], vec![i, h, group, d], [i, j, d])
            }
        };
        debug_assert!(i < j);
        let (a, b) = (Self::read(g, q, &q_axes), Self::read(g, k, &[j, lead, d]));
        let product = Contraction::of_axes(vec![Extent::Size(width)], a, b);
        let scores = g.contract(q, k, product, Shape { batch, dims });
        g.reshape(scores, &[heads * groups, queries, keys])
    }

    /// `[queries, …]` from weights `[heads * groups, queries, keys]` and values `[keys, …]`.
    fn mix(&self, g: &mut Graph, weights: NodeId, v: NodeId, width: usize) -> NodeId {
        let Heads { heads, groups, queries, keys } = *self;
        let (batch, lead) = self.axes(g, [weights, v]);
        let v = g.reshape(v, &[keys, heads, width]);
        let (weights, dims, w_axes, [h, d, j]) = match groups {
            1 => {
                let [i, h, d, j] = [0, 1, 2, 3].map(|axis| lead + axis);
                (weights, vec![queries, heads, width], vec![h, i, j], [h, d, j])
            }
            _ => {
                let weights = g.reshape(weights, &[heads, groups, queries, keys]);
                let [i, h, group, d, j] = [0, 1, 2, 3, 4].map(|axis| lead + axis);
                (weights, vec![queries, heads, groups, width], vec![h, group, i, j], [h, d, j])
            }
        };
        let (a, b) = (Self::read(g, weights, &w_axes), Self::read(g, v, &[j, h, d]));
        let product = Contraction::of_axes(vec![Extent::Size(keys)], a, b);
        let mixed = g.contract(weights, v, product, Shape { batch, dims });
        g.reshape(mixed, &[queries, heads * groups * width])
    }
}

/// The options of layers around [`attention`].
#[derive(Clone, Debug, PartialEq)]
pub struct MultiHead {
    /// Those of the attention.
    pub attention: Attention,
    /// Whether projections have biases; by default they have.
    pub bias: bool,
    /// The base of [`rotary()`] positions of queries and keys, if they get some.
    pub rotary: Option<f64>,
}

impl MultiHead {
    /// So many heads, and PyTorch's defaults.
    pub fn new(heads: usize) -> Self {
        MultiHead { attention: Attention::new(heads), bias: true, rotary: None }
    }
}

/// PyTorch's `nn.MultiheadAttention` of a sequence `[length, features]` with itself. Parameters are PyTorch's: `path.in_proj_weight`
/// (queries, keys and values one below another), `path.in_proj_bias`, `path.out_proj.weight` and `path.out_proj.bias`. With `kv_heads`, the
/// parts of keys and values have fewer rows.
pub fn self_attention(n: &mut Network, path: &str, x: NodeId, options: &MultiHead) -> Result<NodeId, Fact> {
    let [_, features] = shape::length_and_features(0, &n.graph.shape(x).dims)?;
    let widths = projections(features, &options.attention)?;
    let dims = [widths.iter().sum(), features];
    let (weight, bias) = in_projection(n, path, dims, options.bias)?;
    let g = &mut n.graph;
    let all = project(g, x, weight, bias);
    let mut start = 0;
    let parts = widths.map(|width| {
        start += width;
        cut_features(g, all, start - width, width)
    });
    attend(n, path, parts, features, options)
}

/// As [`self_attention`], but keys and values are made of another sequence `[keys, …]`. If its features are as many as those of `x`, the
/// parameters are those of [`self_attention`]; else, as in PyTorch, `path.q_proj_weight`, `path.k_proj_weight` and `path.v_proj_weight` in
/// the place of `path.in_proj_weight`.
pub fn cross_attention(
    n: &mut Network,
    path: &str,
    [x, memory]: [NodeId; 2],
    options: &MultiHead,
) -> Result<NodeId, Fact> {
    let [_, features] = shape::length_and_features(0, &n.graph.shape(x).dims)?;
    let [_, memory_features] = shape::length_and_features(1, &n.graph.shape(memory).dims)?;
    let widths = projections(features, &options.attention)?;
    let [queries, keys, values] = widths;
    let parts = if memory_features == features {
        let (weight, bias) = in_projection(n, path, [queries + keys + values, features], options.bias)?;
        let g = &mut n.graph;
        let mut part = |from: NodeId, start: usize, width: usize| {
            let rows = g.slice(weight, &[start, 0], &[width, features]);
            let bias = bias.map(|bias| g.slice(bias, &[start], &[width]));
            project(g, from, rows, bias)
        };
        let of_memory = part(memory, queries, keys + values);
        let q = part(x, 0, queries);
        [q, cut_features(g, of_memory, 0, keys), cut_features(g, of_memory, keys, values)]
    } else {
        let mut weights = [x; 3];
        for (i, (word, from)) in
            [("q", features), ("k", memory_features), ("v", memory_features)].into_iter().enumerate()
        {
            let dims = [widths[i], from];
            weights[i] = add_parameter(n, format!("{path}.{word}_proj_weight"), &dims, xavier(&dims)?)?;
        }
        let bias = in_bias(n, path, queries + keys + values, options.bias)?;
        let g = &mut n.graph;
        let mut start = 0;
        [0, 1, 2].map(|i| {
            let bias = bias.map(|bias| g.slice(bias, &[start], &[widths[i]]));
            start += widths[i];
            project(g, if i == 0 { x } else { memory }, weights[i], bias)
        })
    };
    attend(n, path, parts, features, options)
}

/// The features of queries, keys and values.
fn projections(features: usize, options: &Attention) -> Result<[usize; 3], Fact> {
    let width = shape::head_width(0, features, "heads", options.heads)?;
    shape::head_groups(options.heads, options.kv_heads())?;
    Ok([features, width * options.kv_heads(), width * options.kv_heads()])
}

fn xavier(dims: &[usize]) -> Result<Initializer, Fact> {
    Init::XavierUniform { gain: 1.0 }.resolve(dims)
}

fn in_projection(n: &mut Network, path: &str, dims: [usize; 2], bias: bool) -> Result<(NodeId, Option<NodeId>), Fact> {
    let weight = add_parameter(n, format!("{path}.in_proj_weight"), &dims, xavier(&dims)?)?;
    Ok((weight, in_bias(n, path, dims[0], bias)?))
}

fn in_bias(n: &mut Network, path: &str, features: usize, bias: bool) -> Result<Option<NodeId>, Fact> {
    let zero = Initializer::Constant(0.0);
    bias.then(|| add_parameter(n, format!("{path}.in_proj_bias"), &[features], zero)).transpose()
}

/// x · weightᵀ + bias for each position.
fn project(g: &mut Graph, x: NodeId, weight: NodeId, bias: Option<NodeId>) -> NodeId {
    let from = g.shape(x).clone();
    let (lead, features) = (usize::from(from.batch), g.shape(weight).dims[0]);
    let shape = Shape { batch: from.batch, dims: vec![from.dims[0], features] };
    let batch = from.batch.then_some(0);
    let a = batch.into_iter().chain([lead, lead + 2]);
    let product = Contraction::of_axes(vec![Extent::Size(from.dims[1])], a, [lead + 1, lead + 2]);
    let y = g.contract(x, weight, product, shape);
    match bias {
        Some(bias) => g.add2(y, bias),
        None => y,
    }
}

fn cut_features(g: &mut Graph, x: NodeId, start: usize, width: usize) -> NodeId {
    let length = g.shape(x).dims[0];
    g.slice(x, &[0, start], &[length, width])
}

/// Attention of what has been projected, and the projection behind it.
fn attend(
    n: &mut Network,
    path: &str,
    [mut q, mut k, v]: [NodeId; 3],
    features: usize,
    options: &MultiHead,
) -> Result<NodeId, Fact> {
    let g = &mut n.graph;
    if let Some(base) = options.rotary {
        q = rotary(g, q, options.attention.heads, base, false)?;
        k = rotary(g, k, options.attention.kv_heads(), base, false)?;
    }
    let mixed = attention(g, [q, k, v], &options.attention)?;
    let out = Affine { bias: options.bias, bias_init: options.bias.then_some(Init::Zeros), ..Affine::new(features) };
    linear(n, &format!("{path}.out_proj"), mixed, &out)
}
