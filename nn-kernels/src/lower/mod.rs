//! Lowering and fusion: which nodes get memory, which kernel computes what, and the kernels themselves.
//!
//! Everything follows from one idea, Halide's inlining: a node that has no memory of its own is computed where it is
//! read, at the index at which it is read. Movement operations are then nothing but changes of the index. So the
//! only decisions are
//!
//! 1. which nodes are *realized* (get memory): roots, what a contraction reads, reductions that another kernel needs,
//!    and what would be expensive to compute twice (`realize`);
//! 2. which realized nodes and reductions share a kernel (`group`): a kernel has one set of outer axes, a reduction fits if
//!    its result has exactly these axes, a realized node fits if its dimensions begin with them, and whatever it
//!    reads from the same kernel must be read at the very same outer point;
//! 3. in which stage of its kernel each of them is computed (`build`).
//!
//! A loop over time is no exception: its body's kernels are made like all others, of nodes of that loop alone, and stand together in
//! the list (`steps`). What its kernels read from outside has memory.
//!
//! A second round begins when the kernels built show that something expensive is computed in two places.

mod build;
mod collapse;
mod group;
mod reads;
mod realize;
mod steps;

use std::ops::Range;

use crate::graph::{Extent, Graph, NodeId, Op, Unary};
use crate::ir::{Kernel, TensorId};
use crate::plan::View;

use steps::Loops;

/// A node with destinations in memory.
#[derive(Clone, Debug)]
pub struct Root {
    /// What is stored.
    pub node: NodeId,
    /// Where to.
    pub tensor: TensorId,
}

/// What lowering needs to know about memory, and to ask for.
pub trait Tensors {
    /// The tensor behind a leaf.
    fn leaf(&mut self, graph: &Graph, id: NodeId) -> TensorId;
    /// A new temporary tensor for a node's value.
    fn temporary(&mut self, graph: &Graph, id: NodeId) -> TensorId;
    /// The tensor that is this view of others in the kernels of a loop.
    fn view(&mut self, view: View) -> TensorId;
}

/// Kernels in order of execution, and those that are played again and again.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    /// The kernels.
    pub kernels: Vec<Kernel>,
    /// Kernels that are the body of a loop, and how many steps it has; ascending.
    pub loops: Vec<(Range<usize>, usize)>,
}

impl Lowered {
    /// Adds kernels behind these.
    pub fn extend(&mut self, other: Lowered) {
        let n = self.kernels.len();
        self.loops.extend(other.loops.into_iter().map(|(body, steps)| (body.start + n..body.end + n, steps)));
        self.kernels.extend(other.kernels);
    }
}

/// Kernels that compute the roots. Without `fuse`, each operation that computes gets a kernel of its own: slow, and the yardstick
/// for the fused form.
pub fn lower(graph: &Graph, roots: &[Root], fuse: bool, tensors: &mut dyn Tensors) -> Lowered {
    let same = |root: &Root| Root { node: same_memory(graph, root.node), ..*root };
    let roots: Vec<Root> = roots.iter().map(same).collect();
    let roots = &roots;
    if !graph.has_loops() {
        return lower_with(graph, &Loops::default(), &[], roots, &[], fuse, tensors);
    }
    let (graph, loops, ends, starts) = steps::complete(graph, roots, tensors);
    let starts: Vec<Root> = starts.iter().map(|r| Root { node: same_memory(&graph, r.node), ..*r }).collect();
    lower_with(&graph, &loops, &ends, roots, &starts, fuse, tensors)
}

/// [`lower`] with what is known of loops: the ends of their states, and what these start from.
fn lower_with(
    graph: &Graph,
    loops: &Loops,
    ends: &[NodeId],
    roots: &[Root],
    starts: &[Root],
    fuse: bool,
    tensors: &mut dyn Tensors,
) -> Lowered {
    let all = [roots, starts].concat();
    let users = Users::of(graph, &all, ends);
    let mut realized = realize::initial(graph, loops, &users, &all, fuse);
    loop {
        let groups = group::group(graph, loops, &users, &realized, fuse);
        let built = build::Built::new(graph, &groups, &realized);
        let again = built.recomputed();
        if again.is_empty() || !fuse {
            let mut lowered = built.finish(loops, roots, starts, tensors);
            lowered.kernels = lowered.kernels.into_iter().map(collapse::collapse).collect();
            return lowered;
        }
        again.iter().for_each(|n| realized[n.index()] = true);
    }
}

/// The node whose numbers lie in memory as this one's would: the same but for its dimensions.
fn same_memory(graph: &Graph, mut id: NodeId) -> NodeId {
    while keeps_memory(&graph.node(id).op) {
        id = graph.node(id).args[0];
    }
    id
}

/// Whether an operation gives its argument's numbers in their order.
fn keeps_memory(op: &Op) -> bool {
    matches!(op, Op::Reshape | Op::Detach)
}

/// Who reads each node, among those that the roots need.
pub(crate) struct Users {
    of: Vec<Vec<NodeId>>,
    needed: Vec<bool>,
}

impl Users {
    fn of(graph: &Graph, roots: &[Root], ends: &[NodeId]) -> Self {
        let mut users = Users { of: vec![vec![]; graph.len()], needed: vec![false; graph.len()] };
        roots.iter().for_each(|r| users.needed[r.node.index()] = true);
        ends.iter().for_each(|id| users.needed[id.index()] = true);
        for (id, node) in graph.nodes().rev() {
            if users.needed[id.index()] {
                for arg in &node.args {
                    users.needed[arg.index()] = true;
                    users.of[arg.index()].push(id);
                }
            }
        }
        users
    }

    fn needed(&self, id: NodeId) -> bool {
        self.needed[id.index()]
    }
}

/// Whether a node is computed by a loop that combines.
fn reduces(op: &Op) -> bool {
    matches!(op, Op::Reduce { .. } | Op::Contract(_) | Op::Scatter)
}

/// Whether a node only says where to read another one.
fn moves(op: &Op) -> bool {
    matches!(op, Op::Broadcast | Op::Reshape | Op::Permute(_) | Op::Slice(_) | Op::Detach | Op::At(_))
}

/// The loops of a reduction, behind those of its result's dimensions.
fn reduced_extents(graph: &Graph, id: NodeId) -> Vec<Extent> {
    let node = graph.node(id);
    match &node.op {
        Op::Contract(c) => c.reduced.clone(),
        Op::Reduce { axes, batch, .. } => {
            let from = graph.shape(node.args[0]);
            let batch = batch.then_some(Extent::Batch);
            batch.into_iter().chain(axes.iter().map(|&a| Extent::Size(from.dims[a]))).collect()
        }
        Op::Scatter => graph.shape(node.args[0]).extents(),
        _ => vec![],
    }
}

/// Whether a reduction has a kernel of its own, which only epilogues may join: printers know how to compute it well.
fn is_alone(op: &Op) -> bool {
    matches!(op, Op::Contract(_) | Op::Scatter)
}

/// Whether all numbers of a node are f16: it moves what has been rounded.
pub(crate) fn holds_halves(graph: &Graph, mut id: NodeId) -> bool {
    while moves(&graph.node(id).op) || matches!(graph.node(id).op, Op::Window(_)) {
        id = graph.node(id).args[0];
    }
    graph.node(id).op == Op::Unary(Unary::ToHalf)
}
