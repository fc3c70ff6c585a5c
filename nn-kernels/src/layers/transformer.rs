//! Blocks of transformers, with PyTorch's options and parameters.

use super::activation::{gelu, relu};
use super::attention::{Attention, MultiHead, cross_attention, self_attention};
use super::dense::{Affine, linear};
use super::noise::dropout;
use super::norm::layer_norm_with;
use crate::graph::NodeId;
use crate::network::Network;
use crate::shape::{self, Fact};

/// The options of [`transformer_encoder_layer`] and [`transformer_decoder_layer`].
#[derive(Clone, Debug, PartialEq)]
pub struct Transformer {
    /// Those of the attention of the sequence with itself.
    pub attention: MultiHead,
    /// Features between the two linear layers; PyTorch's default is 2,048.
    pub feedforward: usize,
    /// What training drops, in all places; PyTorch's default is 0.1.
    pub dropout: f64,
    /// Whether the function between the two linear layers is `gelu`; PyTorch's default is `relu`.
    pub gelu: bool,
    /// Whether each part normalizes what it reads (and not what it gives); PyTorch's default is not.
    pub norm_first: bool,
    /// The `eps` of the normalizations; PyTorch's default is 1e-5.
    pub eps: f64,
    /// The mask of the sequence that a decoder looks at.
    pub memory_mask: Option<NodeId>,
}

/// PyTorch's `nn.TransformerEncoderLayer`: attention of a sequence `[length, features]` with itself, then two linear layers for each
/// position, both around a residual connection. Its parameters are `path.self_attn`, `path.linear1`, `path.linear2`, `path.norm1` and
/// `path.norm2`.
pub fn transformer_encoder_layer(
    n: &mut Network,
    path: &str,
    x: NodeId,
    options: &Transformer,
) -> Result<NodeId, Fact> {
    let block = Block { path, options, operand: x };
    let x = block.part(n, x, "norm1", |n, x| {
        n.graph.set_label(&format!("{path}.self_attn"));
        self_attention(n, &format!("{path}.self_attn"), x, &options.attention)
    })?;
    block.part(n, x, "norm2", |n, x| block.feedforward(n, x))
}

/// PyTorch's `nn.TransformerDecoderLayer`: as an encoder's layer, with attention to a `memory`, `[keys, features]`, in between. Its parameters
/// are `path.self_attn`, `path.multihead_attn`, `path.linear1`, `path.linear2`, and `path.norm1` to `path.norm3`.
pub fn transformer_decoder_layer(
    n: &mut Network,
    path: &str,
    [x, memory]: [NodeId; 2],
    options: &Transformer,
) -> Result<NodeId, Fact> {
    shape::length_and_features(1, &n.graph.shape(memory).dims)?;
    let block = Block { path, options, operand: x };
    let x = block.part(n, x, "norm1", |n, x| {
        n.graph.set_label(&format!("{path}.self_attn"));
        self_attention(n, &format!("{path}.self_attn"), x, &options.attention)
    })?;
    let cross = Attention { mask: options.memory_mask, causal: false, ..options.attention.attention.clone() };
    let cross = MultiHead { attention: cross, bias: options.attention.bias, rotary: None };
    let x = block.part(n, x, "norm2", |n, x| {
        n.graph.set_label(&format!("{path}.multihead_attn"));
        cross_attention(n, &format!("{path}.multihead_attn"), [x, memory], &cross)
    })?;
    block.part(n, x, "norm3", |n, x| block.feedforward(n, x))
}

struct Block<'a> {
    path: &'a str,
    options: &'a Transformer,
    /// What the block reads.
    operand: NodeId,
}

impl Block<'_> {
    /// A part of the block around which `x` is added.
    fn part(
        &self,
        n: &mut Network,
        x: NodeId,
        norm: &str,
        part: impl FnOnce(&mut Network, NodeId) -> Result<NodeId, Fact>,
    ) -> Result<NodeId, Fact> {
        shape::length_and_features(0, &n.graph.shape(self.operand).dims)?;
        let (path, options) = (format!("{}.{norm}", self.path), self.options);
        let normalize = |n: &mut Network, x: NodeId| {
            n.graph.set_label(&path);
            layer_norm_with(n, &path, x, None, options.eps, [true, options.attention.bias])
        };
        let read = if options.norm_first { normalize(n, x)? } else { x };
        let y = part(n, read)?;
        let y = dropout(&mut n.graph, y, options.dropout)?;
        let sum = n.graph.add2(x, y);
        if options.norm_first { Ok(sum) } else { normalize(n, sum) }
    }

    /// Two linear layers for each position.
    fn feedforward(&self, n: &mut Network, x: NodeId) -> Result<NodeId, Fact> {
        let features = n.graph.shape(x).dims[1];
        let layer = |features: usize| Affine { bias: self.options.attention.bias, ..Affine::new(features) };
        let path = |number: usize| format!("{}.linear{number}", self.path);
        n.graph.set_label(&path(1));
        let hidden = linear(n, &path(1), x, &layer(self.options.feedforward))?;
        let g = &mut n.graph;
        let hidden = if self.options.gelu { gelu(g, hidden, false)? } else { relu(g, hidden)? };
        let hidden = dropout(g, hidden, self.options.dropout)?;
        n.graph.set_label(&path(2));
        linear(n, &path(2), hidden, &layer(features))
    }
}
