//! Which nodes get memory from the start.

use super::{Root, Users, moves, reduces};
use crate::graph::{Graph, NodeId, Op};
use crate::ir::Index;

/// A chain of inlined operations longer than this is cut: its length would become recursion depth and kernel size.
const LONGEST_CHAIN: u32 = 64;

/// Roots, what contractions read, and cuts in long chains; without `fuse`, everything that computes.
pub(super) fn initial(graph: &Graph, users: &Users, roots: &[Root], fuse: bool) -> Vec<bool> {
    let mut realized = vec![false; graph.len()];
    let mut chain = vec![0u32; graph.len()];
    for (id, node) in graph.nodes().filter(|(id, _)| users.needed(*id)) {
        if let Op::Contract(c) = &node.op {
            for (arg, axes) in [(node.args[0], &c.a), (node.args[1], &c.b)] {
                let base = view_base(graph, id, arg, axes);
                realized[base.index()] |= needs_memory(graph, base);
            }
        }
        let ends_here = matches!(node.op, Op::Leaf(_)) || reduces(&node.op);
        let length = node.args.iter().map(|a| chain[a.index()] + 1).max().unwrap_or(0);
        realized[id.index()] |= !fuse && needs_memory(graph, id) && !moves(&node.op);
        realized[id.index()] |= length > LONGEST_CHAIN && needs_memory(graph, id);
        chain[id.index()] = if ends_here || realized[id.index()] { 0 } else { length };
    }
    for root in roots {
        realized[root.node.index()] = true;
    }
    // Reductions are realized on demand, when another kernel reads them.
    for (id, node) in graph.nodes() {
        if reduces(&node.op) && fuse && !roots.iter().any(|r| r.node == id) {
            realized[id.index()] = false;
        }
    }
    realized
}

/// Constants and leaves never need memory of their own.
fn needs_memory(graph: &Graph, id: NodeId) -> bool {
    !matches!(graph.node(id).op, Op::Leaf(_))
}

/// The node whose memory a contraction reads for its operand: behind views, as long as indices stay affine.
fn view_base(graph: &Graph, contract: NodeId, operand: NodeId, axes: &[usize]) -> NodeId {
    let mut extents = graph.shape(contract).extents();
    extents.extend(super::reduced_extents(graph, contract));
    let mut index: Vec<Index> = axes.iter().map(|&a| Index::axis(a)).collect();
    let mut base = operand;
    let mut good = operand;
    loop {
        let node = graph.node(base);
        let affine = Index::linear(&index, &node.shape.extents()).is_affine();
        if affine && !matches!(node.op, Op::Broadcast) {
            good = base;
        }
        if !moves(&node.op) {
            return if affine { base } else { good };
        }
        index = super::build::moved(graph, base, &index, &extents);
        base = node.args[0];
    }
}
