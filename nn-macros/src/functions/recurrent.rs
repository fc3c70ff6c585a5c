//! Recurrent layers.

use nn_kernels::layers::{self, Cell, Recurrent, Sequence};
use nn_kernels::network::Network;
use nn_kernels::shape::Fact;

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
const LENGTH: Parameter = Parameter::option("length", Kind::Tokens, Nothing);
const ACTIVATION: Parameter = Parameter::option("activation", Kind::Word(&["tanh", "relu"]), Word("tanh"));

pub static TABLE: &[Function] = &[
    Function {
        name: "rnn",
        parameters: &[X, HIDDEN, ACTIVATION, LAYERS, BIDIRECTIONAL, DROPOUT, BIAS, STATEFUL, H, LENGTH, NAME],
        apply: Apply::Recurrent(|n, path, a| {
            layer(n, path, a, if a.word("activation") == "relu" { Cell::Relu } else { Cell::Tanh })
        }),
    },
    Function {
        name: "lstm",
        parameters: &[X, HIDDEN, LAYERS, BIDIRECTIONAL, DROPOUT, BIAS, STATEFUL, H, C, LENGTH, NAME],
        apply: Apply::Recurrent(|n, path, a| layer(n, path, a, Cell::Lstm)),
    },
    Function {
        name: "gru",
        parameters: &[X, HIDDEN, LAYERS, BIDIRECTIONAL, DROPOUT, BIAS, STATEFUL, H, LENGTH, NAME],
        apply: Apply::Recurrent(|n, path, a| layer(n, path, a, Cell::Gru)),
    },
];

fn layer(n: &mut Network, path: &str, a: &Arguments, cell: Cell) -> Result<Sequence, Fact> {
    let options = Recurrent {
        hidden: a.count("hidden"),
        layers: a.count("layers"),
        bidirectional: a.flag("bidirectional"),
        dropout: a.number("dropout"),
        bias: a.flag("bias"),
        stateful: a.flag("stateful"),
    };
    let initial: Vec<_> = cell.states().iter().map(|state| a.tensor_or_none(state)).collect();
    layers::recurrent(n, path, a.tensor("x"), cell, &options, &initial, a.tokens_or_none("length"))
}
