//! Numbers that training keeps for itself: the scale of the loss, and what decides whether a step counts.
//!
//! They lie behind the buffers and are updated as those are: their new values are put where gradients are and copied from there
//! behind everything that reads the old ones. So they are saved, restored and read back with the parameters, and nobody waits for them.

use super::{Programs, Table};
use crate::graph::{Binary, Graph, Leaf, NodeId, Reduction, Shape, StepScalar, Unary};
use crate::lower::{Lowered, Root, lower};
use crate::network::{Initializer, LossScale, Network, Precision};
use crate::plan::{Parameter, Place};
use crate::simplify::{replace_scalars, split_reductions};

/// Where these numbers lie in the vector of all parameters.
pub(super) struct Control {
    /// All of them.
    pub(super) all: Vec<Parameter>,
    /// What the loss is multiplied by.
    scale: Option<usize>,
    /// Steps since the scale has changed.
    good_steps: Option<usize>,
    /// Updates that were not skipped.
    updates: Option<usize>,
    /// Where the memory behind them begins; a multiple of 4.
    pub(super) end: usize,
}

impl Control {
    /// Places what a network needs from here on.
    pub(super) fn new(network: &Network, start: usize) -> Self {
        let mut control = Control { all: vec![], scale: None, good_steps: None, updates: None, end: start };
        if !network.skips_non_finite() {
            return control;
        }
        if let Precision::Mixed(scale) = network.precision
            && scale.dynamic
        {
            control.scale = Some(control.add("loss_scale", scale.initial));
            control.good_steps = Some(control.add("good_steps", 0.0));
        }
        control.updates = Some(control.add("updates", 0.0));
        control.end = control.end.next_multiple_of(4);
        control
    }

    fn add(&mut self, name: &str, start: f64) -> usize {
        let offset = self.end;
        let init = Initializer::Constant(start);
        self.all.push(Parameter {
            name: name.to_owned(),
            dims: vec![],
            init,
            zero_row: None,
            offset,
            trainable: false,
        });
        self.end += 1;
        offset
    }
}

impl Programs<'_> {
    /// What the gradient of the loss is multiplied by, if by anything.
    pub(super) fn loss_scale(&self, graph: &mut Graph) -> Option<NodeId> {
        let Precision::Mixed(scale) = self.network.precision else { return None };
        Some(match self.layout.control.scale {
            Some(start) => number(graph, Leaf::Parameters(start)),
            None => graph.constant(scale.initial),
        })
    }

    /// Kernels that tell whether all gradients are finite, for those who read [`Leaf::Finite`] and for the step's results.
    pub(super) fn finite(&self, table: &mut Table<'_>) -> Lowered {
        let Some(slot) = self.layout.skipped.or(self.layout.non_finite) else { return Lowered::default() };
        let mut graph = Graph::new();
        graph.set_label("optimizer.finite");
        let mut all: Option<NodeId> = None;
        for segment in &self.layout.segments {
            let leaf = graph.leaf(Leaf::Gradients(segment.floats.start), Shape::fixed(&[segment.floats.len()]));
            let finite = graph.unary(Unary::IsFinite, leaf);
            let finite = graph.reduce(Reduction::Minimum, finite, &[0], false);
            all = Some(all.map_or(finite, |all| graph.binary(Binary::Minimum, all, finite)));
        }
        let Some(finite) = all else { return Lowered::default() };
        let one = graph.constant(1.0);
        let not = graph.sub(one, finite);
        let scalar = Shape::fixed(&[]);
        let (nodes, tensors) = if self.layout.skipped.is_some() {
            let finite_tensor = table.leaf_tensor(&Leaf::Finite, &scalar);
            (vec![finite, not], vec![finite_tensor, table.add("skipped", &scalar, Place::Results(slot))])
        } else {
            (vec![not], vec![table.add("not finite", &scalar, Place::Results(slot))])
        };
        let (graph, nodes) = split_reductions(&graph, &nodes);
        let roots: Vec<Root> = nodes.into_iter().zip(tensors).map(|(node, tensor)| Root { node, tensor }).collect();
        lower(&graph, &roots, true, table)
    }

    /// New values where all gradients are finite, else the old ones. What depends on the number of steps counts those that were not
    /// skipped, as in PyTorch.
    pub(super) fn guarded(&self, graph: &Graph, old: &[NodeId], new: &[NodeId]) -> (Graph, Vec<NodeId>) {
        let both: Vec<NodeId> = new.iter().chain(old).copied().collect();
        let (mut graph, both) = replace_scalars(graph, &both, |graph, scalar| self.counted(graph, scalar));
        if self.layout.skipped.is_none() {
            return (graph, both[..new.len()].to_vec());
        }
        let finite = number(&mut graph, Leaf::Finite);
        let select = |(&new, &old): (&NodeId, &NodeId)| {
            let shape = graph.shape(new).clone();
            let finite = graph.broadcast(finite, &shape);
            graph.select(finite, new, old)
        };
        let nodes = both[..new.len()].iter().zip(&both[new.len()..]).map(select).collect();
        (graph, nodes)
    }

    /// A number of the step by the device's own count of updates.
    fn counted(&self, graph: &mut Graph, scalar: StepScalar) -> Option<NodeId> {
        let updates = number(graph, Leaf::Parameters(self.layout.control.updates?));
        match scalar {
            StepScalar::Step => Some(graph.offset(updates, 1.0)),
            StepScalar::BiasCorrection(beta) => {
                let time = graph.offset(updates, 1.0);
                let exponent = graph.scale(time, beta.ln());
                let correction = graph.unary(Unary::ExpM1, exponent);
                Some(graph.unary(Unary::Negate, correction))
            }
            _ => None,
        }
    }

    /// Kernels that compute what the control's numbers are after this step, where gradients are.
    pub(super) fn control(&self, table: &mut Table<'_>) -> Lowered {
        let control = &self.layout.control;
        let mut graph = Graph::new();
        graph.set_label("optimizer.control");
        let finite = number(&mut graph, Leaf::Finite);
        let mut new = vec![];
        if let Some(start) = control.updates {
            let updates = number(&mut graph, Leaf::Parameters(start));
            new.push((start, graph.add2(updates, finite)));
        }
        if let (Precision::Mixed(options), Some(start), Some(good)) =
            (self.network.precision, control.scale, control.good_steps)
        {
            let (scale, steps) = new_scale(&mut graph, &options, finite, start, good);
            new.extend([(start, scale), (good, steps)]);
        }
        let root = |(start, node): (usize, NodeId)| Root {
            node,
            tensor: table.leaf_tensor(&Leaf::Gradients(start), &Shape::fixed(&[])),
        };
        let roots: Vec<Root> = new.into_iter().map(root).collect();
        lower(&graph, &roots, true, table)
    }
}

/// The loss's scale and the number of good steps after this step, as `torch.amp.GradScaler.update` has them.
fn new_scale(g: &mut Graph, options: &LossScale, finite: NodeId, start: usize, good: usize) -> (NodeId, NodeId) {
    let scale = number(g, Leaf::Parameters(start));
    let good = number(g, Leaf::Parameters(good));
    let (zero, interval) = (g.constant(0.0), g.constant(options.growth_interval as f64));
    let more = g.offset(good, 1.0);
    let grows = g.binary(Binary::LessEqual, interval, more);
    let grown = g.scale(scale, options.growth_factor);
    let is_number = g.unary(Unary::IsFinite, grown);
    let grown = g.select(is_number, grown, scale);
    let next = g.select(grows, grown, scale);
    let smaller = g.scale(scale, options.backoff_factor);
    let kept = g.select(grows, zero, more);
    (g.select(finite, next, smaller), g.select(finite, kept, zero))
}

/// One number.
fn number(graph: &mut Graph, leaf: Leaf) -> NodeId {
    graph.leaf(leaf, Shape::fixed(&[]))
}
