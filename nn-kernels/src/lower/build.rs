//! Kernels from groups: stages, bodies, stores.
//!
//! Groups are built last to first. While one is built, its loads from earlier groups tell which reductions there need
//! memory, before their own group is built. Until all is known, a load or a store names a node in the place of a tensor.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{self, Group, Groups};
use super::reads::{Read, arguments_at, inside};
use super::steps::{self, Loops};
use super::{Lowered, Root, Tensors, reduced_extents, reduces};
use crate::graph::{Binary, Extent, Graph, Loop, NodeId, Op, Reduction};
use crate::hash::Map;
use crate::ir::{Index, Kernel, Stage, Store, TensorId, Value, ValueId};

/// What recomputing must cost before memory is better, in additions.
const EXPENSIVE: f64 = 10.0;

/// One round of kernels.
pub(super) struct Built<'g> {
    graph: &'g Graph,
    groups: &'g Groups,
    kernels: Vec<Kernel>,
    /// Which nodes get memory.
    stored: Vec<bool>,
    /// Where each inlined node is computed, as (group, stage), and whether from that very group's reductions: such a value
    /// cannot be had from elsewhere.
    places: BTreeMap<NodeId, BTreeMap<(usize, usize), bool>>,
}

impl<'g> Built<'g> {
    pub fn new(graph: &'g Graph, groups: &'g Groups, realized: &[bool]) -> Self {
        let mut built = Built { graph, groups, kernels: vec![], stored: realized.to_vec(), places: BTreeMap::new() };
        for place in (0..groups.list.len()).rev() {
            let kernel = GroupBuilder::new(&mut built, place).kernel();
            built.kernels.push(kernel);
        }
        built.kernels.reverse();
        built
    }

    /// Nodes that are computed in several places and should better get memory.
    pub fn recomputed(&self) -> Vec<NodeId> {
        let loads = self.loads();
        let shared: BTreeSet<NodeId> = (self.places.iter())
            .filter(|(id, places)| !self.stored[id.index()] && places.values().filter(|own| !**own).count() >= 2)
            .filter(|(id, _)| loads[id.index()] && self.cost(**id, &loads) >= EXPENSIVE)
            .map(|(id, _)| *id)
            .collect();
        // Of a chain that is shared, only what others read needs memory.
        let mut read_from_outside: BTreeSet<NodeId> = BTreeSet::new();
        for (user, node) in self.graph.nodes() {
            let computed = self.places.contains_key(&user) || self.groups.of[user.index()].is_some();
            if computed && !shared.contains(&user) {
                read_from_outside.extend(node.args.iter().filter(|a| shared.contains(a)));
            }
        }
        read_from_outside.into_iter().collect()
    }

    /// What computing an element of a node costs, down to the nodes with memory. What is the same for a whole run of elements, such
    /// as the deviation of a channel, is computed once for the run. Numbers that need no loads (random masks, constants) cost
    /// nothing: they are recomputed gladly.
    fn cost(&self, id: NodeId, loads: &[bool]) -> f64 {
        let mut cost = 0.0;
        // How often each node is computed for an element; users come before what they use.
        let mut rates = BTreeMap::from([(id, 1.0)]);
        while let Some((id, rate)) = rates.pop_last() {
            let node = self.graph.node(id);
            cost += rate
                * match &node.op {
                    Op::Unary(u) if u.is_expensive() => EXPENSIVE,
                    Op::Binary(Binary::Power) => 2.0 * EXPENSIVE,
                    Op::Binary(Binary::Divide) => 4.0,
                    Op::Unary(_) | Op::Binary(_) | Op::Select => 1.0,
                    _ => 0.0,
                };
            for &arg in node.args.iter().filter(|a| loads[a.index()] && !self.has_memory(**a)) {
                let from = self.graph.shape(arg);
                let is_run = node.op == Op::Broadcast && from.dims.last().is_none_or(|d| *d == 1);
                let share = if is_run { from.size() as f64 / node.shape.size() as f64 } else { 1.0 };
                let known = rates.entry(arg).or_insert(0.0);
                *known = known.max(rate * share);
            }
        }
        cost
    }

    /// Which nodes cannot be computed without loads.
    fn loads(&self) -> Vec<bool> {
        let mut loads = vec![false; self.graph.len()];
        for (id, node) in self.graph.nodes() {
            loads[id.index()] = node.args.iter().any(|&a| self.has_memory(a) || loads[a.index()]);
        }
        loads
    }

    fn has_memory(&self, id: NodeId) -> bool {
        let op = &self.graph.node(id).op;
        self.stored[id.index()] || reduces(op) || matches!(op, Op::Leaf(_) | Op::Carry(..))
    }

    /// The kernels, with tensors in the place of nodes.
    pub fn finish(self, loops: &Loops, roots: &[Root], starts: &[Root], tensors: &mut dyn Tensors) -> Lowered {
        let graph = self.graph;
        let mut kernels = self.kernels;
        let mut destinations: BTreeMap<NodeId, Vec<TensorId>> = BTreeMap::new();
        for root in roots {
            destinations.entry(root.node).or_default().push(root.tensor);
        }
        // Where a state starts, its steps write soon: nobody else reads there.
        let loaded: BTreeSet<TensorId> = kernels.iter().flat_map(Kernel::loads).collect();
        for start in starts {
            let list = destinations.entry(start.node).or_default();
            let behind_loop = matches!(graph.node(start.node).op, Op::Leaf(_) | Op::Final(..));
            if list.is_empty() && !behind_loop && loaded.contains(&TensorId(start.node.index() as u32)) {
                list.push(tensors.temporary(graph, start.node));
            }
            list.push(start.tensor);
        }
        for (kernel, group) in kernels.iter_mut().zip(&self.groups.list) {
            // A row of a tensor, where the index has the number of the step in it.
            let row = |tensor: TensorId, index: &mut Index, tensors: &mut dyn Tensors| {
                let Some((view, rest)) = group.of.and_then(|l| steps::split(l, tensor, index)) else { return tensor };
                *index = rest;
                tensors.view(view)
            };
            for stage in &mut kernel.stages {
                for value in &mut stage.body {
                    if let (Value::Index(index) | Value::Random { index, .. }, Some(Loop { reverse: true, .. })) =
                        (&mut *value, group.of)
                    {
                        *index = index.reversed();
                    }
                    if let Value::Load { tensor, index, .. } | Value::Gather { tensor, index, .. } = value {
                        let id = graph.id(tensor.0 as usize);
                        let node = graph.node(id);
                        let whole = match (&node.op, loops.state_before(node), loops.state_behind(node)) {
                            (Op::Leaf(_), ..) => tensors.leaf(graph, id),
                            (_, Some(before), _) => tensors.view(before),
                            (_, _, Some((_, behind))) => behind,
                            _ => destinations.get(&id).expect("what is loaded was stored by an earlier kernel")[0],
                        };
                        *tensor = row(whole, index, tensors);
                    }
                }
                let mut stores = vec![];
                for store in stage.stores.drain(..) {
                    let id = graph.id(store.tensor.0 as usize);
                    let list = match loops.state_behind(graph.node(id)) {
                        Some((next, _)) => {
                            let next = tensors.view(next);
                            std::iter::once(next).chain(destinations.get(&id).into_iter().flatten().copied()).collect()
                        }
                        None => destinations.entry(id).or_insert_with(|| vec![tensors.temporary(graph, id)]).clone(),
                    };
                    for tensor in list {
                        let mut store = store.clone();
                        store.tensor = row(tensor, &mut store.index, tensors);
                        stores.push(store);
                    }
                }
                stage.stores = stores;
            }
        }
        let mut lowered = Lowered { kernels, loops: vec![] };
        for (at, group) in self.groups.list.iter().enumerate() {
            let Some(of) = group.of else { continue };
            match lowered.loops.last_mut() {
                Some((body, _)) if body.end == at && self.groups.list[body.start].of == group.of => body.end += 1,
                _ => lowered.loops.push((at..at + 1, of.steps)),
            }
        }
        lowered
    }
}

/// Values of nodes at indices, and whether they come from the group's own reductions.
type Known = Map<(NodeId, Vec<Index>), (ValueId, bool)>;

/// Builds the kernel of one group.
struct GroupBuilder<'b, 'g> {
    built: &'b mut Built<'g>,
    place: usize,
    group: &'g Group,
    stages: Vec<Stage>,
    /// What each stage has computed.
    known: Vec<Known>,
    /// Where each of the group's reductions ended up.
    reduced: BTreeMap<NodeId, (usize, usize)>,
    /// The nodes that are computed here without being members.
    inlined: Vec<NodeId>,
}

impl<'b, 'g> GroupBuilder<'b, 'g> {
    fn new(built: &'b mut Built<'g>, place: usize) -> Self {
        let group = &built.groups.list[place];
        GroupBuilder { built, place, group, stages: vec![], known: vec![], reduced: BTreeMap::new(), inlined: vec![] }
    }

    fn kernel(mut self) -> Kernel {
        let depth = self.group.outer.len();
        for &member in &self.group.members {
            let graph = self.built.graph;
            let earliest = self.earliest_stage(member);
            let in_loop = self.group.of.is_some();
            let extents = steps::extents(graph, member, in_loop);
            let inner = reduced_extents(graph, member);
            if reduces(&graph.node(member).op) {
                let stage = self.stage(earliest, inner);
                let (how, value) = self.combined(member, stage);
                self.stages[stage].reduce.push((how, value));
                self.reduced.insert(member, (stage, self.stages[stage].reduce.len() - 1));
            }
            if self.built.stored[member.index()] {
                let point = group::point(&self.group.outer, &extents);
                let inner =
                    if group::same_loops(&self.group.outer, &extents) { vec![] } else { extents[depth..].to_vec() };
                let earliest = self.earliest_stage_of_value(member);
                let stage = self.stage(earliest, inner);
                let whole = [member];
                let parts = steps::parts(graph, member, in_loop).map_or(&whole[..], |(parts, _)| parts);
                for (number, &part) in parts.iter().enumerate() {
                    let value = match part == member {
                        true => self.member_value(member, &point, stage),
                        false => self.value(part, point.clone(), stage).0,
                    };
                    let index = steps::stored_at(graph, member, in_loop, &point, number);
                    self.stages[stage].stores.push(Store { tensor: TensorId(member.index() as u32), index, value });
                }
            }
        }
        Kernel { name: self.name(), outer: self.group.outer.clone(), covers: self.covers(), stages: self.stages }
    }

    /// A stage with these loops, not before `earliest`; a new one if there is none.
    fn stage(&mut self, earliest: usize, inner: Vec<Extent>) -> usize {
        // A contraction keeps its stage to itself: that is what makes it one.
        let earliest = if self.group.contract && !self.stages.is_empty() { earliest.max(1) } else { earliest };
        if let Some(i) = (earliest..self.stages.len()).find(|&i| self.stages[i].inner == inner) {
            return i;
        }
        self.stages.push(Stage { inner, ..Stage::default() });
        self.known.push(Map::default());
        self.stages.len() - 1
    }

    /// The first stage in which everything that a member is computed from is there.
    fn earliest_stage(&self, member: NodeId) -> usize {
        let graph = self.built.graph;
        let mut stack = steps::operands(graph.node(member)).to_vec();
        let mut seen = BTreeSet::new();
        let mut earliest = 0;
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.reduced.get(&id) {
                Some((stage, _)) => earliest = earliest.max(stage + 1),
                None if self.elsewhere(id) => {}
                None => stack.extend(steps::operands(graph.node(id))),
            }
        }
        earliest
    }

    /// The first stage that can store a member's value.
    fn earliest_stage_of_value(&self, member: NodeId) -> usize {
        match self.reduced.get(&member) {
            Some((stage, _)) => stage + 1,
            None => self.earliest_stage(member),
        }
    }

    /// Whether a node's value lies in memory when this kernel runs.
    fn elsewhere(&self, id: NodeId) -> bool {
        matches!(self.built.graph.node(id).op, Op::Leaf(_) | Op::Carry(..))
            || self.built.groups.of[id.index()].is_some_and(|g| g != self.place)
    }

    /// What a reduction combines at each inner point, and how.
    fn combined(&mut self, member: NodeId, stage: usize) -> (Reduction, ValueId) {
        let graph = self.built.graph;
        let extents = self.extents(stage);
        let point: Vec<Index> = (0..self.group.outer.len()).map(Index::axis).collect();
        let args = arguments_at(graph, member, &point, &extents);
        if let Op::Scatter = graph.node(member).op {
            return (Reduction::Sum, self.scattered(args, stage));
        }
        let values: Vec<ValueId> = args.into_iter().map(|read| self.read(read, stage).0).collect();
        match &graph.node(member).op {
            Op::Reduce { how, .. } => (*how, values[0]),
            _ => (Reduction::Sum, self.push(stage, Value::Binary(Binary::Multiply, values[0], values[1]))),
        }
    }

    /// What a row takes of a position: its value where its number is the row's, else nothing.
    fn scattered(&mut self, args: Vec<Read>, stage: usize) -> ValueId {
        let mut args = args.into_iter();
        let mut next = |builder: &mut Self| args.next().map(|read| builder.read(read, stage).0);
        let (Some(number), row) = (next(self), self.push(stage, Value::Index(Index::axis(0)))) else {
            unreachable!("a scatter has two arguments");
        };
        let is_row = self.push(stage, Value::Binary(Binary::Equal, number, row));
        let Some(value) = next(self) else { unreachable!("a scatter has two arguments") };
        let zero = self.push(stage, Value::Constant(0.0));
        self.push(stage, Value::Select(is_row, value, zero))
    }

    fn extents(&self, stage: usize) -> Vec<Extent> {
        self.group.outer.iter().chain(&self.stages[stage].inner).copied().collect()
    }

    /// A member's own value, computed here even if it is stored.
    fn member_value(&mut self, member: NodeId, point: &[Index], stage: usize) -> ValueId {
        match self.reduced.get(&member) {
            Some(&(from, slot)) => self.push(stage, Value::Reduced { stage: from, slot }),
            // A root may be a leaf: then it is copied.
            None if self.elsewhere(member) => self.value(member, point.to_vec(), stage).0,
            None => self.compute(member, point.to_vec(), stage).0,
        }
    }

    /// The value of a node at a point, and whether it comes from this group's reductions.
    fn value(&mut self, id: NodeId, point: Vec<Index>, stage: usize) -> (ValueId, bool) {
        let graph = self.built.graph;
        if self.elsewhere(id) {
            self.built.stored[id.index()] = true;
            let index = Index::linear(&point, &graph.shape(id).extents());
            let tensor = TensorId(id.index() as u32);
            return (self.push(stage, Value::Load { tensor, index, within: vec![] }), false);
        }
        if let Some(&(from, slot)) = self.reduced.get(&id) {
            return (self.push(stage, Value::Reduced { stage: from, slot }), true);
        }
        self.compute(id, point, stage)
    }

    /// The value of a read that may be outside: a bounded load where only moves are between it and memory; else the value at the
    /// nearest point inside, or 0.
    fn read(&mut self, read: Read, stage: usize) -> (ValueId, bool) {
        let graph = self.built.graph;
        let Read { mut node, mut point, mut within } = read;
        if within.is_empty() {
            return self.value(node, point, stage);
        }
        let extents = self.extents(stage);
        if self.moves_to_memory(node) {
            while !self.elsewhere(node) {
                let behind = arguments_at(graph, node, &point, &extents).remove(0);
                (node, point) = (behind.node, behind.point);
                within.extend(behind.within);
            }
            self.built.stored[node.index()] = true;
            let index = Index::linear(&point, &graph.shape(node).extents());
            let tensor = TensorId(node.index() as u32);
            return (self.push(stage, Value::Load { tensor, index, within }), false);
        }
        let shape = graph.shape(node);
        let lead = usize::from(shape.batch);
        for (index, &size) in point[lead..].iter_mut().zip(&shape.dims) {
            *index = inside(std::mem::take(index), size as i64, &extents);
        }
        let (value, own) = self.value(node, point, stage);
        let within = self.push(stage, Value::Within(within));
        let zero = self.push(stage, Value::Constant(0.0));
        (self.push(stage, Value::Select(within, value, zero)), own)
    }

    /// Whether nothing but moves is between a node and memory.
    fn moves_to_memory(&self, mut id: NodeId) -> bool {
        loop {
            let node = self.built.graph.node(id);
            match &node.op {
                _ if self.elsewhere(id) => return true,
                op if super::moves(op) || matches!(op, Op::Window(_)) => id = node.args[0],
                _ => return false,
            }
        }
    }

    fn compute(&mut self, id: NodeId, point: Vec<Index>, stage: usize) -> (ValueId, bool) {
        if let Some(&value) = self.known[stage].get(&(id, point.clone())) {
            return value;
        }
        let graph = self.built.graph;
        let node = graph.node(id);
        let extents = self.extents(stage);
        if let Op::Concat(axis) = node.op {
            return self.concat(id, axis + usize::from(node.shape.batch), point, stage);
        }
        if let Op::Window(_) = node.op {
            let read = arguments_at(graph, id, &point, &extents).remove(0);
            let value = self.read(read, stage);
            self.known[stage].insert((id, point), value);
            return value;
        }
        if let Op::Gather = node.op {
            let value = self.gather(id, &point, stage);
            self.known[stage].insert((id, point), value);
            return value;
        }
        let mut own = false;
        let args: Vec<ValueId> = arguments_at(graph, id, &point, &extents)
            .into_iter()
            .map(|read| {
                let (value, from_here) = self.value(read.node, read.point, stage);
                own |= from_here;
                value
            })
            .collect();
        let value = match &node.op {
            Op::Constant(c) => Value::Constant(*c),
            Op::Scalar(s) => Value::Scalar(*s),
            Op::Iota(axis) => Value::Index(point[*axis].clone()),
            Op::Random(stream) => {
                Value::Random { stream: *stream, index: Index::linear(&point, &node.shape.extents()) }
            }
            Op::Unary(op) => Value::Unary(*op, args[0]),
            Op::Binary(op) => Value::Binary(*op, args[0], args[1]),
            Op::Select => Value::Select(args[0], args[1], args[2]),
            op => {
                let leaves = matches!(op, Op::Stacked(..) | Op::Final(..));
                debug_assert!(super::moves(op) || leaves, "{op:?} is computed by its own group");
                return (args[0], own);
            }
        };
        let value = self.push(stage, value);
        self.built.places.entry(id).or_default().insert((self.place, stage), own);
        self.inlined.push(id);
        self.known[stage].insert((id, point), (value, own));
        (value, own)
    }

    /// An element of a row whose number is a value.
    fn gather(&mut self, id: NodeId, point: &[Index], stage: usize) -> (ValueId, bool) {
        let graph = self.built.graph;
        let table = graph.node(id).args[0];
        let dims = graph.shape(table).extents();
        let numbers = point.len() + 1 - dims.len();
        let (row, own) = self.value(graph.node(id).args[1], point[..numbers].to_vec(), stage);
        self.built.stored[table.index()] = true;
        self.built.places.entry(id).or_default().insert((self.place, stage), own);
        self.inlined.push(id);
        let (rows, stride) = (graph.shape(table).dims[0], graph.shape(table).dims[1..].iter().product());
        let index = Index::linear(&point[numbers..], &dims[1..]);
        (self.push(stage, Value::Gather { tensor: TensorId(table.index() as u32), row, rows, stride, index }), own)
    }

    /// A chain of selections by the index along the axis. Each part is read within its own bounds.
    fn concat(&mut self, id: NodeId, axis: usize, point: Vec<Index>, stage: usize) -> (ValueId, bool) {
        let graph = self.built.graph;
        let extents = self.extents(stage);
        let position = self.push(stage, Value::Index(point[axis].clone()));
        let mut own = false;
        let mut end = 0;
        let mut parts = vec![];
        for Read { node: part, point: inside, .. } in arguments_at(graph, id, &point, &extents) {
            let (value, from_here) = self.value(part, inside, stage);
            own |= from_here;
            let shape = graph.shape(part);
            end += shape.dims[axis - usize::from(shape.batch)];
            parts.push((value, end));
        }
        let mut result = parts.pop().expect("a concat has parts").0;
        for (value, end) in parts.into_iter().rev() {
            let end = self.push(stage, Value::Constant(end as f64));
            let inside = self.push(stage, Value::Binary(Binary::Less, position, end));
            result = self.push(stage, Value::Select(inside, value, result));
        }
        (result, own)
    }

    /// Appends a value, unless the stage has it already.
    fn push(&mut self, stage: usize, value: Value) -> ValueId {
        let body = &mut self.stages[stage].body;
        // Bodies are short, and equal values are near: a look back is cheaper than hashing floats.
        if let Some(i) = body.iter().rposition(|v| *v == value) {
            return ValueId(i as u32);
        }
        body.push(value);
        ValueId(body.len() as u32 - 1)
    }

    fn name(&self) -> String {
        let label = self.built.graph.label(self.group.members[0]);
        let clean: String =
            label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
        let archetype = match &self.stages[..] {
            _ if matches!(self.built.graph.node(self.group.members[0]).op, Op::Scatter) => "scatter",
            _ if self.group.contract => "contract",
            [only] if only.inner.is_empty() => "map",
            stages if stages.iter().any(|s| !s.inner.is_empty() && !s.stores.is_empty()) => "row",
            _ => "reduce",
        };
        if clean.is_empty() { archetype.to_owned() } else { format!("{clean}_{archetype}") }
    }

    /// One line for each label: the operations done here.
    fn covers(&self) -> Vec<String> {
        let mut lines: Vec<(String, Vec<&'static str>)> = vec![];
        let mut nodes: Vec<NodeId> = self.group.members.iter().chain(&self.inlined).copied().collect();
        nodes.sort_unstable();
        nodes.dedup();
        for id in nodes {
            let word = word(&self.built.graph.node(id).op);
            if word.is_empty() {
                continue;
            }
            let label = self.built.graph.label(id);
            match lines.iter_mut().find(|(l, _)| l == label) {
                Some((_, words)) if words.contains(&word) => {}
                Some((_, words)) => words.push(word),
                None => lines.push((label.to_owned(), vec![word])),
            }
        }
        lines.into_iter().map(|(label, words)| format!("{label}: {}", words.join(", "))).collect()
    }
}

/// An operation in a word, for the readable plan; empty for what leaves no trace.
fn word(op: &Op) -> &'static str {
    match op {
        Op::Contract(_) => "contract",
        Op::Reduce { how: Reduction::Sum, .. } => "sum",
        Op::Reduce { how: Reduction::Maximum, .. } => "max",
        Op::Reduce { how: Reduction::Minimum, .. } => "min",
        Op::Unary(u) => u.name(),
        Op::Binary(b) => b.name(),
        Op::Select => "select",
        Op::Random(_) => "random",
        Op::Concat(_) => "concat",
        Op::Window(_) => "window",
        Op::Gather => "gather",
        Op::Scatter => "scatter",
        _ => "",
    }
}
