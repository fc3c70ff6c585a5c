//! Constants: integers and floats, known while expanding, with Rust's arithmetic, checked.

use std::rc::Rc;

use crate::diagnostics::{Diagnostics, Place};

/// A constant.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer; and the division that made it one, if that left a remainder.
    Integer(i64, Option<Rc<Division>>),
    /// A float.
    Float(f64),
}

/// A division of integers. One that leaves a remainder is right for sizes, and surely a mistake where a float is wanted.
#[derive(Debug)]
pub struct Division {
    /// Where.
    pub place: Place,
    /// As written.
    pub text: String,
    /// How a float would come out.
    pub as_floats: String,
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Number {
    /// An integer.
    pub fn integer(value: i64) -> Self {
        Number::Integer(value, None)
    }

    /// As a float, where one is wanted. An integer that comes from a division with a remainder is reported.
    pub fn to_float(&self, diagnostics: &mut Diagnostics) -> Option<f64> {
        match self {
            Number::Float(x) => Some(*x),
            Number::Integer(n, None) => Some(*n as f64),
            Number::Integer(n, Some(division)) => {
                let Division { place, text, as_floats } = &**division;
                diagnostics
                    .error(*place, format!("`{text}` is a division of integers, but a float is wanted"))
                    .note(format!("as in Rust, it leaves no fraction: the result is {n}"))
                    .help(format!("write `{as_floats}`"));
                None
            }
        }
    }

    /// `-self`
    pub fn negate(&self, place: Place, diagnostics: &mut Diagnostics) -> Option<Number> {
        match self {
            Number::Float(x) => Some(Number::Float(-x)),
            Number::Integer(n, division) => match n.checked_neg() {
                Some(n) => Some(Number::Integer(n, division.clone())),
                None => {
                    overflow(place, diagnostics);
                    None
                }
            },
        }
    }

    /// `left operator right`; `written` describes the expression, in case that something is wrong with it.
    pub fn arithmetic(
        operator: Operator,
        left: &Number,
        right: &Number,
        written: impl Fn() -> Division,
        diagnostics: &mut Diagnostics,
    ) -> Option<Number> {
        if let (Number::Integer(a, from_a), Number::Integer(b, from_b)) = (left, right) {
            let from = from_a.clone().or_else(|| from_b.clone());
            if *b == 0 && matches!(operator, Operator::Divide | Operator::Remainder) {
                diagnostics.error(written().place, "this divides by zero");
                return None;
            }
            let value = match operator {
                Operator::Add => a.checked_add(*b),
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::Divide => a.checked_div(*b),
                Operator::Remainder => a.checked_rem(*b),
            };
            let inexact = operator == Operator::Divide && a.checked_rem(*b).is_some_and(|r| r != 0);
            let from = if inexact { Some(Rc::new(written())) } else { from };
            return match value {
                Some(value) => Some(Number::Integer(value, from)),
                None => {
                    overflow(written().place, diagnostics);
                    None
                }
            };
        }
        let (a, b) = (left.to_float(diagnostics), right.to_float(diagnostics));
        let (a, b) = (a?, b?);
        let value = match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            Operator::Remainder => a % b,
        };
        if value.is_finite() {
            return Some(Number::Float(value));
        }
        let message = if b == 0.0 { "this divides by zero" } else { "this float is too large" };
        diagnostics.error(written().place, message);
        None
    }
}

fn overflow(place: Place, diagnostics: &mut Diagnostics) {
    diagnostics
        .error(place, "this overflows: integers reach up to 9223372036854775807")
        .help("write a float if the exact value does not matter");
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Integer(n, _) => write!(f, "{n}"),
            Number::Float(x) => write!(f, "{x:?}"),
        }
    }
}
