//! What a step leaves for the host: the mean loss, and what metrics are made of.

use super::{Programs, Table};
use crate::graph::{Graph, NodeId, Reduction, Shape, StepScalar};
use crate::layers::{Term, is_counted, terms};
use crate::lower::Root;
use crate::network::Network;
use crate::plan::{self, Metric, Place};
use crate::simplify::{Phase, compute_by_blocks, specialize};

/// A step's part of the results: some floats, then some for each of its samples.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    floats: usize,
    sample_floats: usize,
}

impl Slot {
    /// Where a step's results have the terms of its loss.
    pub(super) fn terms(&mut self, terms: &[LossTerm]) -> Vec<plan::LossTerm> {
        let place = |term: &LossTerm| {
            let value = term.value.map_or(0, |_| self.take());
            plan::LossTerm { value, weight: self.take() }
        };
        terms.iter().map(place).collect()
    }

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

/// A term of the loss that is a mean over positions of which some count more than others: over several steps it is weighted by that.
#[derive(Clone, Copy)]
pub(super) struct LossTerm {
    /// Its value of each sample; `None` where it is the whole loss.
    value: Option<NodeId>,
    /// How much a sample counts in it.
    weight: NodeId,
}

/// The terms of a network's loss, and the network with the nodes that they need, if there are such.
pub(super) fn loss_terms(network: &Network) -> (Option<Network>, Vec<LossTerm>) {
    let Some(loss) = network.loss.filter(|&loss| is_counted(&network.graph, loss)) else { return (None, vec![]) };
    let mut network = network.clone();
    // The front end has refused what cannot be taken apart.
    let all = terms(&mut network.graph, loss).unwrap_or_default();
    let is_one = all.len() == 1;
    let term = |term: Term| Some(LossTerm { value: (!is_one).then_some(term.value), weight: term.weight? });
    let terms = all.into_iter().filter_map(term).collect();
    (Some(network), terms)
}

/// What a phase's graph measures.
pub(super) struct Measured {
    /// The loss of each sample.
    pub(super) loss: NodeId,
    /// The terms of the loss.
    terms: Vec<LossTerm>,
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
        let of_terms = self.terms.iter().flat_map(|term| term.value.into_iter().chain([term.weight]));
        self.network.loss.into_iter().chain(of_terms).chain(of_metrics).collect()
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
        let of_terms: Vec<NodeId> =
            self.terms.iter().flat_map(|term| term.value.into_iter().chain([term.weight])).collect();
        let nodes = [&[loss], &of_terms[..], &statistics, &gathered.concat(), more].concat();
        let (graph, roots) = specialize(&self.network.graph, &nodes, phase);
        let blocked = compute_by_blocks(&graph, &roots, &self.network.blocks);
        let (mut graph, roots) = blocked.unwrap_or((graph, roots));
        let loss = graph.broadcast(roots[0], &Shape::batched(&[]));
        let (of_terms, rest) = roots[1..].split_at(of_terms.len());
        let mut of_terms = of_terms.iter().copied();
        let mut next = || of_terms.next().expect("a root for each node");
        let terms =
            self.terms.iter().map(|term| LossTerm { value: term.value.map(|_| next()), weight: next() }).collect();
        let (statistics, rest) = rest.split_at(statistics.len());
        let (samples, more) = rest.split_at(rest.len() - more.len());
        let measured = Measured { loss, terms, statistics: statistics.to_vec(), samples: samples.to_vec() };
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
        for (term, places) in measured.terms.iter().zip(&self.layout.loss_terms) {
            if let Some(value) = term.value {
                let value = graph.broadcast(value, &Shape::batched(&[]));
                let total = graph.reduce(Reduction::Sum, value, &[], true);
                let node = graph.mul(total, inverse);
                let tensor = table.add("term of the loss", &graph.shape(node).clone(), Place::Results(places.value));
                list.push(Root { node, tensor });
            }
            let weight = graph.broadcast(term.weight, &Shape::batched(&[]));
            let node = graph.reduce(Reduction::Sum, weight, &[], true);
            let tensor = table.add("loss's weight", &graph.shape(node).clone(), Place::Results(places.weight));
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
