//! Step programs: of a network over whole sequences, the network that is given one position after another.
//!
//! What each position needs of those before it is kept: the states of loops, the rows behind a window, and for attention all rows so far
//! (the keys and values that other libraries call a cache). The result is a [`Network`] with the same parameters, so everything behind
//! it (fusion, memory, printers) is what it is for every other network.
//!
//! The pass goes over the graph three times:
//!
//! 1. `class` finds out how each node depends on the sequence: not at all, along one axis (or two: each query with each key), as a
//!    value of a loop's body, or as what there is behind the end.
//! 2. `needs` goes back from the outputs: of which nodes is the row of this position needed, and of which all rows so far? One node may
//!    be needed in several `Form`s.
//! 3. `build` makes each node in these forms, with extent 1 along the axis of time.
//!
//! A form with history has entries that are not known yet, those of later positions. That they do not matter is proved, not assumed:
//! `future` says what is known about them, and a sum over them must be a sum of zeros. A network that looks ahead has no step program.

mod accesses;
mod build;
mod class;
mod future;
mod needs;
mod position;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, NodeId};
use crate::network::Network;
use crate::simplify::{Phase, specialize};

use build::Builder;
use class::{Class, classes};
use needs::needs;

/// The network that is given one position at a time.
#[derive(Clone, Debug)]
pub struct Stepwise {
    /// Inputs are rows where they were sequences, and outputs are rows, too; what goes from step to step is in [`Network::kept`]. Parameters
    /// are those of the network that it was made of.
    pub network: Network,
    /// How many steps there can be, where something has no place for more: the sequence's length. `None` if there is no end.
    pub limit: Option<usize>,
}

/// Why a network has no step program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The path of the operation that is in the way.
    pub label: String,
    /// What it does.
    pub reason: Reason,
}

/// What an operation does that no step program can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It sums or compares over positions, later ones included.
    LooksAhead,
    /// It reads so many positions ahead.
    Window(usize),
    /// It begins with the last position.
    Backwards,
    /// What is known only at the end is used at every position.
    End,
    /// It makes one axis of the positions and of something else.
    Merged,
    /// It takes away or adds positions.
    Length,
    /// It goes over positions in steps of more than one.
    Stride,
    /// It loops over something else than the positions that arrive.
    Loop,
    /// Pairs of positions are kept as a whole.
    Pairs,
}

/// In which form a node is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    /// The axis along which there is only this position.
    time: Option<usize>,
    /// The axis along which there are all positions so far, each at its place, and something else behind them.
    history: Option<usize>,
}

impl Form {
    /// All of it.
    const WHOLE: Form = Form { time: None, history: None };

    fn row(time: usize) -> Self {
        Form { time: Some(time), history: None }
    }

    /// The same of a tensor with other axes.
    fn map(self, axis: impl Fn(usize) -> Option<usize>) -> Self {
        Form { time: self.time.and_then(&axis), history: self.history.and_then(&axis) }
    }
}

/// The step program of a network, given the numbers of the inputs that arrive one row of their first axis at a time. These have one
/// length, which is at least 2.
///
/// ```
/// use nn_kernels::graph::{Leaf, Shape};
/// use nn_kernels::layers::{Cell, Recurrent, output, recurrent};
/// use nn_kernels::network::{Field, Network};
/// use nn_kernels::stepwise::stepwise;
///
/// let mut n = Network { inputs: 1, ..Network::default() };
/// n.fields.push(Field { name: "x".into(), dims: vec![8, 3], classes: None });
/// let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[8, 3]));
/// let all = recurrent(&mut n, "gru", x, Cell::Gru, &Recurrent::new(4), &[None], None).unwrap().outputs;
/// n.outputs.push(("y".into(), output(&mut n.graph, all)));
///
/// let steps = stepwise(&n, &[0]).unwrap();
/// assert_eq!((&steps.network.fields[0].dims, &steps.network.kept[0].dims), (&vec![3], &vec![4]));
/// assert_eq!(steps.limit, None);
/// ```
///
/// # Errors
/// If an output at some position depends on later ones, or if it is not known that it does not.
pub fn stepwise(network: &Network, inputs: &[usize]) -> Result<Stepwise, Obstacle> {
    let Some(&first) = inputs.first() else {
        return Ok(Stepwise { network: network.clone(), limit: None });
    };
    let length = network.fields[first].dims[0];
    let nodes: Vec<NodeId> = network.outputs.iter().map(|(_, id)| *id).collect();
    let (graph, outputs) = specialize(&network.graph, &nodes, Phase::Inference);
    let classes = classes(&graph, inputs, length)?;
    let mut demands = Demands { forms: vec![BTreeSet::new(); graph.len()], needs: BTreeMap::new() };
    for &output in &outputs {
        let form = match &classes[output.index()] {
            Class::Timed(axes) if axes.len() > 1 => return Err(obstacle(&graph, output, Reason::Pairs)),
            Class::Timed(axes) => Form::row(axes[0]),
            _ => Form::WHOLE,
        };
        demands.forms[output.index()].insert(form);
    }
    for index in (0..graph.len()).rev() {
        demands.of(&graph, &classes, graph.id(index))?;
    }
    let mut builder = Builder::new(network, &graph, &classes, inputs, length);
    for index in 0..graph.len() {
        let id = graph.id(index);
        // All rows so far are made of this one.
        let (rows, others): (Vec<Form>, Vec<Form>) =
            demands.forms[index].iter().partition(|form| form.history.is_none());
        for form in rows.into_iter().chain(others) {
            builder.node(id, form, &demands.needs[&(id, form)])?;
        }
    }
    Ok(builder.finish(&outputs))
}

/// Which nodes are needed in which forms.
struct Demands {
    forms: Vec<BTreeSet<Form>>,
    /// For each node and form, which nodes it is made of, in their forms.
    needs: BTreeMap<(NodeId, Form), Vec<(NodeId, Form)>>,
}

impl Demands {
    /// Notes what a node needs in all the forms in which it is needed.
    fn of(&mut self, graph: &Graph, classes: &[Class], id: NodeId) -> Result<(), Obstacle> {
        let mut open: Vec<Form> = self.forms[id.index()].iter().copied().collect();
        while let Some(form) = open.pop() {
            let needs = needs(graph, classes, id, form)?;
            for &(arg, of_arg) in &needs {
                let is_new = self.forms[arg.index()].insert(of_arg);
                if arg == id && is_new {
                    open.push(of_arg);
                }
            }
            self.needs.insert((id, form), needs);
        }
        Ok(())
    }
}

fn obstacle(graph: &Graph, id: NodeId, reason: Reason) -> Obstacle {
    Obstacle { label: graph.label(id).to_owned(), reason }
}
