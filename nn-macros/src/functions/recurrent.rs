//! Recurrent layers.

use nn_kernels::layers::{self, Cell, Recurrent};

use super::Default::{Integer, Nothing, Required, Word};
use super::values::{NAME, X};
use super::{Apply, Arguments, Function, Kind, Parameter};

const HIDDEN: Parameter = Parameter::positional("hidden", Kind::Count, Required);
const LAYERS: Parameter = Parameter::option("layers", Kind::Count, Integer(1));
const BIDIRECTIONAL: Parameter = Parameter::flag("bidirectional", false);
const DROPOUT: Parameter = Parameter::number("dropout", 0.0);
const BIAS: Parameter = Parameter::flag("bias", true);
const STATEFUL: Parameter = Parameter::flag("stateful", false);
const H: Parameter = Parameter::option("h", Kind::State, Nothing);
const C: Parameter = Parameter::option("c", Kind::State, Nothing);
const ACTIVATION: Parameter = Parameter::option("activation", Kind::Word(&["tanh", "relu"]), Word("tanh"));

pub static TABLE: &[Function] = &[
    Function {
        name: "rnn",
        parameters: &[X, HIDDEN, ACTIVATION, LAYERS, BIDIRECTIONAL, DROPOUT, BIAS, STATEFUL, H, NAME],
        apply: Apply::Recurrent(|n, path, a| {
            let cell = if a.word("activation") == "relu" { Cell::Relu } else { Cell::Tanh };
            layers::recurrent(n, path, a.tensor("x"), cell, &options(a), &[a.tensor_or_none("h")])
        }),
    },
    Function {
        name: "lstm",
        parameters: &[X, HIDDEN, LAYERS, BIDIRECTIONAL, DROPOUT, BIAS, STATEFUL, H, C, NAME],
        apply: Apply::Recurrent(|n, path, a| {
            let initial = [a.tensor_or_none("h"), a.tensor_or_none("c")];
            layers::recurrent(n, path, a.tensor("x"), Cell::Lstm, &options(a), &initial)
        }),
    },
    Function {
        name: "gru",
        parameters: &[X, HIDDEN, LAYERS, BIDIRECTIONAL, DROPOUT, BIAS, STATEFUL, H, NAME],
        apply: Apply::Recurrent(|n, path, a| {
            layers::recurrent(n, path, a.tensor("x"), Cell::Gru, &options(a), &[a.tensor_or_none("h")])
        }),
    },
];

fn options(a: &Arguments) -> Recurrent {
    Recurrent {
        hidden: a.count("hidden"),
        layers: a.count("layers"),
        bidirectional: a.flag("bidirectional"),
        dropout: a.number("dropout"),
        bias: a.flag("bias"),
        stateful: a.flag("stateful"),
    }
}
