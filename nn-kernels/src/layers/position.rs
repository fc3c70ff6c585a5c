//! Where in a sequence a position is: sinusoidal, learnt and rotary encodings.

use super::init::{Init, add_parameter};
use crate::graph::{Graph, NodeId, Shape, Unary};
use crate::network::Network;
use crate::shape::{self, Allowed, Fact, SequenceFact};

/// Adds sines and cosines of the position to a sequence `[length, features]`, as in "Attention is all you need": feature 2i gets
/// `sin(position / base^(2i / features))`, and feature 2i + 1 the cosine of the same angle. The default of `base` is 10,000.
pub fn positional_encoding(g: &mut Graph, x: NodeId, base: f64) -> Result<NodeId, Fact> {
    shape::option("base", base, Allowed::Above(0.0))?;
    let [length, features] = shape::length_and_features(0, &g.shape(x).dims)?;
    let shape = Shape::fixed(&[length, features]);
    let feature = g.iota(1, &shape);
    let half = g.scale(feature, 0.5);
    let pair = g.unary(Unary::Floor, half);
    let angle = angles(g, &shape, pair, base.ln() * 2.0 / features as f64);
    let (sine, cosine) = (g.unary(Unary::Sin, angle), g.unary(Unary::Cos, angle));
    let twice = g.scale(pair, 2.0);
    let is_odd = g.sub(feature, twice);
    let encoding = g.select(is_odd, cosine, sine);
    Ok(g.add2(x, encoding))
}

/// position * exp(-pair * rate), with positions along axis 0.
fn angles(g: &mut Graph, shape: &Shape, pair: NodeId, rate: f64) -> NodeId {
    let position = g.iota(0, shape);
    let exponent = g.scale(pair, -rate);
    let frequency = g.unary(Unary::Exp, exponent);
    g.mul(position, frequency)
}

/// Adds a row of a table to each position of a sequence `[length, features]`: `path.weight`, `[length, features]`, which starts as
/// PyTorch's embeddings do, normal with mean 0 and deviation 1.
pub fn position_embedding(n: &mut Network, path: &str, x: NodeId, init: Option<&Init>) -> Result<NodeId, Fact> {
    let dims = shape::length_and_features(0, &n.graph.shape(x).dims)?;
    let init = init.unwrap_or(&Init::Normal { mean: 0.0, std: 1.0 }).resolve(&dims)?;
    let weight = add_parameter(n, format!("{path}.weight"), &dims, init)?;
    Ok(n.graph.add2(x, weight))
}

/// Turns pairs of features by an angle that grows with the position (RoPE), in each of the heads of queries or keys `[length, features]`:
/// pair i of a head of width d by `position / base^(2i / d)`. Scores of attention then depend on distances alone.
///
/// A pair is features i and i + d/2 (as in Llama's published weights), or neighbours, 2i and 2i + 1, if `interleaved`.
pub fn rotary(g: &mut Graph, x: NodeId, heads: usize, base: f64, interleaved: bool) -> Result<NodeId, Fact> {
    shape::option("base", base, Allowed::Above(0.0))?;
    let from = g.shape(x).clone();
    let [length, features] = shape::length_and_features(0, &from.dims)?;
    let width = shape::head_width(0, features, "heads", heads)?;
    if width % 2 != 0 {
        return Err(SequenceFact::OddHead { operand: 0, width: features, heads }.into());
    }
    let pairs = width / 2;
    // [length, heads, which of the pair, pair], the last two exchanged if neighbours are pairs.
    let (dims, axis, half) = match interleaved {
        true => ([length, heads, pairs, 2], 3, [length, heads, pairs, 1]),
        false => ([length, heads, 2, pairs], 2, [length, heads, 1, pairs]),
    };
    let cut = g.reshape(x, &dims);
    let mut second = [0; 4];
    second[axis] = 1;
    let (a, b) = (g.slice(cut, &[0; 4], &half), g.slice(cut, &second, &half));
    let shape = Shape::fixed(&[half[0], 1, half[2], half[3]]);
    let pair = g.iota(5 - axis, &shape);
    let angle = angles(g, &shape, pair, base.ln() / pairs as f64);
    let (cosine, sine) = (g.unary(Unary::Cos, angle), g.unary(Unary::Sin, angle));
    let (ac, bs) = (g.mul(a, cosine), g.mul(b, sine));
    let (as_, bc) = (g.mul(a, sine), g.mul(b, cosine));
    let turned = [g.sub(ac, bs), g.add2(as_, bc)];
    let turned = g.concat(&turned, axis);
    Ok(g.reshape(turned, &from.dims))
}
