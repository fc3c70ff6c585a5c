//! The backward pass, as more graph.
//!
//! Reverse mode: from the root back to the leaves, each node hands its gradient on to its arguments by the rule of its
//! operation. A rule adds primitives like any layer does, so that the backward pass is fused and printed like the
//! forward pass. Rules stand in one file for each family of operations.
//!
//! Where it can be had from either, a rule uses a node's result and not its arguments (the gradient of tanh is 1 - y²):
//! the result is what the next layer needs as well, so one tensor less has to live until the backward pass.

mod contract;
mod elementwise;
mod loops;
mod movement;
mod reduce;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::graph::{Graph, Loop, Node, NodeId, Op};

/// Adds the gradients of `root` with respect to the nodes `wrt`; `None` where it does not depend on one.
///
/// `seed` is the gradient with respect to `root` itself and has its shape. A gradient has the shape of the node it
/// belongs to; where that has no batch, the gradient is summed over the batch. The graph must be of one phase.
pub fn gradients(g: &mut Graph, root: NodeId, seed: NodeId, wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    debug_assert_eq!(g.shape(root), g.shape(seed));
    let wanted = wanted(g, root, wrt);
    let mut gradients: Vec<Option<NodeId>> = vec![None; root.index() + 1];
    gradients[root.index()] = Some(seed);
    let backwards: Vec<NodeId> =
        g.nodes().map(|(id, _)| id).take(root.index() + 1).filter(|id| wanted[id.index()]).collect();
    let inside = g.loops();
    let ends = ends(g, &backwards);
    let mut label = None;
    for id in backwards.into_iter().rev().filter(|id| inside[id.index()].is_none()) {
        if let Op::Stacked(of, _) | Op::Final(of, _) = g.node(id).op {
            // All of a loop at once, where all that leads out of it has its gradient.
            let arrived = |end: &NodeId| Some((*end, gradients[end.index()]?));
            let arrived: Vec<(NodeId, NodeId)> = ends[&of].iter().filter_map(arrived).collect();
            if ends[&of].first() == Some(&id) && !arrived.is_empty() {
                for (arg, new) in loops::gradients(g, of, &arrived, &wanted) {
                    debug_assert!(arg < id, "what a loop reads comes before it");
                    let slot = gradients[arg.index()];
                    gradients[arg.index()] = Some(slot.map_or(new, |old| elementwise::accumulate(g, old, new)));
                }
                label = None;
            }
            continue;
        }
        let Some(gradient) = gradients[id.index()] else { continue };
        let node = g.node(id).clone();
        if label != Some(node.label) {
            label = Some(node.label);
            let path = g.label(id).to_owned();
            g.set_label(&path);
        }
        for (i, &arg) in node.args.iter().enumerate() {
            if !wanted[arg.index()] {
                continue;
            }
            if let Some(new) = of_argument(g, id, &node, gradient, i) {
                debug_assert_eq!(g.shape(new), g.shape(arg), "gradient of {:?}, argument {i}", node.op);
                let slot = gradients[arg.index()];
                gradients[arg.index()] = Some(slot.map_or(new, |old| elementwise::accumulate(g, old, new)));
            }
        }
    }
    wrt.iter().map(|id| gradients.get(id.index()).copied().flatten()).collect()
}

/// What leads out of each loop, of nodes that need a gradient; ascending.
fn ends(g: &Graph, nodes: &[NodeId]) -> BTreeMap<Loop, Vec<NodeId>> {
    let mut ends: BTreeMap<Loop, Vec<NodeId>> = BTreeMap::new();
    for id in nodes {
        if let Op::Stacked(of, _) | Op::Final(of, _) = g.node(*id).op {
            ends.entry(of).or_default().push(*id);
        }
    }
    ends
}

/// Which nodes need a gradient: `wrt`, and what depends on them by a path that carries one.
fn wanted(g: &Graph, root: NodeId, wrt: &[NodeId]) -> Vec<bool> {
    let mut wanted = vec![false; g.len()];
    wrt.iter().for_each(|id| wanted[id.index()] = true);
    loop {
        for (id, node) in g.nodes().take(root.index() + 1) {
            let carries = !matches!(node.op, Op::Detach);
            wanted[id.index()] |= carries && node.args.iter().any(|a| wanted[a.index()]);
        }
        // A state depends on what it becomes at the end of a step, which comes behind it.
        let before = wanted.iter().filter(|w| **w).count();
        let states = g.nodes().take(root.index() + 1).filter(|_| g.has_loops());
        for (id, node) in states {
            if let Op::Carry(of, k) = node.op {
                let next = g.nexts(of).get(&k).copied();
                wanted[id.index()] |= next.is_some_and(|next| wanted.get(next.index()) == Some(&true));
            }
        }
        if wanted.iter().filter(|w| **w).count() == before {
            return wanted;
        }
    }
}

/// The gradient that node `y` hands on to its argument `i`, if its operation has one.
fn of_argument(g: &mut Graph, y: NodeId, node: &Node, gradient: NodeId, i: usize) -> Option<NodeId> {
    match &node.op {
        Op::Unary(op) => elementwise::unary(g, *op, node.args[0], y, gradient),
        Op::Binary(op) => elementwise::binary(g, *op, [node.args[0], node.args[1]], y, gradient, i),
        Op::Select => elementwise::select(g, [node.args[0], node.args[1], node.args[2]], y, gradient, i),
        Op::Broadcast => Some(movement::broadcast(g, node.args[0], gradient)),
        Op::Reshape => Some(movement::reshape(g, node.args[0], gradient)),
        Op::Permute(perm) => Some(movement::permute(g, perm, gradient)),
        Op::Slice(starts) => Some(movement::slice(g, starts, node.args[0], gradient)),
        Op::Concat(axis) => Some(movement::concat(g, *axis, &node.args, gradient, i)),
        Op::Window(accesses) => Some(movement::window(g, accesses, node.args[0], gradient)),
        Op::Reduce { how, axes, batch } => Some(reduce::reduce(g, *how, axes, *batch, node.args[0], y, gradient)),
        Op::Gather => movement::gather(g, [node.args[0], node.args[1]], gradient, i),
        Op::Scatter => movement::scatter(g, node.args[0], gradient, i),
        Op::Contract(c) => Some(contract::contract(g, c, [node.args[0], node.args[1]], &node.shape, gradient, i)),
        Op::Detach | Op::Leaf(_) | Op::Constant(_) | Op::Scalar(_) | Op::Iota(_) | Op::Random(_) => None,
        Op::ByPhase => unreachable!("gradients are taken of one phase"),
        Op::At(_) | Op::Carry(..) | Op::Stacked(..) | Op::Final(..) => {
            unreachable!("loops are differentiated as a whole")
        }
    }
}
