//! Kept tensors in a program: each has one place in the arena, from the first kernel to the last, and what it becomes is put there when
//! nobody reads the old numbers any more.
//!
//! So a player has nothing to do between two runs of the same program: what one leaves is where the next one looks. Between programs
//! it carries the numbers over ([`Schedule::kept`](crate::plan::Schedule::kept)).
//!
//! Where a kernel makes the new numbers of one place from the old ones of the same place, and nobody reads the old ones later, it writes
//! them there itself. Otherwise they are computed elsewhere, and a kernel behind all others copies them.

use super::{Programs, Table, leaves};
use crate::graph::{Graph, Leaf, NodeId, Op, Shape};
use crate::ir::{Index, Kernel, TensorId, Value};
use crate::lower::{Lowered, Root, lower};
use crate::network::Network;
use crate::plan::{KeptTensor, Place};
use crate::simplify::{Phase, specialize};

/// Kept tensors that a program changes: their numbers, and what they become.
pub(super) struct Remembered {
    numbers: Vec<usize>,
    pub(super) next: Vec<NodeId>,
}

/// Where the player keeps them.
pub(super) fn layout(network: &Network) -> Vec<KeptTensor> {
    let mut offset = 0;
    let one = |kept: &crate::network::Kept| {
        let begin = offset;
        offset += kept.dims.iter().product::<usize>();
        KeptTensor { name: kept.name.clone(), dims: kept.dims.clone(), offset: begin }
    };
    network.kept.iter().map(one).collect()
}

impl Programs<'_> {
    /// What a program has to remember in a phase: what its roots depend on, and what that depends on.
    pub(super) fn remembered(&self, roots: &[NodeId], phase: Phase) -> Remembered {
        let mut numbers: Vec<usize> = vec![];
        loop {
            let next: Vec<NodeId> = numbers.iter().map(|&k| self.network.kept[k].next).collect();
            if self.network.kept.is_empty() {
                return Remembered { numbers, next };
            }
            let (graph, _) = specialize(&self.network.graph, &[roots, &next].concat(), phase);
            let kept = |leaf: &Leaf| if let Leaf::Kept(k) = leaf { Some(*k) } else { None };
            let found: Vec<usize> = leaves(&graph, kept).into_iter().map(|(k, _)| k).collect();
            if found == numbers {
                return Remembered { numbers, next };
            }
            numbers = found;
        }
    }
}

/// New numbers of a kept tensor, and where the pass leaves them.
pub(super) struct New {
    number: usize,
    shape: Shape,
    tensor: TensorId,
}

impl Table<'_> {
    /// Wants what kept tensors become of the pass; `nodes` are their counterparts in its graph.
    pub(super) fn want_kept(
        &mut self,
        graph: &Graph,
        remembered: &Remembered,
        nodes: &[NodeId],
        list: &mut Vec<Root>,
    ) -> Vec<New> {
        let mut all = vec![];
        for (&number, &node) in remembered.numbers.iter().zip(nodes) {
            // What stays as it is needs no kernel.
            if graph.node(node).op == Op::Leaf(Leaf::Kept(number)) {
                continue;
            }
            let shape = graph.shape(node).clone();
            let name = format!("new {}", self.programs.network.kept[number].name);
            let tensor = self.add(&name, &shape, Place::Sample(0));
            list.push(Root { node, tensor });
            all.push(New { number, shape, tensor });
        }
        all
    }

    /// Puts new numbers where the old ones are, behind the kernels that there are.
    pub(super) fn keep(&mut self, new: &[New]) {
        let mut copies = Lowered::default();
        for New { number, shape, tensor } in new {
            let kept = self.leaf_tensor(&Leaf::Kept(*number), shape);
            if self.is_in_place(*tensor, kept) {
                self.schedule.kernels.iter_mut().for_each(|kernel| replace(kernel, *tensor, kept));
                continue;
            }
            let mut graph = Graph::new();
            graph.set_label("kept");
            let leaf = Leaf::KeptNext(*number);
            let node = graph.leaf(leaf.clone(), shape.clone());
            self.leaves.push((leaf, *tensor));
            copies.extend(lower(&graph, &[Root { node, tensor: kept }], true, self));
        }
        self.append(copies);
        // They are no part of an update.
        self.schedule.update = self.schedule.kernels.len();
    }

    /// Whether the one kernel that writes `new` may write `old` instead: it reads of that nothing but the element that the same point
    /// writes then, no kernel behind it reads it, and no loop has views of `new`.
    fn is_in_place(&self, new: TensorId, old: TensorId) -> bool {
        let schedule = &self.schedule;
        let sees = |t: TensorId, of: TensorId| t == of || schedule.views.get(&t).is_some_and(|v| v.of.contains(&of));
        let mut writers = (0..schedule.kernels.len())
            .filter(|&k| schedule.kernels[k].tensors().iter().any(|&t| sees(t, new) && schedule.kernels[k].writes(t)));
        let (Some(writer), None) = (writers.next(), writers.next()) else { return false };
        if schedule.loop_of(writer).is_some() || schedule.views.values().any(|view| view.of.contains(&new)) {
            return false;
        }
        let level = schedule.levels.iter().find(|level| level.contains(&writer)).cloned().unwrap_or_default();
        let others = schedule.kernels[level.start..].iter().zip(level.start..).filter(|(_, k)| *k != writer);
        let mut others = others.flat_map(|(kernel, _)| kernel.loads());
        !others.any(|t| sees(t, old)) && reads_where_it_writes(&schedule.kernels[writer], old, new)
    }
}

/// Whether a kernel of one stage reads of `old` only what the same point writes of `new`.
fn reads_where_it_writes(kernel: &Kernel, old: TensorId, new: TensorId) -> bool {
    let [stage] = &kernel.stages[..] else {
        return !kernel.reads(old);
    };
    let stored: Vec<&Index> = stage.stores.iter().filter(|s| s.tensor == new).map(|s| &s.index).collect();
    let [stored] = stored[..] else { return false };
    stage.inner.is_empty()
        && stage.body.iter().all(|value| match value {
            Value::Load { tensor, index, within } => *tensor != old || (index == stored && within.is_empty()),
            Value::Gather { tensor, .. } => *tensor != old,
            _ => true,
        })
}

/// Names another tensor where a kernel names this one.
fn replace(kernel: &mut Kernel, from: TensorId, to: TensorId) {
    for stage in &mut kernel.stages {
        for value in &mut stage.body {
            if let Value::Load { tensor, .. } | Value::Gather { tensor, .. } = value
                && *tensor == from
            {
                *tensor = to;
            }
        }
        stage.stores.iter_mut().filter(|s| s.tensor == from).for_each(|s| s.tensor = to);
    }
}
