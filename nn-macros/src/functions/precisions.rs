//! Precisions of contractions, with the defaults of `torch.amp.GradScaler`.

use nn_kernels::network::{LossScale, Precision};

use super::Default::Integer;
use super::{Apply, Function, Kind, Parameter};

pub static TABLE: &[Function] = &[
    Function { name: "full", parameters: &[], apply: Apply::Precision(|_| Precision::Full) },
    Function {
        name: "mixed",
        parameters: &[
            Parameter::number("loss_scale", 65_536.0),
            Parameter::number("growth_factor", 2.0),
            Parameter::number("backoff_factor", 0.5),
            Parameter::option("growth_interval", Kind::Count, Integer(2000)),
            Parameter::flag("dynamic", true),
        ],
        apply: Apply::Precision(|a| {
            Precision::Mixed(LossScale {
                initial: a.number("loss_scale"),
                growth_factor: a.number("growth_factor"),
                backoff_factor: a.number("backoff_factor"),
                growth_interval: a.count("growth_interval"),
                dynamic: a.flag("dynamic"),
            })
        }),
    },
];
