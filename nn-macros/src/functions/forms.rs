//! What decides while compiling: loops, and what is known of tensors.

use nn_kernels::layers::Target;
use nn_kernels::shape;

use super::Default::Required;
use super::{Apply, Function, Kind, Parameter};

pub static TABLE: &[Function] = &[
    Function { name: "sample_weight", parameters: &[], apply: Apply::SampleWeight },
    Function {
        name: "repeat",
        parameters: &[
            Parameter::tensor("x"),
            Parameter::positional("n", Kind::Count, Required),
            Parameter::positional("block", Kind::Block, Required),
        ],
        apply: Apply::Repeat,
    },
    Function {
        name: "time_distributed",
        parameters: &[Parameter::tensor("x"), Parameter::positional("block", Kind::Block, Required)],
        apply: Apply::TimeDistributed,
    },
    Function {
        name: "dim",
        parameters: &[
            Parameter { name: "x", kind: Kind::Target, default: Required, positional: true },
            Parameter::positional("axis", Kind::Axis, Required),
        ],
        apply: Apply::Size(|g, a| {
            let (Target::Values(x) | Target::Classes { node: x, .. }) = a.target("x");
            let dims = &g.shape(x).dims;
            Ok(dims[shape::axis(a.integer("axis"), dims)?])
        }),
    },
];
