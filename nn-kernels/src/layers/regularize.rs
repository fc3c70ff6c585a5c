//! What keeps parameters small: penalties, which are part of the loss, and constraints, which each update ends with. The formulas are
//! Keras's; layouts are PyTorch's, so a unit's weights are a row.

use crate::graph::{Binary, Graph, NodeId, Reduction, Unary};
use crate::network::{Constrained, Constraint, Penalty};
use crate::shape::{self, Allowed, Fact};

/// Added to norms before something is divided by them.
const EPSILON: f64 = 1e-7;

/// Whether a penalty makes sense.
pub fn check_penalty(penalty: &Penalty) -> Result<(), Fact> {
    shape::option("l1", penalty.l1, Allowed::AtLeast(0.0))?;
    shape::option("l2", penalty.l2, Allowed::AtLeast(0.0))
}

/// Whether a constraint makes sense.
pub fn check_constraint(constraint: Constraint) -> Result<(), Fact> {
    match constraint {
        Constraint::MaxNorm(bound) => shape::option("max", bound, Allowed::Above(0.0)),
        Constraint::UnitNorm | Constraint::NonNegative => Ok(()),
    }
}

impl Constrained {
    /// A constraint of a parameter with these dimensions, whose units (neurons, filters) are its first axis: a unit's weights are all
    /// the others. A vector is one unit.
    pub fn rows(constraint: Constraint, dims: &[usize]) -> Self {
        let unit = if dims.len() > 1 { (1..dims.len()).collect() } else { (0..dims.len()).collect() };
        Constrained { constraint, dims: dims.to_vec(), unit }
    }

    /// The same of a transposed convolution's weight `[inputs, filters / groups, taps…]`.
    pub fn columns(constraint: Constraint, dims: &[usize], groups: usize) -> Self {
        let &[inputs, ref rest @ ..] = dims else { return Self::rows(constraint, dims) };
        let dims: Vec<usize> = [groups, inputs / groups.max(1)].into_iter().chain(rest.iter().copied()).collect();
        let unit = std::iter::once(1).chain(3..dims.len()).collect();
        Constrained { constraint, dims, unit }
    }
}

/// What a parameter costs: one number, without batch.
pub fn penalty(g: &mut Graph, parameter: NodeId, Penalty { l1, l2 }: Penalty) -> NodeId {
    let axes: Vec<usize> = (0..g.shape(parameter).rank()).collect();
    let size = g.unary(Unary::Abs, parameter);
    let square = g.mul(parameter, parameter);
    let (size, square) = (g.scale(size, l1), g.scale(square, l2));
    let cost = g.add2(size, square);
    g.reduce(Reduction::Sum, cost, &axes, false)
}

/// The gradient of [`penalty`] with respect to the parameter.
pub fn penalty_gradient(g: &mut Graph, parameter: NodeId, Penalty { l1, l2 }: Penalty) -> NodeId {
    let sign = g.unary(Unary::Sign, parameter);
    let (sign, double) = (g.scale(sign, l1), g.scale(parameter, 2.0 * l2));
    g.add2(sign, double)
}

/// A parameter as its constraint wants it; it has the constraint's dimensions. What satisfies it already stays as it is.
pub fn constrain(g: &mut Graph, parameter: NodeId, constrained: &Constrained) -> NodeId {
    let shape = g.shape(parameter).clone();
    if constrained.constraint == Constraint::NonNegative {
        let zero = g.filled(0.0, &shape);
        return g.binary(Binary::Maximum, parameter, zero);
    }
    let square = g.mul(parameter, parameter);
    let sum = g.reduce_keep(Reduction::Sum, square, &constrained.unit);
    let norm = g.unary(Unary::Sqrt, sum);
    let safe = g.offset(norm, EPSILON);
    let inverse = g.unary(Unary::Reciprocal, safe);
    let factor = match constrained.constraint {
        Constraint::MaxNorm(bound) => {
            let dims = g.shape(norm).clone();
            let (bound_of_each, one) = (g.filled(bound, &dims), g.filled(1.0, &dims));
            let within = g.binary(Binary::LessEqual, norm, bound_of_each);
            let shrink = g.scale(inverse, bound);
            g.select(within, one, shrink)
        }
        Constraint::UnitNorm | Constraint::NonNegative => inverse,
    };
    let factor = g.broadcast(factor, &shape);
    g.mul(parameter, factor)
}
