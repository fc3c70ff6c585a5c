//! What a step leaves for the host: the mean loss, and what metrics are made of.

use super::{Programs, Table};
use crate::graph::{Graph, NodeId, Reduction, Shape, StepScalar};
use crate::layers::weighted_mean;
use crate::lower::Root;
use crate::network::Network;
use crate::plan::{Metric, Place};
use crate::simplify::{Phase, compute_by_blocks, specialize};

/// A step's part of the results: some floats, then some for each of its samples.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    floats: usize,
    sample_floats: usize,
}

impl Slot {
    /// One more float, which is not a metric's.
    pub(super) fn take(&mut self) -> usize {
        self.floats += 1;
        self.floats - 1
    }
}

/// Where metrics find what they are made of. What several of them want of each sample is there once.
pub(super) fn metrics(network: &Network) -> (Vec<Metric>, Slot) {
    let mut slot = Slot { floats: 1, sample_floats: 0 };
    let mut gathered: Vec<(&[NodeId], usize)> = vec![];
    let graph = &network.graph;
    let size = |nodes: &[NodeId]| nodes.iter().map(|&node| graph.shape(node).size()).sum::<usize>();
    let metrics = (network.metrics.iter())
        .map(|m| {
            let (offset, len, sample_len) = (slot.floats, size(&m.statistics), size(&m.samples));
            slot.floats += len;
            let known = gathered.iter().find(|(nodes, _)| *nodes == m.samples).map(|(_, offset)| *offset);
            let sample_offset = known.unwrap_or_else(|| {
                gathered.push((&m.samples, slot.sample_floats));
                slot.sample_floats += sample_len;
                slot.sample_floats - sample_len
            });
            Metric { name: m.name.clone(), kind: m.kind, offset, len, sample_offset, sample_len }
        })
        .collect();
    (metrics, slot)
}

/// How much a sample's loss counts, where the loss is the mean over positions of which some count more than others: over several
/// steps it is then weighted by that.
pub(super) fn loss_weight(network: &Network) -> Option<NodeId> {
    weighted_mean(&network.graph, network.loss?).map(|(_, weight)| weight)
}

/// What a phase's graph measures.
pub(super) struct Measured {
    /// The loss of each sample.
    pub(super) loss: NodeId,
    /// How much each sample's loss counts, if that is not 1.
    loss_weight: Option<NodeId>,
    /// The metrics' statistics.
    statistics: Vec<NodeId>,
    /// What metrics gather of each sample.
    samples: Vec<NodeId>,
}

impl Programs<'_> {
    /// What [`Programs::measured`] measures, as nodes of the network's graph.
    pub(super) fn measured_nodes(&self, metrics: bool) -> Vec<NodeId> {
        let metrics = if metrics { &self.network.metrics[..] } else { &[] };
        let of_metrics = metrics.iter().flat_map(|m| m.statistics.iter().chain(&m.samples)).copied();
        self.network.loss.into_iter().chain(loss_weight(self.network)).chain(of_metrics).collect()
    }

    /// A phase's graph with what it measures, and further nodes.
    pub(super) fn measured(&self, phase: Phase, metrics: bool, more: &[NodeId]) -> (Graph, Measured, Vec<NodeId>) {
        let loss = self.network.loss.expect("callers have a loss");
        let metrics = if metrics { &self.network.metrics[..] } else { &[] };
        let statistics: Vec<NodeId> = metrics.iter().flat_map(|m| &m.statistics).copied().collect();
        let mut gathered: Vec<&[NodeId]> = vec![];
        for m in metrics {
            if !gathered.contains(&&m.samples[..]) {
                gathered.push(&m.samples);
            }
        }
        let weight = loss_weight(self.network);
        let nodes = [&[loss], &Vec::from_iter(weight)[..], &statistics, &gathered.concat(), more].concat();
        let (graph, roots) = specialize(&self.network.graph, &nodes, phase);
        let (mut graph, roots) = compute_by_blocks(&graph, &roots, &self.network.blocks);
        let loss = graph.broadcast(roots[0], &Shape::batched(&[]));
        let (weight, rest) = roots[1..].split_at(usize::from(weight.is_some()));
        let (statistics, rest) = rest.split_at(statistics.len());
        let (samples, more) = rest.split_at(rest.len() - more.len());
        let measured = Measured {
            loss,
            loss_weight: weight.first().copied(),
            statistics: statistics.to_vec(),
            samples: samples.to_vec(),
        };
        (graph, measured, more.to_vec())
    }

    /// The mean loss and what metrics are made of, stored where the host reads them.
    pub(super) fn results(&self, graph: &mut Graph, measured: &Measured, table: &mut Table<'_>, list: &mut Vec<Root>) {
        graph.set_label("loss");
        let total = graph.reduce(Reduction::Sum, measured.loss, &[], true);
        let inverse = graph.scalar(StepScalar::InverseBatch);
        let mean = graph.mul(total, inverse);
        let mean = self.with_penalties(graph, mean);
        let mut offset = 0;
        for (i, &node) in std::iter::once(&mean).chain(&measured.statistics).enumerate() {
            let shape = graph.shape(node).clone();
            let name = if i == 0 { "mean loss" } else { "metric" };
            let tensor = table.add(name, &shape, Place::Results(offset));
            offset += shape.size();
            list.push(Root { node, tensor });
        }
        if let (Some(weight), Some(offset)) = (measured.loss_weight, self.layout.loss_weight) {
            let node = graph.reduce(Reduction::Sum, weight, &[], true);
            let tensor = table.add("loss's weight", &graph.shape(node).clone(), Place::Results(offset));
            list.push(Root { node, tensor });
        }
        let Slot { floats, sample_floats } = self.layout.slot;
        if !measured.samples.is_empty() {
            let node = graph.concat(&measured.samples, 0);
            let shape = graph.shape(node).clone();
            let tensor = table.add("samples' metrics", &shape, Place::Results(floats));
            list.push(Root { node, tensor });
        }
        (table.schedule.result_floats, table.schedule.result_sample_floats) = (floats, sample_floats);
    }
}
