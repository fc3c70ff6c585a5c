//! The graph: what a network computes, before anybody decides how.
//!
//! A graph is an arena of nodes in topological order: a node's arguments always come before it. Each node is one
//! primitive operation ([`Op`]) with one result, a tensor of f32. There is no other type: class indices travel as
//! whole f32 numbers (exact below 2^24), and a comparison gives 0.0 or 1.0.
//!
//! A tensor's [`Shape`] is a per-sample shape plus one bit: whether the tensor has the batch dimension in front. The
//! batch is symbolic; its size is known at run time only. Parameters, gradients of parameters and the mean loss have
//! no batch dimension. Operations never mix samples, except the two that say so: a [`Op::Reduce`] or a
//! [`Op::Contract`] over the batch.
//!
//! Elementwise operations take arguments of exactly their own shape, so broadcasting is always a node of its own
//! ([`Op::Broadcast`]). This costs nothing, since movement operations (broadcast, reshape, permute, slice, concat, window)
//! never move memory: lowering turns them into index arithmetic of whoever reads them.
//!
//! Layers, activations, losses and optimizers are not operations. They are functions (in [`crate::layers`]) that add
//! primitives, so each new layer gets its gradient, its fusion and its two printers for nothing.
//!
//! Equal nodes are one node: [`Graph::add`] interns, which makes common-subexpression elimination a property of the
//! graph instead of a pass.

mod access;
mod build;
mod eval;
mod loops;
mod op;
mod shape;

use std::collections::BTreeMap;

use crate::hash::Map;

pub use access::Access;
pub(crate) use eval::row_number;
pub use loops::Loop;
pub use op::{Binary, Contraction, Leaf, Op, Reduction, StepScalar, Unary};
pub(crate) use shape::same_axis;
pub use shape::{Extent, Shape};

/// A node of one [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The node's position in its graph.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One primitive operation and the shape of its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From what; all of them come earlier in the graph.
    pub args: Vec<NodeId>,
    /// The shape of the result.
    pub shape: Shape,
    /// Whose work this is, for kernel names and the readable plan: a path such as `stem.conv2d`.
    pub label: u32,
}

/// An arena of nodes in topological order. See the [module's text](self).
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    labels: Vec<String>,
    label_numbers: Map<String, u32>,
    label: u32,
    interned: Map<Key, NodeId>,
    /// How many loops there are.
    loops: u32,
    /// The loop whose body is being made.
    open_loop: Option<Loop>,
    /// The number of the loop that goes back through another one, by the gradients that arrive at that one's ends.
    mirrors: BTreeMap<(Loop, Vec<(NodeId, NodeId)>), u32>,
}

/// What makes two nodes equal. Floats are compared by their bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    op: op::OpKey,
    args: Vec<NodeId>,
    shape: Shape,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node, or returns the one that is equal to it.
    pub fn add(&mut self, op: Op, args: Vec<NodeId>, shape: Shape) -> NodeId {
        debug_assert!(args.iter().all(|a| a.index() < self.nodes.len()));
        let key = Key { op: op.key(), args: args.clone(), shape: shape.clone() };
        if let Some(&id) = self.interned.get(&key) {
            return id;
        }
        if let Op::At(l) | Op::Carry(l, _) | Op::Stacked(l, _) | Op::Final(l, _) = &op {
            self.loops = self.loops.max(l.number + 1);
        }
        let id = NodeId(self.nodes.len() as u32);
        if self.labels.is_empty() {
            self.labels.push(String::new());
        }
        self.nodes.push(Node { op, args, shape, label: self.label });
        self.interned.insert(key, id);
        id
    }

    /// Nodes added from now on belong to `path` (shown in kernel names and in the readable plan).
    pub fn set_label(&mut self, path: &str) {
        self.label = match self.label_numbers.get(path) {
            Some(&number) => number,
            None => {
                // Number 0 is that of nodes without a label.
                if self.labels.is_empty() {
                    self.labels.push(String::new());
                }
                let number = self.labels.len() as u32;
                self.labels.push(path.to_owned());
                self.label_numbers.insert(path.to_owned(), number);
                number
            }
        };
    }

    /// The path that a node belongs to.
    pub fn label(&self, id: NodeId) -> &str {
        self.labels.get(self.node(id).label as usize).map_or("", String::as_str)
    }

    /// The node behind a handle.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The shape of a node's result.
    pub fn shape(&self, id: NodeId) -> &Shape {
        &self.nodes[id.index()].shape
    }

    /// All nodes in topological order.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter().enumerate().map(|(i, n)| (NodeId(i as u32), n))
    }

    /// Which nodes these depend on, themselves among them.
    pub fn needed(&self, roots: &[NodeId]) -> Vec<bool> {
        let mut needed = vec![false; self.len()];
        roots.iter().for_each(|r| needed[r.index()] = true);
        for (id, node) in self.nodes().rev() {
            if needed[id.index()] {
                node.args.iter().for_each(|a| needed[a.index()] = true);
            }
        }
        needed
    }

    /// The handle of the node at a position.
    pub fn id(&self, index: usize) -> NodeId {
        debug_assert!(index < self.nodes.len());
        NodeId(index as u32)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node yet.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
