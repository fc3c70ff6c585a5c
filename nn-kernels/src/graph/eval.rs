//! The meaning of elementwise operations and of row numbers in f64: for constant folding and for the interpreter.

use super::{Binary, Reduction, Unary};

/// The row of a table that a number means: of this number, or the nearest one.
pub(crate) fn row_number(number: f64, rows: usize) -> usize {
    (number as usize).min(rows - 1)
}

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
            Unary::ToHalf => f64::from(to_half(x as f32)),
            Unary::IsFinite => f64::from(u8::from(x.is_finite())),
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
            Unary::ToHalf => "to f16",
            Unary::IsFinite => "is finite",
        }
    }

    /// Whether it costs an order of magnitude more than an addition, so that recomputing is not free.
    pub fn is_expensive(self) -> bool {
        !matches!(
            self,
            Unary::Negate
                | Unary::Abs
                | Unary::Sign
                | Unary::Floor
                | Unary::Reciprocal
                | Unary::Sqrt
                | Unary::ToHalf
                | Unary::IsFinite
        )
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

/// The nearest number that an f16 holds, ties to even; infinite from 65,520 on.
fn to_half(x: f32) -> f32 {
    let (bits, magnitude) = (x.abs().to_bits(), x.abs());
    let rounded = match bits {
        0x7f80_0000.. => magnitude,
        // Below 2^-14 there is one step for all: that of numbers from 0.5 on.
        ..0x3880_0000 => (magnitude + 0.5) - 0.5,
        _ => match (bits + 0xfff + (bits >> 13 & 1)) & !0x1fff {
            0x4780_0000.. => f32::INFINITY,
            rounded => f32::from_bits(rounded),
        },
    };
    rounded.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::to_half;

    #[test]
    fn halves_are_rounded_to_even() {
        let step = 1.0 / 1024.0;
        for (x, rounded) in [
            (1.0 + step / 2.0, 1.0),
            (1.0 + 1.5 * step, 1.0 + 2.0 * step),
            (65_519.996, 65_504.0),
            (-65_520.0, f32::NEG_INFINITY),
            (2f32.powi(-25), 0.0),
            (1.5 * 2f32.powi(-24), 2f32.powi(-23)),
            (-6.1e-5, -1023.0 * 2f32.powi(-24)),
            (f32::INFINITY, f32::INFINITY),
        ] {
            assert_eq!(to_half(x), rounded, "{x}");
        }
        assert!(to_half(f32::NAN).is_nan() && to_half(-0.0).is_sign_negative());
    }
}
