//! The update: the optimizer's kernels and the copy of the buffers' new values, behind those of the pass.
//!
//! An optimizer is a rule over vectors. Where all parameters have the same options, it is one kernel over the whole vectors. Groups of
//! parameters with options of their own are ranges of the vectors ([`Layout::segments`](super::Layout)), and the update is one kernel for
//! each of them; they do not depend on each other, so a GPU does them in one dispatch.

use super::{Programs, Table};
use crate::graph::{Graph, Leaf, NodeId, Shape};
use crate::layers::{OptimizerStep, clip_by_value, clip_factor, optimizer_step, state_init};
use crate::lower::{Root, lower};
use crate::network::Optimizer;
use crate::simplify::split_reductions;

impl Programs<'_> {
    /// Adds the update's kernels.
    pub(super) fn update(&self, table: &mut Table<'_>) {
        let optimizer = self.network.optimizer.as_ref().expect("callers have an optimizer");
        let mut kernels = self.finite(table);
        let controls = self.layout.control.all.len();
        let apart = self.layout.segments.len() > 1;
        if apart && optimizer.clip_norm.is_some() {
            kernels.extend(self.clip_factor(optimizer, table));
        }
        for (number, segment) in self.layout.segments.iter().enumerate() {
            let (start, shape) = (segment.floats.start, Shape::fixed(&[segment.floats.len()]));
            let mut graph = Graph::new();
            graph.set_label(&segment.group.map_or("optimizer".to_owned(), |group| format!("optimizer.group_{group}")));
            let parameters = graph.leaf(Leaf::Parameters(start), shape.clone());
            let gradients = graph.leaf(Leaf::Gradients(start), shape.clone());
            let count = state_init(optimizer).len();
            let states: Vec<NodeId> = (0..count).map(|i| graph.leaf(Leaf::State(i, start), shape.clone())).collect();
            let mut gradients = clip_by_value(&mut graph, optimizer, gradients);
            if optimizer.clip_norm.is_some() {
                let factor = match apart {
                    true => graph.leaf(Leaf::ClipFactor, Shape::fixed(&[])),
                    false => clip_factor(&mut graph, optimizer, &[gradients]),
                };
                gradients = graph.mul(gradients, factor);
            }
            let step = OptimizerStep { parameters, gradients, states: &states };
            let update = optimizer_step(&mut graph, optimizer, segment.group, &step);
            let leaves = std::iter::once(Leaf::Parameters(start)).chain((0..count).map(|i| Leaf::State(i, start)));
            let new: Vec<NodeId> = std::iter::once(update.new_parameters).chain(update.new_states).collect();
            let old: Vec<NodeId> = std::iter::once(parameters).chain(states).collect();
            let (graph, nodes) = self.guarded(&graph, &old, &new);
            let (mut graph, nodes) = split_reductions(&graph, &nodes);
            let mut list: Vec<Root> =
                leaves.zip(nodes).map(|(leaf, node)| Root { node, tensor: table.leaf_tensor(&leaf, &shape) }).collect();
            if number == 0 && controls == 0 && self.layout.buffer_floats > 0 {
                list.push(self.new_buffers_copied(&mut graph, table));
            }
            // Always fused: the update is in place, so each element must be read before it is written. Segments are lowered one by
            // one, so that none of them shares a kernel with another part of the same vectors.
            kernels.extend(lower(&graph, &list, true, table));
        }
        if controls > 0 {
            // Behind everything that reads the old numbers.
            kernels.extend(self.control(table));
            let mut graph = Graph::new();
            let root = self.new_buffers_copied(&mut graph, table);
            kernels.extend(lower(&graph, &[root], true, table));
        }
        table.append(kernels);
    }

    /// What the gradients of all segments are multiplied by, for those who read [`Leaf::ClipFactor`].
    fn clip_factor(&self, optimizer: &Optimizer, table: &mut Table<'_>) -> Vec<crate::ir::Kernel> {
        let mut graph = Graph::new();
        graph.set_label("optimizer.clip");
        let mut gradients = vec![];
        for segment in &self.layout.segments {
            let leaf = graph.leaf(Leaf::Gradients(segment.floats.start), Shape::fixed(&[segment.floats.len()]));
            gradients.push(clip_by_value(&mut graph, optimizer, leaf));
        }
        let factor = clip_factor(&mut graph, optimizer, &gradients);
        let (graph, nodes) = split_reductions(&graph, &[factor]);
        let tensor = table.leaf_tensor(&Leaf::ClipFactor, &Shape::fixed(&[]));
        lower(&graph, &[Root { node: nodes[0], tensor }], true, table)
    }

    /// The buffers' new values, which the pass has left where gradients are.
    fn new_buffers_copied(&self, graph: &mut Graph, table: &mut Table<'_>) -> Root {
        graph.set_label("buffers");
        let (start, shape) = (self.layout.trained_floats, Shape::fixed(&[self.layout.buffer_floats]));
        let node = graph.leaf(Leaf::Gradients(start), shape.clone());
        Root { node, tensor: table.leaf_tensor(&Leaf::Parameters(start), &shape) }
    }
}
