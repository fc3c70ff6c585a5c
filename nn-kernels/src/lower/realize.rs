//! Which nodes get memory from the start.

use std::collections::BTreeSet;

use super::reads::{Read, arguments_at};
use super::steps::Loops;
use super::{Root, Users, moves, reduces};
use crate::graph::{Access, Extent, Graph, Node, NodeId, Op};
use crate::ir::{Index, Operand};

/// A chain of inlined operations longer than this is cut: its length would become recursion depth and kernel size.
const LONGEST_CHAIN: u32 = 64;

/// Roots, what contractions and overlapping windows read, and cuts in long chains; without `fuse`, everything that computes.
pub(super) fn initial(graph: &Graph, loops: &Loops, users: &Users, roots: &[Root], fuse: bool) -> Vec<bool> {
    let mut realized = vec![false; graph.len()];
    let mut chain = vec![0u32; graph.len()];
    let tables = tables(graph);
    for (id, node) in graph.nodes().filter(|(id, _)| users.needed(*id)) {
        match &node.op {
            Op::Contract(_) => {
                for base in operands(graph, id) {
                    realized[base.index()] |= needs_memory(graph, base);
                }
            }
            Op::Gather => realized[node.args[0].index()] |= needs_memory(graph, node.args[0]),
            Op::Scatter => {
                for arg in node.args.iter().map(|&a| super::same_memory(graph, a)) {
                    realized[arg.index()] |= needs_memory(graph, arg);
                }
            }
            // Sines of positions, say, are the same for all samples.
            Op::Broadcast if node.shape.batch && tables[node.args[0].index()] => realized[node.args[0].index()] = true,
            Op::Window(accesses) if reads_repeatedly(graph, id, accesses) => {
                let base = behind_moves(graph, node.args[0]);
                realized[base.index()] |= needs_memory(graph, base) && graph.as_constant(base).is_none();
            }
            Op::At(of) => {
                let base = rows(graph, id);
                // Where memory is scarce, indices and random numbers are made in each step.
                let is_made = matches!(graph.node(base).op, Op::Iota(_) | Op::Random(_));
                realized[base.index()] |= is_computed(graph, base) && !(of.blocks && is_made);
            }
            Op::Stacked(..) | Op::Final(..) => realized[id.index()] = true,
            _ => {}
        }
        if loops.of(id).is_some() {
            for outside in read_from_outside(graph, loops, node) {
                realized[outside.index()] = true;
            }
        }
        let ends_here = !needs_memory(graph, id) || reduces(&node.op);
        let length = node.args.iter().map(|a| chain[a.index()] + 1).max().unwrap_or(0);
        realized[id.index()] |= !fuse && needs_memory(graph, id) && !moves(&node.op);
        realized[id.index()] |= length > LONGEST_CHAIN && needs_memory(graph, id);
        chain[id.index()] = if ends_here || realized[id.index()] { 0 } else { length };
    }
    if fuse {
        let contractions = graph.nodes().filter(|(id, n)| users.needed(*id) && matches!(n.op, Op::Contract(_)));
        for epilogue in contractions.filter_map(|(id, _)| epilogue(graph, loops, users, id)) {
            realized[epilogue.index()] = true;
        }
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

/// Which nodes are tables: expensive to compute, of several numbers, and made of nothing but constants and indices.
fn tables(graph: &Graph) -> Vec<bool> {
    let (mut is_made_of_nothing, mut is_expensive) = (vec![false; graph.len()], vec![false; graph.len()]);
    for (id, node) in graph.nodes() {
        let mut args = node.args.iter();
        is_made_of_nothing[id.index()] = match node.op {
            Op::Leaf(_) | Op::Random(_) | Op::Scalar(_) | Op::At(_) | Op::Carry(..) => false,
            _ => args.clone().all(|a| is_made_of_nothing[a.index()]),
        };
        is_expensive[id.index()] =
            matches!(node.op, Op::Unary(u) if u.is_expensive()) || args.any(|a| is_expensive[a.index()]);
    }
    let is_table = |(id, node): (NodeId, &crate::graph::Node)| {
        is_made_of_nothing[id.index()] && is_expensive[id.index()] && !node.shape.batch && node.shape.size() > 1
    };
    graph.nodes().map(is_table).collect()
}

/// Leaves and states of loops lie in memory of their own.
fn needs_memory(graph: &Graph, id: NodeId) -> bool {
    !matches!(graph.node(id).op, Op::Leaf(_) | Op::Carry(..))
}

/// The node whose memory a step of a loop reads: as far behind moves as the rows of all steps are equally far apart.
fn rows(graph: &Graph, at: NodeId) -> NodeId {
    let extents = graph.shape(at).extents();
    let point: Vec<Index> = (0..extents.len()).map(Index::axis).collect();
    let mut read = arguments_at(graph, at, &point, &extents).remove(0);
    let mut good = read.node;
    while moves(&graph.node(read.node).op) {
        read = arguments_at(graph, read.node, &read.point, &extents).remove(0);
        let index = Index::linear(&read.point, &graph.shape(read.node).extents());
        if Operand::is_regular(&index, &[]) {
            good = read.node;
        }
    }
    good
}

/// Whether a node that is read from a loop's steps has to lie in memory, since it is neither there already nor a number.
fn is_computed(graph: &Graph, id: NodeId) -> bool {
    let is_number = matches!(graph.node(id).op, Op::Scalar(_)) || graph.as_constant(id).is_some();
    needs_memory(graph, id) && !is_number
}

/// What a node of a loop reads of nodes outside that compute something: once for all steps.
fn read_from_outside(graph: &Graph, loops: &Loops, node: &Node) -> Vec<NodeId> {
    if matches!(node.op, Op::At(_)) {
        return vec![];
    }
    let args = super::steps::operands(node).iter().filter(|a| loops.of(**a).is_none());
    // A matrix that was turned for a product is turned once, too.
    let is_turned = |id: NodeId| matches!((&node.op, &graph.node(id).op), (Op::Contract(_), Op::Permute(_)));
    let bases = args.map(|a| if is_turned(*a) { *a } else { behind_moves(graph, *a) });
    // Indices and random numbers are made where they are read.
    bases.filter(|id| is_computed(graph, *id) && !matches!(graph.node(*id).op, Op::Iota(_) | Op::Random(_))).collect()
}

/// What elementwise operations make of a contraction's result before anybody else reads it: this is stored in its place, so
/// that they stand in its epilogue. They may branch in between, as activations do, but only one of them is read from outside.
fn epilogue(graph: &Graph, loops: &Loops, users: &Users, contract: NodeId) -> Option<NodeId> {
    let size = graph.shape(contract).size();
    let mut region = BTreeSet::from([contract]);
    let mut end = None;
    loop {
        let outside = |id: &NodeId| users.of[id.index()].iter().copied().filter(|u| !region.contains(u)).min();
        let open: Vec<(NodeId, NodeId)> = region.iter().filter_map(|id| Some((*id, outside(id)?))).collect();
        if let [(only, _)] = open[..] {
            end = Some(only);
        }
        let next = open.iter().map(|(_, user)| *user).min()?;
        let node = graph.node(next);
        let elementwise = match node.op {
            Op::Unary(_) | Op::Binary(_) | Op::Select => true,
            ref op => super::keeps_memory(op),
        };
        let fits = node.shape.size() == size && node.shape.batch == graph.shape(contract).batch;
        if !elementwise || !fits || loops.of(next) != loops.of(contract) {
            return end.map(|end| super::same_memory(graph, end)).filter(|end| *end != contract);
        }
        region.insert(next);
    }
}

/// Whether a window reads elements several times, so that what they are computed from should not be computed there.
fn reads_repeatedly(graph: &Graph, id: NodeId, accesses: &[Access]) -> bool {
    let divisors: i64 = accesses.iter().map(|a| a.divisor).product();
    let node = graph.node(id);
    node.shape.size() as i64 > graph.shape(node.args[0]).size() as i64 * divisors
}

/// The node that computes what moves bring here.
fn behind_moves(graph: &Graph, mut id: NodeId) -> NodeId {
    while moves(&graph.node(id).op) || matches!(graph.node(id).op, Op::Window(_)) {
        id = graph.node(id).args[0];
    }
    id
}

/// The nodes whose memory a contraction reads: behind views, as long as its printers can follow the indices.
fn operands(graph: &Graph, contract: NodeId) -> Vec<NodeId> {
    let mut extents = graph.shape(contract).extents();
    let point: Vec<Index> = (0..extents.len()).map(Index::axis).collect();
    extents.extend(super::reduced_extents(graph, contract));
    arguments_at(graph, contract, &point, &extents).into_iter().map(|read| view_base(graph, read, &extents)).collect()
}

fn view_base(graph: &Graph, mut read: Read, extents: &[Extent]) -> NodeId {
    let mut good = read.node;
    loop {
        let node = graph.node(read.node);
        let index = Index::linear(&read.point, &node.shape.extents());
        let regular = Operand::is_regular(&index, &read.within);
        if regular && !matches!(node.op, Op::Broadcast) {
            good = read.node;
        }
        if !moves(&node.op) && !matches!(node.op, Op::Window(_)) {
            return if regular { read.node } else { good };
        }
        let behind = arguments_at(graph, read.node, &read.point, extents).remove(0);
        read.within.extend(behind.within);
        (read.node, read.point) = (behind.node, behind.point);
    }
}
