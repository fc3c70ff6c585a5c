//! Optimizers, with the defaults of `torch.optim`.

use nn_kernels::network::{Group, Optimizer, Rule};

use super::Default::{Nothing, Required};
use super::{Apply, Arguments, Function, Kind, Parameter};

const fn optimizer(
    name: &'static str,
    parameters: &'static [Parameter],
    apply: fn(&Arguments) -> Optimizer,
) -> Function {
    Function { name, parameters, apply: Apply::Optimizer(apply) }
}

const fn learning_rate(default: f64) -> Parameter {
    Parameter::number("learning_rate", default)
}

const WEIGHT_DECAY: Parameter = Parameter::number("weight_decay", 0.0);
const CLIP_NORM: Parameter = Parameter::option("clip_norm", Kind::Number, Nothing);
const CLIP_VALUE: Parameter = Parameter::option("clip_value", Kind::Number, Nothing);
const SKIP_NON_FINITE: Parameter = Parameter::flag("skip_non_finite", false);
const EMA: Parameter = Parameter::option("ema", Kind::Number, Nothing);
const GROUPS: Parameter = Parameter::option("groups", Kind::Groups, Nothing);
const MOMENTUM: Parameter = Parameter::number("momentum", 0.0);
const BETA1: Parameter = Parameter::number("beta1", 0.9);
const BETA2: Parameter = Parameter::number("beta2", 0.999);
const AMSGRAD: Parameter = Parameter::flag("amsgrad", false);

const fn eps(default: f64) -> Parameter {
    Parameter::number("eps", default)
}

pub static TABLE: &[Function] = &[
    optimizer(
        "sgd",
        &[
            learning_rate(1e-3),
            MOMENTUM,
            Parameter::number("dampening", 0.0),
            Parameter::flag("nesterov", false),
            WEIGHT_DECAY,
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| {
            let (momentum, dampening) = (a.number("momentum"), a.number("dampening"));
            with(Rule::Sgd { momentum, dampening, nesterov: a.flag("nesterov") }, a)
        },
    ),
    optimizer(
        "rmsprop",
        &[
            learning_rate(1e-2),
            Parameter::number("alpha", 0.99),
            eps(1e-8),
            MOMENTUM,
            Parameter::flag("centered", false),
            WEIGHT_DECAY,
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| {
            let (alpha, eps, momentum) = (a.number("alpha"), a.number("eps"), a.number("momentum"));
            with(Rule::RmsProp { alpha, eps, momentum, centered: a.flag("centered") }, a)
        },
    ),
    optimizer(
        "adagrad",
        &[
            learning_rate(1e-2),
            Parameter::number("lr_decay", 0.0),
            eps(1e-10),
            Parameter::number("initial_accumulator_value", 0.0),
            WEIGHT_DECAY,
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| {
            let (lr_decay, initial_accumulator) = (a.number("lr_decay"), a.number("initial_accumulator_value"));
            with(Rule::Adagrad { lr_decay, eps: a.number("eps"), initial_accumulator }, a)
        },
    ),
    optimizer(
        "adadelta",
        &[
            learning_rate(1.0),
            Parameter::number("rho", 0.9),
            eps(1e-6),
            WEIGHT_DECAY,
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| with(Rule::Adadelta { rho: a.number("rho"), eps: a.number("eps") }, a),
    ),
    optimizer(
        "adam",
        &[
            learning_rate(1e-3),
            BETA1,
            BETA2,
            eps(1e-8),
            AMSGRAD,
            WEIGHT_DECAY,
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| {
            let (beta1, beta2) = (a.number("beta1"), a.number("beta2"));
            with(Rule::Adam { beta1, beta2, eps: a.number("eps"), amsgrad: a.flag("amsgrad") }, a)
        },
    ),
    optimizer(
        "adamw",
        &[
            learning_rate(1e-3),
            BETA1,
            BETA2,
            eps(1e-8),
            AMSGRAD,
            Parameter::number("weight_decay", 1e-2),
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| {
            let (beta1, beta2) = (a.number("beta1"), a.number("beta2"));
            with(Rule::AdamW { beta1, beta2, eps: a.number("eps"), amsgrad: a.flag("amsgrad") }, a)
        },
    ),
    optimizer(
        "adamax",
        &[
            learning_rate(2e-3),
            BETA1,
            BETA2,
            eps(1e-8),
            WEIGHT_DECAY,
            CLIP_NORM,
            CLIP_VALUE,
            SKIP_NON_FINITE,
            EMA,
            GROUPS,
        ],
        |a| with(Rule::Adamax { beta1: a.number("beta1"), beta2: a.number("beta2"), eps: a.number("eps") }, a),
    ),
    GROUP,
];

/// What stands in `groups`.
pub const GROUP: Function = Function {
    name: "group",
    parameters: &[
        Parameter::positional("patterns", Kind::Patterns, Required),
        Parameter::option("learning_rate", Kind::Number, Nothing),
        Parameter::option("weight_decay", Kind::Number, Nothing),
    ],
    apply: Apply::Group(|a| Group {
        patterns: a.patterns("patterns").to_vec(),
        learning_rate: a.number_or_none("learning_rate"),
        weight_decay: a.number_or_none("weight_decay"),
    }),
};

fn with(rule: Rule, a: &Arguments) -> Optimizer {
    Optimizer {
        rule,
        learning_rate: a.number("learning_rate"),
        weight_decay: a.number("weight_decay"),
        clip_norm: a.number_or_none("clip_norm"),
        clip_value: a.number_or_none("clip_value"),
        skip_non_finite: a.flag("skip_non_finite"),
        ema: a.number_or_none("ema"),
        groups: a.groups("groups"),
    }
}
