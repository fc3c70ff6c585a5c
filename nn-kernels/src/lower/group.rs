//! Which realized nodes and reductions share a kernel.

use super::steps::{self, Loops};
use super::{Users, reduced_extents, reduces};
use crate::graph::{Extent, Graph, Loop, NodeId, Op};
use crate::hash::Set;
use crate::ir::Index;

/// A kernel in the making.
#[derive(Debug)]
pub(super) struct Group {
    /// The outer axes.
    pub outer: Vec<Extent>,
    /// Reductions and realized nodes that it computes, in topological order.
    pub members: Vec<NodeId>,
    /// Whether it begins with a contraction or a scatter, so that only epilogues may join.
    pub contract: bool,
    /// The loop that plays it.
    pub of: Option<Loop>,
}

/// The groups in order of execution, and each member's group.
#[derive(Debug)]
pub(super) struct Groups {
    pub list: Vec<Group>,
    pub of: Vec<Option<usize>>,
}

/// Puts each member into the first group that can take it, in topological order.
pub(super) fn group(graph: &Graph, loops: &Loops, users: &Users, realized: &[bool], fuse: bool) -> Groups {
    let mut groups = Groups { list: vec![], of: vec![None; graph.len()] };
    // For each node: the last group that must have run before it can be computed.
    let mut after: Vec<Option<usize>> = vec![None; graph.len()];
    for id in loops.order(graph, users) {
        let node = graph.node(id);
        let ready = steps::operands(node).iter().filter_map(|a| groups.of[a.index()].max(after[a.index()])).max();
        after[id.index()] = ready;
        if !reduces(&node.op) && !realized[id.index()] {
            continue;
        }
        let contract = super::is_alone(&node.op);
        let first = ready.unwrap_or(0);
        let of = loops.of(id);
        let extents = steps::extents(graph, id, of.is_some());
        let place = (first..groups.list.len())
            .filter(|g| fuse && !contract && groups.list[*g].of == of)
            .find(|&g| fits(graph, &groups, id, &extents, g))
            .unwrap_or(groups.list.len());
        if place == groups.list.len() {
            groups.list.push(Group { outer: extents, members: vec![], contract, of });
        }
        groups.list[place].members.push(id);
        // A leaf that is a root is copied by its group, but everybody else still reads the leaf.
        groups.of[id.index()] = (!matches!(node.op, Op::Leaf(_))).then_some(place);
    }
    groups
}

/// Whether a member may join a group that runs after, or is, the last one it depends on.
fn fits(graph: &Graph, groups: &Groups, id: NodeId, extents: &[Extent], place: usize) -> bool {
    let group = &groups.list[place];
    let node = graph.node(id);
    let inner = reduced_extents(graph, id);
    let aligned = if reduces(&node.op) {
        !group.contract && *extents == group.outer
    } else if group.contract {
        same_loops(&group.outer, extents)
    } else {
        extents.starts_with(&group.outer)
    };
    if !aligned {
        return false;
    }
    // Its loops: the group's, and its own behind them.
    let own = if same_loops(&group.outer, extents) { &group.outer } else { extents };
    let loops = [own, &inner[..]].concat();
    let mut walk = Walk { graph, groups, place, extents: loops, seen: Set::default(), met: false };
    let point = point(&group.outer, extents);
    let available = match steps::parts(graph, id, group.of.is_some()) {
        Some((parts, _)) => parts.iter().all(|part| walk.node(*part, point.clone())),
        None => walk.arguments(id, point),
    };
    if !available {
        return false;
    }
    // Independent work joins only where it runs over the very same loops.
    let beside = || {
        group.members.iter().any(|&m| {
            *extents == group.outer
                && steps::extents(graph, m, group.of.is_some()) == extents
                && reduced_extents(graph, m) == inner
                && !group.contract
        })
    };
    walk.met || beside()
}

/// Whether a tensor of these extents can be walked by the loops of another one: it is the same but for a reshape.
pub(super) fn same_loops(outer: &[Extent], extents: &[Extent]) -> bool {
    let sizes = |e: &[Extent]| e.iter().filter_map(|e| if let Extent::Size(n) = e { Some(*n) } else { None }).product();
    let batch = |e: &[Extent]| e.first() == Some(&Extent::Batch);
    let (a, b): (usize, usize) = (sizes(outer), sizes(extents));
    a == b && batch(outer) == batch(extents)
}

/// A member's point in terms of its group's loops and, behind those, of its own.
pub(super) fn point(outer: &[Extent], extents: &[Extent]) -> Vec<Index> {
    if extents == outer || !same_loops(outer, extents) {
        return (0..extents.len()).map(Index::axis).collect();
    }
    let axes: Vec<Index> = (0..outer.len()).map(Index::axis).collect();
    Index::linear(&axes, outer).delinearize(extents, outer)
}

/// Follows inlined nodes from a member towards its inputs.
struct Walk<'a> {
    graph: &'a Graph,
    groups: &'a Groups,
    place: usize,
    extents: Vec<Extent>,
    seen: Set<(NodeId, Vec<Index>)>,
    /// Whether a member of the group was met.
    met: bool,
}

impl Walk<'_> {
    /// Whether everything below the arguments of `id`, computed at `point`, is available in the group.
    fn arguments(&mut self, id: NodeId, point: Vec<Index>) -> bool {
        // A table is read at any row, so an earlier kernel must have written it.
        if let Op::Gather = self.graph.node(id).op
            && self.groups.of[self.graph.node(id).args[0].index()].is_some_and(|g| g >= self.place)
        {
            return false;
        }
        let args = super::reads::arguments_at(self.graph, id, &point, &self.extents);
        args.into_iter().all(|read| self.node(read.node, read.point))
    }

    fn node(&mut self, id: NodeId, point: Vec<Index>) -> bool {
        if !self.seen.insert((id, point.clone())) {
            return true;
        }
        match self.groups.of[id.index()] {
            Some(g) if g < self.place => true,
            Some(g) if g > self.place => false,
            Some(_) => {
                self.met = true;
                let outer = self.groups.list[self.place].outer.len();
                if reduces(&self.graph.node(id).op) {
                    point.len() == outer && point.iter().enumerate().all(|(i, p)| *p == Index::axis(i))
                } else {
                    self.arguments(id, point)
                }
            }
            None => self.arguments(id, point),
        }
    }
}
