//! Loops over time in lowering: which nodes stand in which loop, in what order groups are made, and where states lie.
//!
//! The kernels of a loop are those of its body, played again for each step. What a step reads or writes of a stacked tensor is a
//! row, whose index contains the number of the step ([`Atom::Step`]) while kernels are built; [`split`] makes a [`View`] of it.
//! A state has two places that take turns: what a step reads of it lies in the one, what it leaves behind goes to the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Root, Tensors, Users};
use crate::graph::{Extent, Graph, Loop, Node, NodeId, Op};
use crate::ir::{Atom, Index, TensorId};
use crate::plan::View;

/// What loops there are, for lowering.
#[derive(Default)]
pub(super) struct Loops {
    /// The loop that computes each node: that of its body, or the one that it leads out of. Empty without loops.
    of: Vec<Option<Loop>>,
    /// The nodes in an order in which those of a loop stand together.
    order: Vec<NodeId>,
    /// The two places of each state.
    states: BTreeMap<(Loop, usize), [TensorId; 2]>,
}

impl Loops {
    /// The loop whose kernels compute a node.
    pub fn of(&self, id: NodeId) -> Option<Loop> {
        self.of.get(id.index()).copied().flatten()
    }

    /// Needed nodes in the order in which groups are made.
    pub fn order<'a>(&'a self, graph: &'a Graph, users: &'a Users) -> Box<dyn Iterator<Item = NodeId> + 'a> {
        match self.order.is_empty() {
            true => Box::new(graph.nodes().map(|(id, _)| id).filter(|id| users.needed(*id))),
            false => Box::new(self.order.iter().copied().filter(|id| users.needed(*id))),
        }
    }

    /// Where a step reads its state; for nodes that are one.
    pub fn state_before(&self, node: &Node) -> Option<View> {
        let Op::Carry(of, k) = node.op else { return None };
        Some(View { of: self.states[&(of, k)], start: 0, step: 0 })
    }

    /// Where a step leaves a state for the next one, and where it lies behind the last one; for nodes that are an end of it.
    pub fn state_behind(&self, node: &Node) -> Option<(View, TensorId)> {
        let Op::Final(of, ref carries) = node.op else { return None };
        let [even, odd] = self.states[&(of, carries[0])];
        Some((View { of: [odd, even], start: 0, step: 0 }, [even, odd][of.steps % 2]))
    }
}

/// A graph in which each state that is read has an end that stores it: those ends, and what states start from as roots.
pub(super) fn complete(
    graph: &Graph,
    roots: &[Root],
    tensors: &mut dyn Tensors,
) -> (Graph, Loops, Vec<NodeId>, Vec<Root>) {
    let mut graph = graph.clone();
    let users = Users::of(&graph, roots, &[]);
    let carries: Vec<(NodeId, Loop, usize)> = (graph.nodes())
        .filter_map(|(id, node)| if let Op::Carry(l, k) = node.op { Some((id, l, k)) } else { None })
        .filter(|(id, ..)| users.needed(*id))
        .collect();
    let mut nexts: BTreeMap<Loop, BTreeMap<usize, NodeId>> = BTreeMap::new();
    let (mut ends, mut starts, mut states) = (vec![], vec![], BTreeMap::new());
    for (id, of, k) in carries {
        let nexts = nexts.entry(of).or_insert_with(|| graph.nexts(of));
        ends.push(graph.final_of(of, k, nexts));
        let places = [tensors.temporary(&graph, id), tensors.temporary(&graph, id)];
        states.insert((of, k), places);
        starts.push(Root { node: graph.node(id).args[0], tensor: places[0] });
    }
    // States that end without having been read: a loop computes nothing with them but what they become.
    for (id, node) in graph.nodes() {
        if let Op::Final(of, carries) = &node.op
            && (users.needed.get(id.index()).copied().unwrap_or(false) || ends.contains(&id))
        {
            states
                .entry((*of, carries[0]))
                .or_insert_with(|| [tensors.temporary(&graph, id), tensors.temporary(&graph, id)]);
        }
    }
    let mut of = graph.loops();
    for (id, node) in graph.nodes() {
        if let Op::Stacked(l, _) | Op::Final(l, _) = node.op {
            of[id.index()] = Some(l);
        }
    }
    let order = order(&graph, &of);
    (graph, Loops { of, order, states }, ends, starts)
}

/// All nodes, each behind its arguments, those of a loop together: behind everything that any of them reads.
fn order(graph: &Graph, of: &[Option<Loop>]) -> Vec<NodeId> {
    let mut members: BTreeMap<Loop, Vec<NodeId>> = BTreeMap::new();
    for (id, _) in graph.nodes() {
        if let Some(l) = of[id.index()] {
            members.entry(l).or_default().push(id);
        }
    }
    let mut order = Vec::with_capacity(graph.len());
    let mut done = vec![false; graph.len()];
    let mut entered: BTreeSet<Loop> = BTreeSet::new();
    for (id, _) in graph.nodes() {
        // A node is looked at twice: before its arguments, and behind them. A loop counts as one node.
        let mut stack = vec![(id, false)];
        while let Some((id, behind)) = stack.pop() {
            if done[id.index()] {
                continue;
            }
            match (of[id.index()], behind) {
                (None, true) => {
                    done[id.index()] = true;
                    order.push(id);
                }
                (None, false) => {
                    stack.push((id, true));
                    stack.extend(graph.node(id).args.iter().rev().map(|a| (*a, false)));
                }
                (Some(l), true) => {
                    for id in &members[&l] {
                        done[id.index()] = true;
                        order.push(*id);
                    }
                }
                (Some(l), false) => {
                    debug_assert!(entered.insert(l), "a loop reads what depends on it");
                    stack.push((id, true));
                    let args = members[&l].iter().flat_map(|id| &graph.node(*id).args);
                    stack.extend(args.filter(|a| of[a.index()] != Some(l)).rev().map(|a| (*a, false)));
                }
            }
        }
    }
    order
}

/// The arguments that a node is computed from. Ends of loops name, besides, what the states become.
pub(super) fn operands(node: &Node) -> &[NodeId] {
    match node.op {
        Op::Stacked(..) | Op::Final(..) => &node.args[..1],
        Op::Carry(..) => &[],
        _ => &node.args,
    }
}

/// The parts, and along which axis they stand, of a node of a loop that is put together of parts of one shape, or of such a node at
/// every step: each part is stored in its place, at one point for all of them.
pub(super) fn parts(graph: &Graph, id: NodeId, in_loop: bool) -> Option<(&[NodeId], usize)> {
    let node = graph.node(id);
    let whole = if let Op::Stacked(..) = node.op { graph.node(node.args[0]) } else { node };
    let Op::Concat(axis) = whole.op else { return None };
    let shape = graph.shape(whole.args[0]);
    let alike = whole.args.iter().all(|part| graph.shape(*part) == shape);
    (in_loop && alike).then_some((&whole.args[..], axis))
}

/// The extents over which a node is computed: what leads out of a loop is computed for a step, what has parts for one of them.
pub(super) fn extents(graph: &Graph, id: NodeId, in_loop: bool) -> Vec<Extent> {
    let node = graph.node(id);
    if let Some((parts, _)) = parts(graph, id, in_loop) {
        return graph.shape(parts[0]).extents();
    }
    match node.op {
        Op::Stacked(..) => graph.shape(node.args[0]).extents(),
        _ => node.shape.extents(),
    }
}

/// The element of a node that is stored at a point of [`extents`], for the part of this number if it has parts.
pub(super) fn stored_at(graph: &Graph, id: NodeId, in_loop: bool, point: &[Index], part: usize) -> Index {
    let node = graph.node(id);
    let lead = usize::from(node.shape.batch);
    let mut point = point.to_vec();
    if let Some((parts, axis)) = parts(graph, id, in_loop) {
        let size = graph.shape(parts[0]).dims[axis];
        point[lead + axis] = std::mem::take(&mut point[lead + axis]).plus_constant((part * size) as i64);
    }
    if let Op::Stacked(of, _) = node.op {
        point.insert(lead, Index::step(of.steps));
    }
    Index::linear(&point, &node.shape.extents())
}

/// An index without the number of the step, and the view of the tensor in which it is the same element in each step.
pub(super) fn split(of: Loop, tensor: TensorId, index: &Index) -> Option<(View, Index)> {
    let steps = Atom::Step(of.steps);
    let stride = index.terms.iter().find(|t| t.atom == steps)?.coefficient;
    let rest = Index { offset: index.offset, terms: index.terms.iter().filter(|t| t.atom != steps).cloned().collect() };
    debug_assert!(stride > 0, "rows are read in their order");
    let (start, step) = if of.reverse { (stride * (of.steps as i64 - 1), -stride) } else { (0, stride) };
    Some((View { of: [tensor; 2], start: start as usize, step }, rest))
}
