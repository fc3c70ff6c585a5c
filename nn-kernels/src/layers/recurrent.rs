//! Recurrent layers: loops over a sequence, written with the same primitives as a user's `scan`.
//!
//! What of a step depends on the input alone, its product with `weight_ih`, is computed for all steps at once before the loop.

use super::activation::{relu, sigmoid, tanh};
use super::dense::product;
use super::embedding::mask_from;
use super::init::add_parameter;
use super::movement::element;
use super::noise::dropout;
use super::padding::cut;
use crate::graph::{Graph, NodeId, Shape};
use crate::network::{Initializer, Network};
use crate::shape::{self, Allowed, Fact};

/// What a recurrent layer computes at each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// h' = tanh(W x + b + U h + d).
    Tanh,
    /// h' = relu(W x + b + U h + d).
    Relu,
    /// Gates i, f, g, o, in this order: c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c').
    Lstm,
    /// Gates r, z, n, in this order: n = tanh(W x + b + σ(r) (U h + d)), h' = (1 - σ(z)) n + σ(z) h.
    Gru,
}

impl Cell {
    /// How many blocks of `hidden` rows its weights have.
    fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// The names of its states; the first one is its result.
    pub fn states(self) -> &'static [&'static str] {
        match self {
            Cell::Lstm => &["h", "c"],
            _ => &["h"],
        }
    }

    /// The new states, from the input's product `p` and the states so far.
    fn step(self, g: &mut Graph, p: NodeId, states: &[NodeId], recurrent: &Weights) -> Result<Vec<NodeId>, Fact> {
        let (h, hidden) = (states[0], g.shape(states[0]).dims[0]);
        let q = product(g, h, recurrent.weight, recurrent.bias);
        let gate = |g: &mut Graph, x, number| cut(g, x, 0, number * hidden, hidden);
        Ok(match self {
            Cell::Tanh => {
                let sum = g.add2(p, q);
                vec![tanh(g, sum)?]
            }
            Cell::Relu => {
                let sum = g.add2(p, q);
                vec![relu(g, sum)?]
            }
            Cell::Lstm => {
                let sum = g.add2(p, q);
                let (i, f) = (gate(g, sum, 0), gate(g, sum, 1));
                let (i, f) = (sigmoid(g, i)?, sigmoid(g, f)?);
                let (new, o) = (gate(g, sum, 2), gate(g, sum, 3));
                let (new, o) = (tanh(g, new)?, sigmoid(g, o)?);
                let (kept, added) = (g.mul(f, states[1]), g.mul(i, new));
                let c = g.add2(kept, added);
                let shown = tanh(g, c)?;
                vec![g.mul(o, shown), c]
            }
            Cell::Gru => {
                let sum = |g: &mut Graph, number| {
                    let (p, q) = (gate(g, p, number), gate(g, q, number));
                    g.add2(p, q)
                };
                let (r, z) = (sum(g, 0), sum(g, 1));
                let (r, z) = (sigmoid(g, r)?, sigmoid(g, z)?);
                let (p, q) = (gate(g, p, 2), gate(g, q, 2));
                let seen = g.mul(r, q);
                let new = g.add2(p, seen);
                let new = tanh(g, new)?;
                // (1 - z) n + z h
                let difference = g.sub(h, new);
                let kept = g.mul(z, difference);
                vec![g.add2(new, kept)]
            }
        })
    }
}

/// The options of recurrent layers, with PyTorch's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent {
    /// Numbers in a state.
    pub hidden: usize,
    /// Layers on top of each other; 1 by default.
    pub layers: usize,
    /// Whether a second loop goes from the last step to the first one; its results stand behind those of the other.
    pub bidirectional: bool,
    /// What is dropped, while training, of the results of all layers but the last one; 0 by default.
    pub dropout: f64,
    /// Whether there are biases; by default there are.
    pub bias: bool,
    /// Whether a batch goes on where the one before has ended; by default each begins with zeros.
    pub stateful: bool,
}

impl Recurrent {
    /// So many numbers in a state, and PyTorch's defaults.
    pub fn new(hidden: usize) -> Self {
        Recurrent { hidden, layers: 1, bidirectional: false, dropout: 0.0, bias: true, stateful: false }
    }
}

/// What a recurrent layer gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// The last layer's results at all steps.
    pub outputs: NodeId,
    /// The states behind the last step of each sample, by name: `[hidden]`, or with several layers or directions a row for each, in PyTorch's
    /// order (layers, and in each of them the two directions).
    pub states: Vec<(&'static str, NodeId)>,
}

/// Weights and bias of one product.
struct Weights {
    weight: NodeId,
    bias: Option<NodeId>,
}

/// A recurrent layer over a sequence `[length, features]`: results `[length, hidden]`, or `[length, 2 * hidden]` in both
/// directions. `initial` has the states to begin with, where they are given; otherwise they begin with zeros, or, if the layer is
/// stateful, with what the batch before has left, which the network keeps as `{path}.h` (and `{path}.c`).
///
/// With a `length`, an input and its number of classes, the steps from there on are padding, as in PyTorch's packed sequences: results
/// there are zeros, the other direction begins at the sample's last step, and states are those behind it.
///
/// Parameters are called and laid out as PyTorch's: for layer `k`, `weight_ih_l{k}` `[gates * hidden, features]`,
/// `weight_hh_l{k}` `[gates * hidden, hidden]`, `bias_ih_l{k}` and `bias_hh_l{k}` `[gates * hidden]`, and the same with
/// `_reverse` behind it. All are uniform within ± 1 / sqrt(hidden).
pub fn recurrent(
    n: &mut Network,
    path: &str,
    x: NodeId,
    cell: Cell,
    options: &Recurrent,
    initial: &[Option<NodeId>],
    length: Option<(NodeId, usize)>,
) -> Result<Sequence, Fact> {
    shape::sequence(0, &n.graph.shape(x).dims)?;
    shape::option("dropout", options.dropout, Allowed::Between(0.0, 1.0))?;
    let directions = 1 + usize::from(options.bidirectional);
    let rows = options.layers * directions;
    let kept = if options.stateful { keep(n, path, cell, options, initial)? } else { vec![] };
    let given: Vec<Option<NodeId>> = match options.stateful {
        true => kept.iter().copied().map(Some).collect(),
        false => initial.to_vec(),
    };
    let begin = begin(&mut n.graph, cell, options.hidden, rows, &given)?;
    let steps = n.graph.shape(x).dims[0];
    let there = length.map(|length| mask_from(&mut n.graph, length, steps)).transpose()?;
    let mut finals: Vec<Vec<NodeId>> = vec![Vec::new(); begin.len()];
    let mut x = x;
    for layer in 0..options.layers {
        let mut outputs = Vec::new();
        for direction in 0..directions {
            let row = layer * directions + direction;
            let begin: Vec<NodeId> = begin.iter().map(|rows| rows[row]).collect();
            let suffix = format!("_l{layer}{}", if direction == 1 { "_reverse" } else { "" });
            let weights = weights(n, path, &suffix, x, cell, options)?;
            let (output, states) = run(&mut n.graph, x, cell, &weights, &begin, direction == 1, there)?;
            outputs.push(output);
            finals.iter_mut().zip(states).for_each(|(rows, state)| rows.push(state));
        }
        x = n.graph.concat(&outputs, 1);
        if layer + 1 < options.layers {
            x = dropout(&mut n.graph, x, options.dropout)?;
        }
    }
    let joined: Vec<NodeId> = finals.iter().map(|rows| join(&mut n.graph, rows)).collect();
    kept.into_iter().zip(&joined).for_each(|(leaf, state)| n.kept_becomes(leaf, *state));
    let states = cell.states().iter().copied().zip(joined).collect();
    Ok(Sequence { outputs: x, states })
}

/// The states of a stateful layer, as the batch before has left them.
fn keep(
    n: &mut Network,
    path: &str,
    cell: Cell,
    options: &Recurrent,
    initial: &[Option<NodeId>],
) -> Result<Vec<NodeId>, Fact> {
    if let Some((option, _)) = cell.states().iter().zip(initial).find(|(_, given)| given.is_some()) {
        return Err(Fact::Stateful { option });
    }
    if options.bidirectional {
        return Err(Fact::Stateful { option: "bidirectional" });
    }
    let dims = if options.layers == 1 { vec![options.hidden] } else { vec![options.layers, options.hidden] };
    Ok(cell.states().iter().map(|name| n.keep(&format!("{path}.{name}"), &dims)).collect())
}

/// For each state, what it begins with in each row.
fn begin(
    g: &mut Graph,
    cell: Cell,
    hidden: usize,
    rows: usize,
    initial: &[Option<NodeId>],
) -> Result<Vec<Vec<NodeId>>, Fact> {
    let zeros = g.filled(0.0, &Shape::fixed(&[hidden]));
    let expected = if rows == 1 { vec![hidden] } else { vec![rows, hidden] };
    let names = cell.states().iter().zip(initial);
    let begin = names.map(|(name, given)| match *given {
        None => Ok(vec![zeros; rows]),
        Some(given) => {
            let shape = g.shape(given).dims.clone();
            if shape != expected {
                return Err(Fact::State { option: name, shape, expected: expected.clone() });
            }
            Ok(if rows == 1 { vec![given] } else { (0..rows).map(|row| element(g, given, row)).collect() })
        }
    });
    begin.collect()
}

/// The final states of all rows as one tensor.
fn join(g: &mut Graph, rows: &[NodeId]) -> NodeId {
    if let [one] = rows {
        return *one;
    }
    let rows: Vec<NodeId> = rows
        .iter()
        .map(|&row| {
            let hidden = g.shape(row).dims[0];
            g.reshape(row, &[1, hidden])
        })
        .collect();
    g.concat(&rows, 0)
}

/// The parameters of one layer in one direction: those of the input, and those of the state.
fn weights(
    n: &mut Network,
    path: &str,
    suffix: &str,
    x: NodeId,
    cell: Cell,
    options: &Recurrent,
) -> Result<[Weights; 2], Fact> {
    let (steps, features) = (n.graph.shape(x).dims[0], n.graph.shape(x).dims[1]);
    let outputs = cell.gates() * options.hidden;
    shape::dims(&[steps, outputs])?;
    let bound = 1.0 / (options.hidden as f64).sqrt();
    let init = Initializer::Uniform { low: -bound, high: bound };
    let mut add = |name: &str, dims: &[usize]| add_parameter(n, format!("{path}.{name}{suffix}"), dims, init);
    let (ih, hh) = (add("weight_ih", &[outputs, features])?, add("weight_hh", &[outputs, options.hidden])?);
    let (ih_bias, hh_bias) = match options.bias {
        true => (Some(add("bias_ih", &[outputs])?), Some(add("bias_hh", &[outputs])?)),
        false => (None, None),
    };
    Ok([Weights { weight: ih, bias: ih_bias }, Weights { weight: hh, bias: hh_bias }])
}

/// One layer in one direction: the results of all steps, in the order of `x`, and the final states. Of a step that is not `there`, a
/// state stays what it is.
fn run(
    g: &mut Graph,
    x: NodeId,
    cell: Cell,
    [input, state]: &[Weights; 2],
    begin: &[NodeId],
    reverse: bool,
    there: Option<NodeId>,
) -> Result<(NodeId, Vec<NodeId>), Fact> {
    let steps = g.shape(x).dims[0];
    let mut projected = product(g, x, input.weight, input.bias);
    let mut inner = Weights { weight: state.weight, bias: state.bias };
    if cell != Cell::Gru {
        // Where both biases are added to one sum, that can be done for all steps at once, too.
        if let Some(bias) = inner.bias.take() {
            projected = g.add2(projected, bias);
        }
    }
    let id = g.begin_loop(steps, reverse);
    let p = g.at(id, projected);
    let states: Vec<NodeId> = begin.iter().map(|&begin| g.carry(id, begin)).collect();
    let mut next = cell.step(g, p, &states, &inner)?;
    let mut result = next[0];
    if let Some(there) = there {
        let shape = g.shape(states[0]).clone();
        let there = g.at(id, there);
        let (there, zero) = (g.broadcast(there, &shape), g.filled(0.0, &shape));
        result = g.select(there, result, zero);
        next = next.iter().zip(&states).map(|(next, state)| g.select(there, *next, *state)).collect();
    }
    let pairs: Vec<(NodeId, NodeId)> = states.iter().copied().zip(next.iter().copied()).collect();
    let finals = g.end_loop(id, &pairs);
    Ok((g.stacked(id, result), finals))
}
