//! The update: the optimizer's kernels and the copy of the buffers' new values, behind those of the pass.
//!
//! An optimizer is a rule over vectors. Where all parameters have the same options, it is one kernel over the whole vectors. Groups of
//! parameters with options of their own are ranges of the vectors ([`Layout::segments`](super::Layout)), and the update is one kernel for
//! each of them; they do not depend on each other, so a GPU does them in one dispatch. A constrained parameter is a range of its own,
//! and a second kernel brings it back to where it may be.

use super::{Programs, Table};
use crate::graph::{Graph, Leaf, NodeId, Shape};
use crate::layers::{
    OptimizerStep, clip_by_value, clip_factor, constrain, optimizer_average, optimizer_step, state_init,
};
use crate::lower::{Lowered, Root, lower};
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
        let count = state_init(optimizer).len() - usize::from(optimizer.ema.is_some());
        for (number, segment) in self.layout.segments.iter().enumerate() {
            let (start, shape) = (segment.floats.start, Shape::fixed(&[segment.floats.len()]));
            let mut graph = Graph::new();
            graph.set_label(&segment.group.map_or("optimizer".to_owned(), |group| format!("optimizer.group_{group}")));
            let parameters = graph.leaf(Leaf::Parameters(start), shape.clone());
            let gradients = graph.leaf(Leaf::Gradients(start), shape.clone());
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
            let mut leaves = vec![Leaf::Parameters(start)];
            leaves.extend((0..count).map(|i| Leaf::State(i, start)));
            let mut new: Vec<NodeId> = std::iter::once(update.new_parameters).chain(update.new_states).collect();
            let mut old: Vec<NodeId> = std::iter::once(parameters).chain(states).collect();
            if let (Some(keep), None) = (optimizer.ema, segment.constrained) {
                let leaf = Leaf::State(count, start);
                let average = graph.leaf(leaf.clone(), shape.clone());
                new.push(optimizer_average(&mut graph, keep, average, update.new_parameters));
                old.push(average);
                leaves.push(leaf);
            }
            let (graph, nodes) = self.guarded(&graph, &old, &new);
            let (mut graph, nodes) = split_reductions(&graph, &nodes);
            let mut list: Vec<Root> = (leaves.iter().zip(nodes))
                .map(|(leaf, node)| Root { node, tensor: table.leaf_tensor(leaf, &shape) })
                .collect();
            if number == 0 && controls == 0 && self.layout.buffer_floats > 0 {
                list.push(self.new_buffers_copied(&mut graph, table));
            }
            // Always fused: the update is in place, so each element must be read before it is written. Segments are lowered one by
            // one, so that none of them shares a kernel with another part of the same vectors.
            kernels.extend(lower(&graph, &list, true, table));
            if let Some(parameter) = segment.constrained {
                kernels.extend(self.constrain(parameter, start, optimizer, count, table));
            }
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

    /// Brings a parameter back to where its constraint wants it, behind its update; its running average, the state of this number,
    /// follows.
    fn constrain(
        &self,
        parameter: usize,
        start: usize,
        optimizer: &Optimizer,
        average: usize,
        table: &mut Table<'_>,
    ) -> Lowered {
        let constrained = &self.network.constraints[&parameter];
        let shape = Shape::fixed(&constrained.dims);
        let mut graph = Graph::new();
        graph.set_label("optimizer.constraint");
        let mut leaves = vec![Leaf::Parameters(start)];
        let mut old = vec![graph.leaf(Leaf::Parameters(start), shape.clone())];
        let mut new = vec![constrain(&mut graph, old[0], constrained)];
        if let Some(keep) = optimizer.ema {
            let leaf = Leaf::State(average, start);
            old.push(graph.leaf(leaf.clone(), shape.clone()));
            new.push(optimizer_average(&mut graph, keep, old[1], new[0]));
            leaves.push(leaf);
        }
        let (graph, nodes) = self.guarded(&graph, &old, &new);
        let list: Vec<Root> = (leaves.iter().zip(nodes))
            .map(|(leaf, node)| Root { node, tensor: table.leaf_tensor(leaf, &shape) })
            .collect();
        lower(&graph, &list, true, table)
    }

    /// What the gradients of all segments are multiplied by, for those who read [`Leaf::ClipFactor`].
    fn clip_factor(&self, optimizer: &Optimizer, table: &mut Table<'_>) -> Lowered {
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
