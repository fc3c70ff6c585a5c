//! Arithmetic and elementwise functions.

use crate::graph::{Binary, Graph, NodeId, Op, Unary};
use crate::shape::{self, Allowed, Fact};

/// `a + b`, broadcasting as in NumPy.
pub fn add(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    broadcasting(g, Binary::Add, a, b)
}

/// `a - b`, broadcasting as in NumPy.
pub fn subtract(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    broadcasting(g, Binary::Subtract, a, b)
}

/// `a * b`, broadcasting as in NumPy.
pub fn multiply(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    broadcasting(g, Binary::Multiply, a, b)
}

/// `a / b`, broadcasting as in NumPy.
pub fn divide(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    broadcasting(g, Binary::Divide, a, b)
}

/// The smaller of two, broadcasting; where both are equal, each gets half of the gradient.
pub fn minimum(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    broadcasting(g, Binary::Minimum, a, b)
}

/// The larger of two, broadcasting; where both are equal, each gets half of the gradient.
pub fn maximum(g: &mut Graph, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    broadcasting(g, Binary::Maximum, a, b)
}

/// `base` to the power of `exponent`, broadcasting. Small whole exponents become products.
pub fn pow(g: &mut Graph, base: NodeId, exponent: NodeId) -> Result<NodeId, Fact> {
    let dims = shape::broadcast(&g.shape(base).dims, &g.shape(exponent).dims)?;
    let constant = g.as_constant(exponent).filter(|_| g.shape(base).dims == dims);
    match constant {
        Some(0.5) => sqrt(g, base),
        Some(-1.0) => Ok(g.unary(Unary::Reciprocal, base)),
        Some(3.0) => {
            let square = g.mul(base, base);
            Ok(g.mul(square, base))
        }
        Some(4.0) => {
            let square = g.mul(base, base);
            Ok(g.mul(square, square))
        }
        _ => broadcasting(g, Binary::Power, base, exponent),
    }
}

fn broadcasting(g: &mut Graph, op: Binary, a: NodeId, b: NodeId) -> Result<NodeId, Fact> {
    shape::broadcast(&g.shape(a).dims, &g.shape(b).dims)?;
    Ok(g.broadcast_binary(op, a, b))
}

/// `-x`.
pub fn negate(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Negate, x))
}

/// e to the power of `x`.
pub fn exp(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Exp, x))
}

/// The natural logarithm.
pub fn log(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Log, x))
}

/// The square root.
pub fn sqrt(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Sqrt, x))
}

/// The absolute value; its gradient at 0 is 0.
pub fn abs(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.unary(Unary::Abs, x))
}

/// `x * x`.
pub fn square(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    Ok(g.mul(x, x))
}

/// `x` kept within `min..=max`, where given; the gradient passes inside, bounds included.
pub fn clamp(g: &mut Graph, x: NodeId, min: Option<f64>, max: Option<f64>) -> Result<NodeId, Fact> {
    for (name, bound) in [("min", min), ("max", max)] {
        bound.map_or(Ok(()), |b| shape::option(name, b, Allowed::Finite))?;
    }
    if let (Some(min), Some(max)) = (min, max) {
        shape::option("max", max, Allowed::AtLeast(min))?;
    }
    let shape = g.shape(x).clone();
    let mut y = x;
    if let Some(max) = max {
        let max = g.filled(max, &shape);
        let above = g.binary(Binary::Less, max, x);
        y = g.select(above, max, y);
    }
    if let Some(min) = min {
        let min = g.filled(min, &shape);
        let below = g.binary(Binary::Less, x, min);
        y = g.select(below, min, y);
    }
    Ok(y)
}

/// While training, sets each element to 0 with probability `p` and scales the others by 1 / (1 - p); otherwise the
/// identity. The mask is never stored: the backward pass draws the same random numbers again.
pub fn dropout(g: &mut Graph, x: NodeId, p: f64) -> Result<NodeId, Fact> {
    shape::option("p", p, Allowed::Between(0.0, 1.0))?;
    if p == 0.0 {
        return Ok(x);
    }
    let shape = g.shape(x).clone();
    let zeros = g.filled(0.0, &shape);
    if p == 1.0 {
        return Ok(g.by_phase(zeros, x));
    }
    let stream = next_stream(g);
    let random = g.random(stream, &shape);
    let threshold = g.filled(p, &shape);
    let dropped = g.binary(Binary::Less, random, threshold);
    let scaled = g.scale(x, 1.0 / (1.0 - p));
    let training = g.select(dropped, zeros, scaled);
    Ok(g.by_phase(training, x))
}

/// A random stream that nobody has used yet.
fn next_stream(g: &Graph) -> u32 {
    let used = g.nodes().filter_map(|(_, n)| if let Op::Random(s) = n.op { Some(s + 1) } else { None });
    used.max().unwrap_or(0)
}
