//! What a schedule is gathered in: its tensors, each with its place, and its kernels.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Programs;
use crate::emit::wgsl::stores_halves_in_fours;
use crate::graph::{Graph, Leaf, NodeId, Op, Shape};
use crate::ir::{Kernel, TensorId, validate};
use crate::levels;
use crate::lower::{Lowered, Root, Tensors, holds_halves, lower};
use crate::memory::{self, Pinned};
use crate::network::Precision;
use crate::plan::{LoopOfKernels, Place, Schedule, Tensor, View};
use crate::simplify::{half_operands, lift_out_of_loops, split_reductions};

/// Gathers a schedule's tensors and kernels.
pub(super) struct Table<'a> {
    pub(super) programs: &'a Programs<'a>,
    pub(super) schedule: Schedule,
    pub(super) leaves: Vec<(Leaf, TensorId)>,
}

impl<'a> Table<'a> {
    pub(super) fn new(programs: &'a Programs<'a>) -> Self {
        Table { programs, schedule: Schedule::default(), leaves: vec![] }
    }

    pub(super) fn add(&mut self, name: &str, shape: &Shape, place: Place) -> TensorId {
        let id = TensorId(self.schedule.tensors.len() as u32);
        let (batch, dims) = (shape.batch, shape.dims.clone());
        self.schedule.tensors.push(Tensor { name: name.to_owned(), batch, dims, place });
        id
    }

    pub(super) fn leaf_tensor(&mut self, leaf: &Leaf, shape: &Shape) -> TensorId {
        // Parts of one vector may begin together.
        let is_this =
            |(l, id): &&(Leaf, TensorId)| l == leaf && self.schedule.tensors[id.0 as usize].dims == shape.dims;
        if let Some((_, id)) = self.leaves.iter().find(is_this) {
            return *id;
        }
        let (name, place) = match leaf {
            Leaf::Field(i) => (self.programs.network.fields[*i].name.clone(), Place::Sample(0)),
            Leaf::Kept(k) => (self.programs.network.kept[*k].name.clone(), Place::Sample(0)),
            Leaf::KeptNext(_) => unreachable!("the pass has made its tensor"),
            Leaf::Parameter(i) => {
                let parameter = &self.programs.layout.parameters[*i];
                (parameter.name.clone(), Place::Parameters(parameter.offset))
            }
            Leaf::Parameters(start) => {
                (self.programs.layout.name(*start, ["parameters", "buffers"]), Place::Parameters(*start))
            }
            Leaf::Gradients(start) => {
                (self.programs.layout.name(*start, ["gradients", "new buffers"]), Place::Gradients(*start))
            }
            Leaf::State(i, start) => (format!("state {i}"), Place::State(*i, *start)),
            Leaf::ClipFactor => ("clip factor".to_owned(), Place::Fixed(0)),
            Leaf::Finite => ("finite".to_owned(), Place::Fixed(0)),
        };
        let id = self.add(&name, shape, place);
        match leaf {
            Leaf::Field(i) => self.schedule.fields.push((*i, id)),
            Leaf::Kept(k) => self.schedule.kept.push((*k, id)),
            _ => {}
        }
        self.leaves.push((leaf.clone(), id));
        id
    }

    pub(super) fn pass(&mut self, graph: &Graph, roots: &[Root], fuse: bool) {
        // Sums over a whole parameter are long.
        let split = (!self.programs.network.penalties.is_empty()).then(|| {
            let nodes: Vec<NodeId> = roots.iter().map(|root| root.node).collect();
            let (graph, nodes) = split_reductions(graph, &nodes);
            let roots: Vec<Root> = roots.iter().zip(nodes).map(|(root, node)| Root { node, ..*root }).collect();
            (graph, roots)
        });
        let (graph, roots) = split.as_ref().map_or((graph, roots), |(graph, roots)| (graph, &roots[..]));
        let lifted = (fuse && graph.has_loops()).then(|| {
            let nodes: Vec<NodeId> = roots.iter().map(|root| root.node).collect();
            let (graph, nodes) = lift_out_of_loops(graph, &nodes);
            let roots: Vec<Root> = roots.iter().zip(nodes).map(|(root, node)| Root { node, ..*root }).collect();
            (graph, roots)
        });
        let (graph, roots) = lifted.as_ref().map_or((graph, roots), |(graph, roots)| (graph, &roots[..]));
        let lowered = match self.programs.network.precision {
            Precision::Full => lower(graph, roots, fuse, self),
            Precision::Mixed(_) => {
                let nodes: Vec<NodeId> = roots.iter().map(|root| root.node).collect();
                let (graph, nodes) = half_operands(graph, &nodes);
                let roots: Vec<Root> = roots.iter().zip(nodes).map(|(root, node)| Root { node, ..*root }).collect();
                lower(&graph, &roots, fuse, self)
            }
        };
        self.append(lowered);
        self.schedule.update = self.schedule.kernels.len();
    }

    /// Adds kernels behind those that there are, in levels of their own.
    pub(super) fn append(&mut self, lowered: Lowered) {
        let Schedule { kernels: all, levels, loops, tensors, views, .. } = &mut self.schedule;
        let own = levels::order(lowered, tensors, views);
        let moved = |range: Range<usize>| all.len() + range.start..all.len() + range.end;
        levels.extend(own.levels.into_iter().map(moved));
        loops.extend(own.loops.into_iter().map(|l| LoopOfKernels { kernels: moved(l.kernels), ..l }));
        all.extend(own.kernels);
    }

    /// All kernels that there are; they are no longer there.
    pub(super) fn take(&mut self) -> Lowered {
        self.schedule.levels.clear();
        let loops = std::mem::take(&mut self.schedule.loops).into_iter().map(|l| (l.kernels, l.steps)).collect();
        Lowered { kernels: std::mem::take(&mut self.schedule.kernels), loops }
    }

    /// Names, memory, and the checks that debug builds make.
    pub(super) fn finish(mut self, mut to_end: Vec<TensorId>) -> Schedule {
        let schedule = &mut self.schedule;
        unique_names(&mut schedule.kernels);
        schedule.fields.sort_unstable();
        widen_singles(schedule);
        schedule.kept.sort_unstable();
        let kept = || schedule.kept.iter().map(|(_, t)| *t);
        let from_start = schedule.fields.iter().map(|(_, t)| *t).chain(kept()).collect();
        to_end.extend(kept());
        let zones = memory::plan(schedule, &Pinned { from_start, to_end });
        (schedule.sample_floats, schedule.fixed_floats) = (zones.sample, zones.fixed);
        (schedule.sample_halves, schedule.fixed_halves) = (zones.half_sample, zones.half_fixed);
        if cfg!(debug_assertions) {
            for kernel in &schedule.kernels {
                validate(kernel, schedule.tensors.len()).expect("lowering makes valid kernels");
            }
        }
        self.schedule
    }
}

impl Tensors for Table<'_> {
    fn leaf(&mut self, graph: &Graph, id: NodeId) -> TensorId {
        let node = graph.node(id);
        let Op::Leaf(leaf) = &node.op else { unreachable!("lowering asks for leaves only") };
        self.leaf_tensor(leaf, &node.shape)
    }

    fn temporary(&mut self, graph: &Graph, id: NodeId) -> TensorId {
        let shape = graph.shape(id);
        let place = match (holds_halves(graph, id) && self.programs.stores_halves(), shape.batch) {
            (true, true) => Place::HalfSample(0),
            (true, false) => Place::HalfFixed(0),
            (false, true) => Place::Sample(0),
            (false, false) => Place::Fixed(0),
        };
        let name = format!("{} #{}", graph.label(id), id.index());
        self.add(&name, shape, place)
    }

    fn view(&mut self, view: View) -> TensorId {
        if let Some((id, _)) = self.schedule.views.iter().find(|(_, known)| **known == view) {
            return *id;
        }
        // The place follows when memory is planned.
        let id = TensorId(self.schedule.tensors.len() as u32);
        self.schedule.tensors.push(self.schedule.tensors[view.of[0].0 as usize].clone());
        self.schedule.views.insert(id, view);
        id
    }
}

/// What is not written in groups of four is stored as f32, whatever it holds; and what steps of a loop see the rows of.
fn widen_singles(schedule: &mut Schedule) {
    let tensors = &mut schedule.tensors;
    for tensor in schedule.views.iter().flat_map(|(id, view)| [*id, view.of[0], view.of[1]]) {
        let tensor = &mut tensors[tensor.0 as usize];
        match tensor.place {
            Place::HalfSample(_) => tensor.place = Place::Sample(0),
            Place::HalfFixed(_) => tensor.place = Place::Fixed(0),
            _ => {}
        }
    }
    let is_half = |s: &Schedule, t: TensorId| s.tensors[t.0 as usize].place.is_half();
    for number in 0..schedule.kernels.len() {
        let kernel = &schedule.kernels[number];
        let stored: Vec<TensorId> = kernel.stages.iter().flat_map(|s| &s.stores).map(|s| s.tensor).collect();
        let stored: Vec<TensorId> = stored.into_iter().filter(|&t| is_half(schedule, t)).collect();
        if stored.is_empty() || stores_halves_in_fours(schedule, kernel) {
            continue;
        }
        for tensor in stored {
            let tensor = &mut schedule.tensors[tensor.0 as usize];
            tensor.place = if tensor.batch { Place::Sample(0) } else { Place::Fixed(0) };
        }
    }
}

/// Numbers repeated names.
fn unique_names(kernels: &mut [Kernel]) {
    let mut taken = HashSet::new();
    let mut next: HashMap<String, usize> = HashMap::new();
    for kernel in kernels {
        let base = kernel.name.clone();
        let n = next.entry(base.clone()).or_insert(0);
        while !taken.insert(kernel.name.clone()) {
            *n += 1;
            kernel.name = format!("{base}_{n}");
        }
    }
}
