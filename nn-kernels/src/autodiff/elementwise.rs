//! Gradients of elementwise operations.

use crate::graph::{Binary, Graph, NodeId, Op, Unary};

/// Of `y = op(x)`.
pub fn unary(g: &mut Graph, op: Unary, x: NodeId, y: NodeId, gradient: NodeId) -> Option<NodeId> {
    Some(match op {
        Unary::Negate => g.unary(Unary::Negate, gradient),
        Unary::Exp => g.mul(gradient, y),
        Unary::ExpM1 => {
            let e = g.offset(y, 1.0);
            g.mul(gradient, e)
        }
        Unary::Log => g.div(gradient, x),
        Unary::Log1p => {
            let shifted = g.offset(x, 1.0);
            g.div(gradient, shifted)
        }
        Unary::Sqrt => {
            let half = g.scale(gradient, 0.5);
            g.div(half, y)
        }
        Unary::Reciprocal => {
            let square = g.mul(y, y);
            let product = g.mul(gradient, square);
            g.unary(Unary::Negate, product)
        }
        Unary::Abs => {
            let sign = g.unary(Unary::Sign, x);
            g.mul(gradient, sign)
        }
        Unary::Tanh => {
            let square = g.mul(y, y);
            let slope = one_minus(g, square);
            g.mul(gradient, slope)
        }
        Unary::Sigmoid => {
            let rest = one_minus(g, y);
            let slope = g.mul(y, rest);
            g.mul(gradient, slope)
        }
        Unary::Erf => {
            let square = g.mul(x, x);
            let negative = g.unary(Unary::Negate, square);
            let bell = g.unary(Unary::Exp, negative);
            let slope = g.scale(bell, std::f64::consts::FRAC_2_SQRT_PI);
            g.mul(gradient, slope)
        }
        Unary::Sin => {
            let slope = g.unary(Unary::Cos, x);
            g.mul(gradient, slope)
        }
        Unary::Cos => {
            let slope = g.unary(Unary::Sin, x);
            let product = g.mul(gradient, slope);
            g.unary(Unary::Negate, product)
        }
        // Rounding is a step that gradients pass straight through.
        Unary::ToHalf => gradient,
        Unary::Sign | Unary::Floor | Unary::IsFinite => return None,
    })
}

fn one_minus(g: &mut Graph, x: NodeId) -> NodeId {
    let one = g.constant(1.0);
    g.sub(one, x)
}

/// Of `y = op(args)` for argument `i`.
pub fn binary(g: &mut Graph, op: Binary, args: [NodeId; 2], y: NodeId, gradient: NodeId, i: usize) -> Option<NodeId> {
    let (this, other) = (args[i], args[1 - i]);
    Some(match (op, i) {
        (Binary::Add, _) | (Binary::Subtract, 0) => gradient,
        (Binary::Subtract, _) => g.unary(Unary::Negate, gradient),
        (Binary::Multiply, _) => g.mul(gradient, other),
        (Binary::Divide, 0) => g.div(gradient, other),
        (Binary::Divide, _) => {
            let share = g.div(gradient, this);
            let product = g.mul(share, y);
            g.unary(Unary::Negate, product)
        }
        (Binary::Power, 0) => base_of_power(g, this, other, gradient),
        (Binary::Power, _) => {
            // 0 to the power of anything positive does not change with the exponent; log(0) must not be multiplied by 0.
            let log = log_or_zero(g, other);
            let slope = g.mul(y, log);
            g.mul(gradient, slope)
        }
        (Binary::Minimum | Binary::Maximum, _) => {
            let loses = match op {
                Binary::Minimum => g.binary(Binary::Less, other, this),
                _ => g.binary(Binary::Less, this, other),
            };
            let tie = g.binary(Binary::Equal, this, other);
            let half = g.scale(gradient, 0.5);
            let share = g.select(tie, half, gradient);
            let zero = zeros(g, gradient);
            g.select(loses, zero, share)
        }
        (Binary::Less | Binary::LessEqual | Binary::Equal, _) => return None,
    })
}

/// exponent * base^(exponent - 1), and 0 where the exponent is 0, whatever the base.
fn base_of_power(g: &mut Graph, base: NodeId, exponent: NodeId, gradient: NodeId) -> NodeId {
    let lower = g.offset(exponent, -1.0);
    let power = g.broadcast_binary(Binary::Power, base, lower);
    let slope = g.mul(exponent, power);
    let product = g.mul(gradient, slope);
    if g.as_constant(exponent).is_some() {
        return product; // a constant 0 has folded away
    }
    let zero = zeros(g, gradient);
    let flat = g.binary(Binary::Equal, exponent, zero);
    g.select(flat, zero, product)
}

fn log_or_zero(g: &mut Graph, x: NodeId) -> NodeId {
    let zero = zeros(g, x);
    let is_zero = g.binary(Binary::Equal, x, zero);
    let one = g.filled(1.0, &g.shape(x).clone());
    let safe = g.select(is_zero, one, x);
    g.unary(Unary::Log, safe)
}

/// Of `y = condition != 0 ? args[1] : args[2]` for argument `i`; none for the condition.
pub fn select(g: &mut Graph, args: [NodeId; 3], y: NodeId, gradient: NodeId, i: usize) -> Option<NodeId> {
    let condition = condition_on_result(g, args, y).unwrap_or(args[0]);
    let zero = zeros(g, gradient);
    match i {
        1 => Some(g.select(condition, gradient, zero)),
        2 => Some(g.select(condition, zero, gradient)),
        _ => None,
    }
}

/// The same condition, asked of the result instead of the argument, so that the argument may be forgotten. It can be
/// had for relu and its like: `x <= k ? k : x`, `k <= x ? k : x`, and `x <= 0 ? c x : x` with c > 0.
fn condition_on_result(g: &mut Graph, [condition, a, b]: [NodeId; 3], y: NodeId) -> Option<NodeId> {
    let Op::Binary(Binary::LessEqual) = g.node(condition).op else { return None };
    let (low, high) = (g.node(condition).args[0], g.node(condition).args[1]);
    let leaky = || {
        let Op::Binary(Binary::Multiply) = g.node(a).op else { return false };
        let factors = &g.node(a).args;
        let slope = factors.iter().find_map(|&f| g.as_constant(f));
        factors.contains(&b) && slope.is_some_and(|c| c > 0.0) && g.as_constant(high) == Some(0.0)
    };
    if b == low && (a == high || leaky()) {
        Some(g.binary(Binary::LessEqual, y, high))
    } else if b == high && a == low {
        Some(g.binary(Binary::LessEqual, low, y))
    } else {
        None
    }
}

/// The sum of two gradients of one node. Two branches of one `select` become one again.
pub fn accumulate(g: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    if let (Op::Select, Op::Select) = (&g.node(a).op, &g.node(b).op) {
        let (left, right) = (g.node(a).args.clone(), g.node(b).args.clone());
        let zero = |id: NodeId| g.as_constant(id) == Some(0.0);
        if left[0] == right[0] && zero(left[2]) && zero(right[1]) {
            return g.select(left[0], left[1], right[2]);
        }
        if left[0] == right[0] && zero(left[1]) && zero(right[2]) {
            return g.select(left[0], right[1], left[2]);
        }
    }
    g.add2(a, b)
}

fn zeros(g: &mut Graph, like: NodeId) -> NodeId {
    let shape = g.shape(like).clone();
    g.filled(0.0, &shape)
}
