//! Initializers, with the defaults of `torch.nn.init`.

use nn_kernels::layers::{Fan, Init, Nonlinearity};

use super::Default::{Nothing, Number, Required, Word};
use super::{Apply, Arguments, Function, Kind, Parameter};

const fn initializer(name: &'static str, parameters: &'static [Parameter], apply: fn(&Arguments) -> Init) -> Function {
    Function { name, parameters, apply: Apply::Initializer(apply) }
}

const fn number(name: &'static str, default: f64) -> Parameter {
    Parameter::positional(name, Kind::Number, Number(default))
}

/// With dimensions, it is no initializer but a tensor.
const DIMS: &[Parameter] = &[Parameter::positional("dims", Kind::PerAxis(1), Nothing)];
const GAIN: Parameter = Parameter::number("gain", 1.0);
const KAIMING: &[Parameter] = &[
    Parameter::number("a", 0.0),
    Parameter::option("mode", Kind::Word(&["fan_in", "fan_out"]), Word("fan_in")),
    Parameter::option(
        "nonlinearity",
        Kind::Word(&["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]),
        Word("leaky_relu"),
    ),
];

pub static TABLE: &[Function] = &[
    initializer("zeros", DIMS, |_| Init::Zeros),
    initializer("ones", DIMS, |_| Init::Ones),
    initializer("constant", &[Parameter::positional("value", Kind::Number, Required)], |a| Init::Constant {
        value: a.number("value"),
    }),
    initializer("uniform", &[number("low", 0.0), number("high", 1.0)], |a| Init::Uniform {
        low: a.number("low"),
        high: a.number("high"),
    }),
    initializer("normal", &[number("mean", 0.0), number("std", 1.0)], |a| Init::Normal {
        mean: a.number("mean"),
        std: a.number("std"),
    }),
    initializer(
        "truncated_normal",
        &[number("mean", 0.0), number("std", 1.0), number("low", -2.0), number("high", 2.0)],
        |a| Init::TruncatedNormal {
            mean: a.number("mean"),
            std: a.number("std"),
            low: a.number("low"),
            high: a.number("high"),
        },
    ),
    initializer("xavier_uniform", &[GAIN], |a| Init::XavierUniform { gain: a.number("gain") }),
    initializer("xavier_normal", &[GAIN], |a| Init::XavierNormal { gain: a.number("gain") }),
    initializer("kaiming_uniform", KAIMING, |a| Init::KaimingUniform {
        a: a.number("a"),
        mode: mode(a),
        nonlinearity: nonlinearity(a),
    }),
    initializer("kaiming_normal", KAIMING, |a| Init::KaimingNormal {
        a: a.number("a"),
        mode: mode(a),
        nonlinearity: nonlinearity(a),
    }),
    initializer("lecun_normal", &[], |_| Init::LecunNormal),
    initializer("orthogonal", &[GAIN], |a| Init::Orthogonal { gain: a.number("gain") }),
];

fn mode(a: &Arguments) -> Fan {
    if a.word("mode") == "fan_out" { Fan::Out } else { Fan::In }
}

fn nonlinearity(a: &Arguments) -> Nonlinearity {
    match a.word("nonlinearity") {
        "linear" => Nonlinearity::Linear,
        "sigmoid" => Nonlinearity::Sigmoid,
        "tanh" => Nonlinearity::Tanh,
        "relu" => Nonlinearity::Relu,
        "selu" => Nonlinearity::Selu,
        _ => Nonlinearity::LeakyRelu,
    }
}
