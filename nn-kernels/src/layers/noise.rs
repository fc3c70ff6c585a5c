//! Noise that training adds and inference leaves out. It is never stored: the backward pass draws the same numbers again.

use crate::graph::{Binary, Graph, NodeId, Op, Shape, Unary};
use crate::shape::{self, Allowed, Fact, LAYOUTS};

/// While training, sets each element to 0 with probability `p` and scales the others by 1 / (1 - p); otherwise the
/// identity.
pub fn dropout(g: &mut Graph, x: NodeId, p: f64) -> Result<NodeId, Fact> {
    let mask = g.shape(x).clone();
    drop_with(g, x, p, &mask)
}

/// As [`dropout`], for whole channels of an image.
pub fn dropout2d(g: &mut Graph, x: NodeId, p: f64) -> Result<NodeId, Fact> {
    let shape = g.shape(x).clone();
    shape::layout(0, &shape.dims, LAYOUTS[1])?;
    drop_with(g, x, p, &Shape { batch: shape.batch, dims: vec![shape.dims[0], 1, 1] })
}

/// Dropout with one decision for each element of a mask, which is broadcast.
fn drop_with(g: &mut Graph, x: NodeId, p: f64, mask: &Shape) -> Result<NodeId, Fact> {
    shape::option("p", p, Allowed::Between(0.0, 1.0))?;
    if p == 0.0 {
        return Ok(x);
    }
    let shape = g.shape(x).clone();
    let zeros = g.filled(0.0, &shape);
    if p == 1.0 {
        return Ok(g.by_phase(zeros, x));
    }
    let random = random(g, mask);
    let threshold = g.filled(p, mask);
    let dropped = g.binary(Binary::Less, random, threshold);
    let dropped = g.broadcast(dropped, &shape);
    let scaled = g.scale(x, 1.0 / (1.0 - p));
    let training = g.select(dropped, zeros, scaled);
    Ok(g.by_phase(training, x))
}

/// While training, adds normal noise with mean 0 and standard deviation `std`; otherwise the identity.
pub fn gaussian_noise(g: &mut Graph, x: NodeId, std: f64) -> Result<NodeId, Fact> {
    shape::option("std", std, Allowed::AtLeast(0.0))?;
    if std == 0.0 {
        return Ok(x);
    }
    let shape = g.shape(x).clone();
    let noise = normal(g, &shape);
    let noise = g.scale(noise, std);
    let training = g.add2(x, noise);
    Ok(g.by_phase(training, x))
}

/// Standard normal numbers, by Box and Muller: sqrt(-2 log(1 - u)) * cos(2π v) for uniform u, v.
fn normal(g: &mut Graph, shape: &Shape) -> NodeId {
    let (u, v) = (random(g, shape), random(g, shape));
    let minus_u = g.unary(Unary::Negate, u);
    let log = g.unary(Unary::Log1p, minus_u);
    let square = g.scale(log, -2.0);
    let radius = g.unary(Unary::Sqrt, square);
    let angle = g.scale(v, 2.0 * std::f64::consts::PI);
    let cosine = g.unary(Unary::Cos, angle);
    g.mul(radius, cosine)
}

/// Uniform numbers from a random stream that nobody has used yet.
fn random(g: &mut Graph, shape: &Shape) -> NodeId {
    let used = g.nodes().filter_map(|(_, n)| if let Op::Random(s) = n.op { Some(s + 1) } else { None });
    let stream = used.max().unwrap_or(0);
    g.random(stream, shape)
}
