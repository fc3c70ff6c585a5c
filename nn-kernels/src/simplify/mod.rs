//! Graph to smaller graph: one phase is chosen, and what no root needs is gone.
//!
//! Constants, identities and common subexpressions need no pass: [`Graph`]'s constructors fold them, and copying a graph
//! through the constructors, as here, folds what a removed phase leaves behind.

mod blocks;
mod half;
mod lift;
mod split;

use crate::graph::{Graph, Node, NodeId, Op, StepScalar};

pub use blocks::{Blocks, compute_by_blocks};
pub use half::half_operands;
pub use lift::lift_out_of_loops;
pub use split::split_reductions;

/// Which of the two values of an [`Op::ByPhase`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// While training.
    Training,
    /// In evaluation and prediction.
    Inference,
}

/// A copy of what `roots` need in one phase, without [`Op::ByPhase`]; returns the roots' counterparts.
pub fn specialize(graph: &Graph, roots: &[NodeId], phase: Phase) -> (Graph, Vec<NodeId>) {
    let chosen = |id: NodeId| {
        let node = graph.node(id);
        match (&node.op, phase) {
            (Op::ByPhase, Phase::Training) => Some(node.args[0]),
            (Op::ByPhase, Phase::Inference) => Some(node.args[1]),
            _ => None,
        }
    };
    let mut needed = vec![false; graph.len()];
    roots.iter().for_each(|r| needed[r.index()] = true);
    for (id, node) in graph.nodes().rev() {
        if needed[id.index()] {
            match chosen(id) {
                Some(arg) => needed[arg.index()] = true,
                None => node.args.iter().for_each(|a| needed[a.index()] = true),
            }
        }
    }
    let mut copy = Graph::new();
    let mut map: Vec<Option<NodeId>> = vec![None; graph.len()];
    for (id, _) in graph.nodes().filter(|(id, _)| needed[id.index()]) {
        map[id.index()] = match chosen(id) {
            Some(arg) => map[arg.index()],
            None => {
                copy.set_label(graph.label(id));
                Some(copy_node(&mut copy, graph, id, &map))
            }
        };
    }
    let roots = roots.iter().map(|r| map[r.index()].expect("roots are needed")).collect();
    (copy, roots)
}

/// Adds a counterpart of a node whose arguments have theirs, through the constructors that fold.
fn copy_node(to: &mut Graph, from: &Graph, id: NodeId, map: &[Option<NodeId>]) -> NodeId {
    let node = from.node(id);
    let args = node.args.iter().map(|a| map[a.index()].expect("arguments are needed and come earlier")).collect();
    copy_with(to, node, args)
}

/// Adds a node like this one with other arguments, through the constructors that fold.
pub(crate) fn copy_with(to: &mut Graph, node: &Node, args: Vec<NodeId>) -> NodeId {
    match &node.op {
        Op::Unary(op) => to.unary(*op, args[0]),
        Op::Binary(op) => to.binary(*op, args[0], args[1]),
        Op::Select => to.select(args[0], args[1], args[2]),
        Op::Broadcast => to.broadcast(args[0], &node.shape),
        Op::Reshape => to.reshape(args[0], &node.shape.dims),
        op => to.add(op.clone(), args, node.shape.clone()),
    }
}

/// A copy of a graph in which `other` may say what stands for a number that the host sets for each step.
pub fn replace_scalars(
    graph: &Graph,
    roots: &[NodeId],
    other: impl Fn(&mut Graph, StepScalar) -> Option<NodeId>,
) -> (Graph, Vec<NodeId>) {
    let mut copy = Graph::new();
    let mut map: Vec<Option<NodeId>> = vec![None; graph.len()];
    for (id, node) in graph.nodes() {
        copy.set_label(graph.label(id));
        let instead = if let Op::Scalar(scalar) = node.op { other(&mut copy, scalar) } else { None };
        map[id.index()] = Some(instead.unwrap_or_else(|| copy_node(&mut copy, graph, id, &map)));
    }
    (copy, roots.iter().map(|r| map[r.index()].expect("every node has a counterpart")).collect())
}
