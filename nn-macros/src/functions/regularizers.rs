//! Regularizers and constraints of layers, as Keras has them.

use nn_kernels::network::{Constraint, Penalty};

use super::Default::{Nothing, Number};
use super::{Apply, Function, Kind, Parameter};

const fn number(name: &'static str, default: f64) -> Parameter {
    Parameter::positional(name, Kind::Number, Number(default))
}

pub const REGULARIZER: Parameter = Parameter::option("regularizer", Kind::Regularizer, Nothing);
pub const BIAS_REGULARIZER: Parameter = Parameter::option("bias_regularizer", Kind::Regularizer, Nothing);
pub const CONSTRAINT: Parameter = Parameter::option("constraint", Kind::Constraint, Nothing);
pub const BIAS_CONSTRAINT: Parameter = Parameter::option("bias_constraint", Kind::Constraint, Nothing);

pub static TABLE: &[Function] = &[
    Function {
        name: "l1",
        parameters: &[number("l1", 0.01)],
        apply: Apply::Regularizer(|a| Penalty { l1: a.number("l1"), l2: 0.0 }),
    },
    Function {
        name: "l2",
        parameters: &[number("l2", 0.01)],
        apply: Apply::Regularizer(|a| Penalty { l1: 0.0, l2: a.number("l2") }),
    },
    Function {
        name: "l1_l2",
        parameters: &[number("l1", 0.01), number("l2", 0.01)],
        apply: Apply::Regularizer(|a| Penalty { l1: a.number("l1"), l2: a.number("l2") }),
    },
    Function {
        name: "max_norm",
        parameters: &[number("max", 2.0)],
        apply: Apply::Constraint(|a| Constraint::MaxNorm(a.number("max"))),
    },
    Function { name: "unit_norm", parameters: &[], apply: Apply::Constraint(|_| Constraint::UnitNorm) },
    Function { name: "non_negative", parameters: &[], apply: Apply::Constraint(|_| Constraint::NonNegative) },
];
