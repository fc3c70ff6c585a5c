//! The compiler's one entry: from a declared network to its plan.

mod control;
mod kept;
mod layout;
mod results;
mod table;
mod update;

use std::ops::Range;

use crate::autodiff;
use crate::emit::wgsl::resident::is_too_large;
use crate::graph::{Extent, Graph, Leaf, Node, NodeId, Op, Shape, StepScalar, Unary};
use crate::ir::{Kernel, TensorId, Value};
use crate::layers::{penalty, penalty_gradient, state_init};
use crate::lower::{Lowered, Root};
use crate::network::Network;
use crate::plan::{LoopOfKernels, Output, Place, Plan, Schedule, StepPlan};
use crate::simplify::{Phase, compute_by_blocks, specialize};
use crate::stepwise::{Stepwise, stepwise};

use layout::Layout;
use table::Table;

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether operations share kernels. Off only to check that fusion changes nothing.
    pub fuse: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { fuse: true }
    }
}

/// Compiles a network that the front end has checked.
pub fn compile(network: &Network, options: &Options) -> Plan {
    let steps = (!network.stepwise.is_empty()).then(|| stepwise(network, &network.stepwise).ok()).flatten();
    let (with_terms, terms) = results::loss_terms(network);
    let network = with_terms.as_ref().unwrap_or(network);
    let stepwise = steps.map(|Stepwise { network: step, limit }| {
        // Its parameters lie where those of the network lie; it measures nothing.
        let of_network = Layout::of(network, &[]);
        let layout = Layout { metrics: vec![], loss_terms: vec![], skipped: None, non_finite: None, ..of_network };
        Box::new(StepPlan { inputs: network.stepwise.clone(), limit, plan: with_layout(&step, layout, &[], options) })
    });
    Plan { stepwise, ..with_layout(network, Layout::of(network, &terms), &terms, options) }
}

/// Compiles a network whose parameters lie so, and whose loss has these terms.
fn with_layout(network: &Network, layout: Layout, terms: &[results::LossTerm], options: &Options) -> Plan {
    let programs = Programs { network, layout: &layout, terms, options };
    let trains = network.loss.is_some() && network.optimizer.is_some();
    let predict = programs.predict();
    let evaluate = network.loss.is_some().then(|| programs.evaluate());
    let (train, gradients) = match (network.loss, trains) {
        (None, _) => (None, None),
        (Some(_), false) => (None, Some(programs.gradients())),
        (Some(_), true) => {
            let (train, gradients) = programs.train();
            (Some(train), Some(gradients))
        }
    };
    let (flops_per_sample, multiply_adds_per_sample) = work(network);
    let scalars = scalars([Some(&predict), evaluate.as_ref(), train.as_ref(), gradients.as_ref()]);
    Plan {
        name: network.name.clone(),
        fields: network.fields.clone(),
        inputs: network.inputs,
        sample_weight: network.sample_weight,
        states: network.optimizer.as_ref().map_or(vec![], state_init),
        ema: (network.optimizer.as_ref()).filter(|o| o.ema.is_some()).map(|o| state_init(o).len() - 1),
        learning_rate: network.optimizer.as_ref().map(|o| o.learning_rate),
        kept: kept::layout(network),
        outputs: (network.outputs.iter())
            .map(|(name, id)| Output { name: name.clone(), dims: network.graph.shape(*id).dims.clone() })
            .collect(),
        metrics: layout.metrics,
        flops_per_sample,
        multiply_adds_per_sample,
        parameter_floats: layout.parameter_floats,
        trained_floats: layout.trained_floats,
        control: layout.control.all,
        skipped: layout.skipped,
        non_finite: layout.non_finite,
        loss_terms: layout.loss_terms,
        changed_floats: layout.changed_floats,
        parameters: layout.parameters,
        scalars,
        predict,
        evaluate,
        train,
        gradients,
        stepwise: None,
    }
}

/// Makes the schedules of one network.
struct Programs<'a> {
    network: &'a Network,
    layout: &'a Layout,
    terms: &'a [results::LossTerm],
    options: &'a Options,
}

impl Programs<'_> {
    fn predict(&self) -> Schedule {
        let nodes: Vec<NodeId> = self.network.outputs.iter().map(|(_, id)| *id).collect();
        let remembered = self.remembered(&nodes, Phase::Inference);
        let all = [nodes, remembered.next.clone()].concat();
        let (graph, roots) = specialize(&self.network.graph, &all, Phase::Inference);
        let blocked = compute_by_blocks(&graph, &roots, &self.network.blocks);
        let (mut graph, roots) = blocked.unwrap_or((graph, roots));
        let (roots, next) = roots.split_at(self.network.outputs.len());
        let mut table = Table::new(self);
        let mut list = vec![];
        for ((name, _), &root) in self.network.outputs.iter().zip(roots) {
            let shape = Shape { batch: true, dims: graph.shape(root).dims.clone() };
            let node = graph.broadcast(root, &shape);
            let tensor = table.add(name, &shape, Place::Sample(0));
            table.schedule.outputs.push(tensor);
            list.push(Root { node, tensor });
        }
        let pinned = table.schedule.outputs.clone();
        let new = table.want_kept(&graph, &remembered, next, &mut list);
        table.pass(&graph, &list, self.options.fuse);
        table.keep(&new);
        table.finish(pinned)
    }

    fn evaluate(&self) -> Schedule {
        let remembered = self.remembered(&self.measured_nodes(true), Phase::Inference);
        let (mut graph, measured, next) = self.measured(Phase::Inference, true, &remembered.next);
        let mut table = Table::new(self);
        let mut list = vec![];
        self.results(&mut graph, &measured, &mut table, &mut list);
        let new = table.want_kept(&graph, &remembered, &next, &mut list);
        table.pass(&graph, &list, self.options.fuse);
        table.keep(&new);
        table.finish(vec![])
    }

    /// `train` and `gradients`: one list of kernels and one plan of the memory. Both begin with the pass; then the one has copies of what
    /// is kept and the update, the other what only the gradients of inputs need.
    fn train(&self) -> (Schedule, Schedule) {
        let Learning { mut table, pinned, wanted, new } = self.learn(true);
        let (pass, of_inputs) = partition(table.take(), &table.schedule, &wanted);
        table.append(pass);
        let behind_pass = table.schedule.kernels.len();
        table.append(of_inputs);
        let behind_inputs = table.schedule.kernels.len();
        table.keep(&new);
        let update = table.schedule.kernels.len() - (behind_inputs - behind_pass);
        self.update(&mut table);
        let whole = table.finish(pinned);
        let without = |from: usize, to: usize| {
            let levels = whole.levels.iter().filter(|l| l.end <= from || l.start >= to);
            let moved =
                |l: &Range<usize>| if l.start >= to { l.start + from - to..l.end + from - to } else { l.clone() };
            Schedule {
                kernels: [&whole.kernels[..from], &whole.kernels[to..]].concat(),
                levels: levels.map(moved).collect(),
                loops: (whole.loops.iter().filter(|l| l.kernels.end <= from || l.kernels.start >= to))
                    .map(|l| LoopOfKernels { kernels: moved(&l.kernels), ..*l })
                    .collect(),
                ..whole.clone()
            }
        };
        let train = Schedule { field_gradients: vec![], update, ..without(behind_pass, behind_inputs) };
        let gradients =
            Schedule { shared: behind_pass, update: behind_inputs, ..without(behind_inputs, whole.kernels.len()) };
        (train, gradients)
    }

    fn gradients(&self) -> Schedule {
        let Learning { table, pinned, .. } = self.learn(false);
        table.finish(pinned)
    }

    /// The pass of training, with the gradients of inputs.
    fn learn(&self, trains: bool) -> Learning<'_> {
        let mut more: Vec<NodeId> = vec![];
        let mut remembered = None;
        if trains {
            more.extend(self.network.updates.iter().map(|(_, value)| *value));
            let roots = [&self.measured_nodes(true)[..], &more].concat();
            more.extend(&remembered.insert(self.remembered(&roots, Phase::Training)).next);
        }
        let (mut graph, measured, more) = self.measured(Phase::Training, trains, &more);
        let (updates, next) = more.split_at(if trains { self.network.updates.len() } else { 0 });
        let loss = measured.loss;
        let mut table = Table::new(self);
        let mut list = vec![];
        self.results(&mut graph, &measured, &mut table, &mut list);
        self.new_buffers(&mut graph, updates, &mut table, &mut list);
        let new =
            remembered.map(|remembered| table.want_kept(&graph, &remembered, next, &mut list)).unwrap_or_default();
        let seed = self.seed(&mut graph, loss);
        self.parameter_gradients(&mut graph, loss, seed, &mut table, &mut list);
        let wanted = list.iter().map(|root| root.tensor).collect();
        let pinned = self.input_gradients(&mut graph, loss, seed, &mut table, &mut list);
        table.pass(&graph, &list, self.options.fuse);
        Learning { table, pinned, wanted, new }
    }

    /// The gradients with respect to inputs of plain numbers; their tensors must last.
    fn input_gradients(
        &self,
        graph: &mut Graph,
        loss: NodeId,
        seed: NodeId,
        table: &mut Table<'_>,
        list: &mut Vec<Root>,
    ) -> Vec<TensorId> {
        let plain = |leaf: &Leaf| match leaf {
            Leaf::Field(i) if *i < self.network.inputs && self.network.fields[*i].classes.is_none() => Some(*i),
            _ => None,
        };
        let leaves = leaves(graph, plain);
        let wrt: Vec<NodeId> = leaves.iter().map(|(_, id)| *id).collect();
        let found = autodiff::gradients(graph, loss, seed, &wrt);
        let mut pinned = vec![];
        for ((field, leaf), gradient) in leaves.into_iter().zip(found) {
            let shape = graph.shape(leaf).clone();
            let node = gradient.unwrap_or_else(|| graph.filled(0.0, &shape));
            let node = self.unscaled(graph, node);
            let name = format!("gradient of {}", self.network.fields[field].name);
            let tensor = table.add(&name, &shape, Place::Sample(0));
            table.schedule.field_gradients.push((field, tensor));
            pinned.push(tensor);
            list.push(Root { node, tensor });
        }
        pinned
    }

    /// Whether what is rounded to f16 is stored so. Networks that train inside one workgroup have memory of their own.
    fn stores_halves(&self) -> bool {
        let states = self.network.optimizer.as_ref().map_or(0, |o| state_init(o).len());
        self.network.optimizer.is_none() || is_too_large(self.layout.parameter_floats, states)
    }

    /// The mean loss and what parameters cost by their size.
    fn with_penalties(&self, graph: &mut Graph, mut loss: NodeId) -> NodeId {
        for (&number, &cost) in &self.network.penalties {
            let shape = Shape::fixed(&self.network.parameters[number].dims);
            let parameter = graph.leaf(Leaf::Parameter(number), shape);
            let cost = penalty(graph, parameter, cost);
            loss = graph.add2(loss, cost);
        }
        loss
    }

    /// The gradient of the mean loss with respect to each sample's loss, times the loss's scale.
    fn seed(&self, graph: &mut Graph, loss: NodeId) -> NodeId {
        let shape = graph.shape(loss).clone();
        let mut seed = graph.scalar(StepScalar::InverseBatch);
        if let Some(scale) = self.loss_scale(graph) {
            seed = graph.mul(seed, scale);
        }
        graph.broadcast(seed, &shape)
    }

    /// A gradient as it would be without the loss's scale.
    fn unscaled(&self, graph: &mut Graph, gradient: NodeId) -> NodeId {
        let Some(scale) = self.loss_scale(graph) else { return gradient };
        let inverse = graph.unary(Unary::Reciprocal, scale);
        graph.mul(gradient, inverse)
    }

    fn parameter_gradients(
        &self,
        graph: &mut Graph,
        loss: NodeId,
        seed: NodeId,
        table: &mut Table<'_>,
        list: &mut Vec<Root>,
    ) {
        let trainable = |leaf: &Leaf| match leaf {
            Leaf::Parameter(i) if self.network.parameters[*i].trainable => Some(*i),
            _ => None,
        };
        let leaves = leaves(graph, trainable);
        let wrt: Vec<NodeId> = leaves.iter().map(|(_, id)| *id).collect();
        let found = autodiff::gradients(graph, loss, seed, &wrt);
        for ((i, leaf), gradient) in leaves.into_iter().zip(found) {
            let gradient = gradient.map(|node| self.unscaled(graph, node));
            let cost = self.network.penalties.get(&i).map(|&cost| penalty_gradient(graph, leaf, cost));
            let node = match (gradient, cost) {
                (Some(gradient), Some(cost)) => graph.add2(gradient, cost),
                (Some(node), None) | (None, Some(node)) => node,
                (None, None) => continue,
            };
            let parameter = &self.layout.parameters[i];
            let shape = graph.shape(leaf).clone();
            let name = format!("gradient of {}", parameter.name);
            let tensor = table.add(&name, &shape, Place::Gradients(parameter.offset));
            list.push(Root { node, tensor });
        }
    }

    /// The buffers' new values, stored where gradients of parameters are; [`Programs::update`] copies them.
    fn new_buffers(&self, graph: &mut Graph, values: &[NodeId], table: &mut Table<'_>, list: &mut Vec<Root>) {
        for ((index, _), &node) in self.network.updates.iter().zip(values) {
            let parameter = &self.layout.parameters[*index];
            let shape = graph.shape(node).clone();
            let name = format!("new {}", parameter.name);
            let tensor = table.add(&name, &shape, Place::Gradients(parameter.offset));
            list.push(Root { node, tensor });
        }
    }
}

/// The pass of training.
struct Learning<'a> {
    table: Table<'a>,
    /// Tensors that must last.
    pinned: Vec<TensorId>,
    /// Those that training itself wants.
    wanted: Vec<TensorId>,
    /// What kept tensors become.
    new: Vec<kept::New>,
}

/// Splits kernels into those that the wanted tensors need, and the others; both keep their order, and a loop stays whole.
fn partition(lowered: Lowered, schedule: &Schedule, wanted: &[TensorId]) -> (Lowered, Lowered) {
    let Lowered { kernels, loops } = lowered;
    let mut needed = vec![false; schedule.tensors.len()];
    let need = |t: TensorId, needed: &mut Vec<bool>| {
        let of = schedule.views.get(&t).map_or([t; 2], |view| view.of);
        of.into_iter().chain([t]).for_each(|t| needed[t.0 as usize] = true);
    };
    let is_needed = |t: TensorId, needed: &[bool]| {
        let of = schedule.views.get(&t).map_or([t; 2], |view| view.of);
        of.into_iter().any(|t| needed[t.0 as usize])
    };
    wanted.iter().for_each(|t| need(*t, &mut needed));
    let mut keep = vec![false; kernels.len()];
    for at in (0..kernels.len()).rev() {
        let body = loops.iter().find(|(body, _)| body.contains(&at)).map_or(at..at + 1, |(body, _)| body.clone());
        // All of a loop is decided about at its last kernel.
        if body.end == at + 1 {
            let writes = |k: &Kernel| k.tensors().into_iter().any(|t| is_needed(t, &needed) && k.writes(t));
            if kernels[body.clone()].iter().any(writes) {
                keep[body.clone()].fill(true);
                kernels[body].iter().flat_map(Kernel::loads).for_each(|t| need(t, &mut needed));
            }
        }
    }
    let (mut kept, mut others) = (Lowered::default(), Lowered::default());
    for (at, kernel) in kernels.into_iter().enumerate() {
        let part = if keep[at] { &mut kept } else { &mut others };
        if let Some((body, steps)) = loops.iter().find(|(body, _)| body.start == at) {
            part.loops.push((part.kernels.len()..part.kernels.len() + body.len(), *steps));
        }
        part.kernels.push(kernel);
    }
    (kept, others)
}

/// The graph's leaves of some kind by their numbers, ascending.
fn leaves(graph: &Graph, number: impl Fn(&Leaf) -> Option<usize>) -> Vec<(usize, NodeId)> {
    let leaf = |(id, node): (NodeId, &Node)| match &node.op {
        Op::Leaf(leaf) => Some((number(leaf)?, id)),
        _ => None,
    };
    let mut leaves: Vec<(usize, NodeId)> = graph.nodes().filter_map(leaf).collect();
    leaves.sort_unstable();
    leaves
}

/// The step scalars that any kernel uses, each once.
fn scalars<'a>(schedules: impl IntoIterator<Item = Option<&'a Schedule>>) -> Vec<StepScalar> {
    let mut all = vec![];
    let kernels = schedules.into_iter().flatten().flat_map(|s| &s.kernels);
    for value in kernels.flat_map(|k| &k.stages).flat_map(|s| &s.body) {
        if let Value::Scalar(scalar) = value
            && !all.contains(scalar)
        {
            all.push(*scalar);
        }
    }
    all
}

/// Work of the forward pass for one sample: two for each multiply-add, one for each other elementwise result; and the
/// multiply-adds by themselves.
fn work(network: &Network) -> (u64, u64) {
    let nodes: Vec<NodeId> = network.outputs.iter().map(|(_, id)| *id).chain(network.loss).collect();
    let outputs = if network.outputs.is_empty() { nodes } else { nodes[..network.outputs.len()].to_vec() };
    let (graph, _) = specialize(&network.graph, &outputs, Phase::Inference);
    let flops = graph.nodes().map(|(_, node)| node_flops(&graph, node)).sum();
    (flops, graph.nodes().map(|(_, node)| multiply_adds(node)).sum())
}

/// What one node costs for one sample.
pub(crate) fn node_flops(graph: &Graph, node: &Node) -> u64 {
    let size = node.shape.size() as u64;
    match &node.op {
        Op::Contract(_) => 2 * multiply_adds(node),
        Op::Reduce { .. } => graph.shape(node.args[0]).size() as u64,
        Op::Unary(_) | Op::Binary(_) | Op::Select => size,
        _ => 0,
    }
}

/// A contraction's multiply-adds for one sample. Padding counts, as everywhere; the holes of a transposed convolution do not.
fn multiply_adds(node: &Node) -> u64 {
    let Op::Contract(c) = &node.op else { return 0 };
    let reduced = c.reduced.iter().map(|e| if let Extent::Size(n) = e { *n as u64 } else { 1 });
    let holes: i64 = c.a.iter().chain(&c.b).map(|access| access.divisor).product();
    node.shape.size() as u64 * reduced.product::<u64>() / holes as u64
}
