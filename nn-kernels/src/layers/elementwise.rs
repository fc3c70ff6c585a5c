//! Arithmetic and elementwise functions.

use crate::graph::{Binary, Graph, NodeId, Unary};
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
