//! The meaning of elementwise operations in f64: for constant folding and for the interpreter.

use super::{Binary, Reduction, Unary};

impl Unary {
    /// The function's value.
    pub fn eval(self, x: f64) -> f64 {
        match self {
            Unary::Negate => -x,
            Unary::Exp => x.exp(),
            Unary::ExpM1 => x.exp_m1(),
            Unary::Log => x.ln(),
            Unary::Log1p => x.ln_1p(),
            Unary::Sqrt => x.sqrt(),
            Unary::Reciprocal => 1.0 / x,
            Unary::Abs => x.abs(),
            Unary::Sign => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            Unary::Floor => x.floor(),
            Unary::Tanh => x.tanh(),
            Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Unary::Erf => libm::erf(x),
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
        }
    }

    /// Its name in the readable plan.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Negate => "negate",
            Unary::Exp => "exp",
            Unary::ExpM1 => "expm1",
            Unary::Log => "log",
            Unary::Log1p => "log1p",
            Unary::Sqrt => "sqrt",
            Unary::Reciprocal => "reciprocal",
            Unary::Abs => "abs",
            Unary::Sign => "sign",
            Unary::Floor => "floor",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::Erf => "erf",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
        }
    }

    /// Whether it costs an order of magnitude more than an addition, so that recomputing is not free.
    pub fn is_expensive(self) -> bool {
        !matches!(self, Unary::Negate | Unary::Abs | Unary::Sign | Unary::Floor | Unary::Reciprocal | Unary::Sqrt)
    }
}

impl Binary {
    /// Its name in the readable plan.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Subtract => "subtract",
            Binary::Multiply => "multiply",
            Binary::Divide => "divide",
            Binary::Power => "power",
            Binary::Minimum => "minimum",
            Binary::Maximum => "maximum",
            Binary::Less => "less",
            Binary::LessEqual => "less or equal",
            Binary::Equal => "equal",
        }
    }

    /// The function's value.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        let truth = |t: bool| if t { 1.0 } else { 0.0 };
        match self {
            Binary::Add => a + b,
            Binary::Subtract => a - b,
            Binary::Multiply => a * b,
            Binary::Divide => a / b,
            Binary::Power => a.powf(b),
            Binary::Minimum => a.min(b),
            Binary::Maximum => a.max(b),
            Binary::Less => truth(a < b),
            Binary::LessEqual => truth(a <= b),
            Binary::Equal => truth(a == b),
        }
    }
}

impl Reduction {
    /// What an empty reduction starts from. Infinities are no WGSL constants, so the extremes are f32's largest.
    pub fn identity(self) -> f64 {
        match self {
            Reduction::Sum => 0.0,
            Reduction::Maximum => f64::from(f32::MIN),
            Reduction::Minimum => f64::from(f32::MAX),
        }
    }

    /// The combination of two values.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        match self {
            Reduction::Sum => a + b,
            Reduction::Maximum => a.max(b),
            Reduction::Minimum => a.min(b),
        }
    }
}
