//! A batch of data for any network, and what its programs make of it in f64.

use nn_kernels::autodiff;
use nn_kernels::graph::{Graph, Leaf, NodeId, Shape, StepScalar};
use nn_kernels::interpret::{self, Memory, StepNumbers};
use nn_kernels::layers::{OptimizerStep, clip_by_value, clip_factor, is_counted, optimizer_step, terms};
use nn_kernels::network::{Constrained, Constraint, Initializer, Network, Penalty, Precision};
use nn_kernels::plan::{Plan, Schedule};
use nn_kernels::reference::{self, Environment};
use nn_kernels::simplify::{Phase, half_operands, specialize};

/// Named tensors.
pub type Results = Vec<(String, Vec<f64>)>;

/// What a network starts from, and a batch for it. Every number is exact in f32.
pub struct Sample {
    pub batch: usize,
    /// The parameters' vector, in the plan's layout; 0 between parameters.
    pub parameters: Vec<f64>,
    pub fields: Vec<Vec<f64>>,
    pub step: StepNumbers,
}

/// More samples than any test has: the programs must not care.
const SPARE: usize = 3;

impl Sample {
    pub fn new(plan: &Plan, seed: u32, batch: usize) -> Self {
        let number = |stream: u32, i: usize| f64::from(interpret::uniform(i as u32, stream, 1, seed) as f32);
        let mut parameters = vec![0.0; plan.parameter_floats];
        for p in &plan.parameters {
            let size: usize = p.dims.iter().product();
            // Buffers may be variances, which are never negative.
            let from = |x: f64| if p.trainable { 2.0 * x - 1.0 } else { x };
            (p.offset..p.offset + size).for_each(|i| parameters[i] = from(number(0, i)));
        }
        for p in &plan.control {
            // Steps that were done before this one have been counted.
            parameters[p.offset] = match (p.init, &*p.name) {
                (_, "updates") => 3.0,
                (Initializer::Constant(start), _) => start,
                (other, name) => panic!("`{name}` starts from {other:?}"),
            };
        }
        let fields = plan.fields.iter().enumerate().map(|(f, field)| {
            let size = batch * field.dims.iter().product::<usize>();
            (0..size)
                .map(|i| match (number(1 + f as u32, i), field.classes) {
                    (x, Some(classes)) => (x * classes as f64).floor(),
                    (x, None) => 2.0 * x - 1.0,
                })
                .collect()
        });
        let learning_rate = plan.learning_rate.unwrap_or(0.0);
        Sample { batch, parameters, fields: fields.collect(), step: StepNumbers { seed, step: 3, learning_rate } }
    }

    /// Everything that the plan's programs compute.
    pub fn interpret(&self, plan: &Plan) -> Result<Results, String> {
        let mut results = vec![];
        let read = |memory: &Memory, s: &Schedule, t| memory.read(s, t, self.batch, self.capacity()).to_vec();
        let parameters = |results: &mut Results, what: &str, vector: &[f64], trainable: bool| {
            for p in plan.parameters.iter().filter(|p| p.trainable || !trainable) {
                let size: usize = p.dims.iter().product();
                results.push((format!("{what} {}", p.name), vector[p.offset..p.offset + size].to_vec()));
            }
        };
        let memory = self.play(plan, &plan.predict)?;
        for (output, t) in plan.outputs.iter().zip(&plan.predict.outputs) {
            results.push((format!("output {}", output.name), read(&memory, &plan.predict, *t)));
        }
        if let Some(s) = &plan.evaluate {
            // There are no gradients here: the place of what says whether they are finite is left alone.
            let mut measured = self.play(plan, s)?.results;
            measured.truncate(plan.skipped.or(plan.non_finite).unwrap_or(measured.len()));
            results.push(("evaluated loss and metrics".into(), measured));
        }
        if let Some(s) = &plan.gradients {
            let memory = self.play(plan, s)?;
            results.push(("loss".into(), vec![memory.results[0]]));
            parameters(&mut results, "gradient of", &memory.gradients, true);
            for (field, t) in &s.field_gradients {
                results.push((format!("gradient of {}", plan.fields[*field].name), read(&memory, s, *t)));
            }
        }
        if let Some(s) = &plan.train {
            let memory = self.play(plan, s)?;
            results.push(("training loss and metrics".into(), memory.results.clone()));
            parameters(&mut results, "updated", &memory.parameters, false);
        }
        Ok(results)
    }

    fn capacity(&self) -> usize {
        (self.batch + SPARE).next_multiple_of(4)
    }

    /// The memory behind one program's run.
    pub fn play(&self, plan: &Plan, schedule: &Schedule) -> Result<Memory, String> {
        let mut memory = self.memory(plan, schedule);
        interpret::run(plan, schedule, self.batch, self.capacity(), &mut memory, &self.step)?;
        Ok(memory)
    }

    /// The memory before one program's run.
    pub fn memory(&self, plan: &Plan, schedule: &Schedule) -> Memory {
        let mut memory = Memory::new(plan, schedule, self.capacity());
        memory.parameters.clone_from(&self.parameters);
        for (field, tensor) in &schedule.fields {
            memory.write(schedule, *tensor, self.capacity(), &self.fields[*field]);
        }
        memory
    }

    /// The same results, from the definition of each operation: no lowering, no fusion, no memory plan.
    pub fn reference(&self, network: &Network, plan: &Plan) -> Results {
        let mut results = vec![];
        let outputs: Vec<NodeId> = network.outputs.iter().map(|(_, id)| *id).collect();
        for ((name, _), values) in network.outputs.iter().zip(self.values(network, plan, &outputs, Phase::Inference)) {
            results.push((format!("output {name}"), values));
        }
        let Some(loss) = network.loss else { return results };
        // The terms of the loss are further nodes.
        let network = &mut network.clone();
        let counted = is_counted(&network.graph, loss);
        let terms = terms(&mut network.graph, loss).expect("random networks have losses that can be averaged");
        let network = &*network;
        let statistics: Vec<NodeId> = network.metrics.iter().flat_map(|m| &m.statistics).copied().collect();
        let mut measured = [&[loss], &statistics[..]].concat();
        // Last, what samples count in the terms of the loss: of several, each has its mean there, too.
        let is_one = terms.len() == 1;
        for term in terms.iter().filter(|_| counted) {
            let Some(weight) = term.weight else { continue };
            measured.extend((!is_one).then_some(term.value));
            measured.push(weight);
        }
        let penalties: f64 = network.penalties.iter().map(|(number, cost)| self.penalty(plan, *number, *cost)).sum();
        let means = |values: Vec<Vec<f64>>| {
            let mut all = vec![values[0].iter().sum::<f64>() / values[0].len() as f64 + penalties];
            let (metrics, of_terms) = values[1..].split_at(statistics.len());
            metrics.iter().for_each(|statistic| all.extend(statistic));
            // A weight is a sum; a value, which has its weight behind it, is a mean over samples.
            for (i, values) in of_terms.iter().enumerate() {
                let is_value = !is_one && i % 2 == 0;
                let sum: f64 = (0..self.batch).map(|sample| values[sample % values.len()]).sum();
                all.push(if is_value { sum / self.batch as f64 } else { sum });
            }
            all
        };
        let evaluated = self.values(network, plan, &measured, Phase::Inference);
        results.push(("evaluated loss and metrics".into(), means(evaluated)));

        let mut training = means(self.values(network, plan, &measured, Phase::Training));
        training.extend(plan.skipped.or(plan.non_finite).map(|_| 0.0));
        results.push(("loss".into(), vec![training[0]]));
        let leaves: Vec<Leaf> = (0..network.parameters.len())
            .filter(|&i| network.parameters[i].trainable)
            .map(Leaf::Parameter)
            .chain((0..network.inputs).filter(|&i| network.fields[i].classes.is_none()).map(Leaf::Field))
            .collect();
        let mut gradient = vec![0.0; plan.parameter_floats];
        for (leaf, values) in leaves.iter().zip(self.gradients(network, plan, loss, &leaves)) {
            match leaf {
                Leaf::Parameter(i) => {
                    let p = &plan.parameters[*i];
                    let size: usize = p.dims.iter().product();
                    let mut values = values.unwrap_or_else(|| vec![0.0; size]);
                    if let Some(Penalty { l1, l2 }) = network.penalties.get(i) {
                        let own = &self.parameters[p.offset..p.offset + size];
                        // The sign of 0 is 0.
                        let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                        values.iter_mut().zip(own).for_each(|(v, x)| *v += l1 * sign(*x) + 2.0 * l2 * x);
                    }
                    gradient[p.offset..p.offset + size].copy_from_slice(&values);
                    results.push((format!("gradient of {}", p.name), values));
                }
                Leaf::Field(i) => {
                    // An input that the loss does not depend on has no gradient to report.
                    results.extend(values.map(|v| (format!("gradient of {}", plan.fields[*i].name), v)));
                }
                _ => {}
            }
        }
        if network.optimizer.is_some() {
            results.push(("training loss and metrics".into(), training));
            let mut updated = self.updated(network, plan, &gradient);
            // Buffers, and parameters that the loss does not reach.
            for (p, _) in plan.parameters.iter().zip(network.trained()).filter(|(_, trained)| !trained) {
                let size: usize = p.dims.iter().product();
                updated[p.offset..p.offset + size].copy_from_slice(&self.parameters[p.offset..p.offset + size]);
            }
            let new: Vec<NodeId> = network.updates.iter().map(|(_, value)| *value).collect();
            for ((buffer, _), values) in network.updates.iter().zip(self.values(network, plan, &new, Phase::Training)) {
                let offset = plan.parameters[*buffer].offset;
                updated[offset..offset + values.len()].copy_from_slice(&values);
            }
            for p in &plan.parameters {
                let size: usize = p.dims.iter().product();
                results.push((format!("updated {}", p.name), updated[p.offset..p.offset + size].to_vec()));
            }
        }
        results
    }

    /// What nodes of the network are in one phase.
    fn values(&self, network: &Network, plan: &Plan, nodes: &[NodeId], phase: Phase) -> Vec<Vec<f64>> {
        let (graph, nodes) = specialize(&network.graph, nodes, phase);
        self.roots(network, plan, &graph, &nodes)
    }

    /// What nodes of a graph are, in the network's precision.
    fn roots(&self, network: &Network, plan: &Plan, graph: &Graph, nodes: &[NodeId]) -> Vec<Vec<f64>> {
        let (graph, nodes) = match network.precision {
            Precision::Full => (graph.clone(), nodes.to_vec()),
            Precision::Mixed(_) => half_operands(graph, nodes),
        };
        let values = self.evaluate(network, plan, &graph);
        nodes.iter().map(|node| values[node.index()].clone()).collect()
    }

    fn evaluate(&self, network: &Network, plan: &Plan, graph: &Graph) -> Vec<Vec<f64>> {
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Field(i) => self.fields[*i].clone(),
            Leaf::Parameter(i) => {
                let offset = plan.parameters[*i].offset;
                self.parameters[offset..offset + network.parameters[*i].dims.iter().product::<usize>()].to_vec()
            }
            other => panic!("{other:?} in a network"),
        };
        let StepNumbers { seed, step, learning_rate } = self.step;
        // Graphs of one phase have nothing that asks which one it is.
        let (batch, training) = (self.batch, true);
        reference::evaluate(graph, &Environment { batch, leaf: &leaf, learning_rate, step, seed, training })
    }

    fn gradients(&self, network: &Network, plan: &Plan, loss: NodeId, leaves: &[Leaf]) -> Vec<Option<Vec<f64>>> {
        let roots: Vec<NodeId> = std::iter::once(loss).chain(network.updates.iter().map(|(_, value)| *value)).collect();
        let (mut graph, roots) = specialize(&network.graph, &roots, Phase::Training);
        let loss = graph.broadcast(roots[0], &Shape::batched(&[]));
        let inverse = graph.scalar(StepScalar::InverseBatch);
        let scale = match network.precision {
            Precision::Full => 1.0,
            Precision::Mixed(scale) => scale.initial,
        };
        let seed = graph.scale(inverse, scale);
        let seed = graph.broadcast(seed, &Shape::batched(&[]));
        let found: Vec<Option<NodeId>> = leaves
            .iter()
            .map(|leaf| {
                let is_leaf = |op: &nn_kernels::graph::Op| *op == nn_kernels::graph::Op::Leaf(leaf.clone());
                graph.nodes().find(|(_, n)| is_leaf(&n.op)).map(|(id, _)| id)
            })
            .collect();
        let wrt: Vec<NodeId> = found.iter().flatten().copied().collect();
        let nodes = autodiff::gradients(&mut graph, loss, seed, &wrt);
        let existing: Vec<NodeId> = nodes.iter().flatten().copied().collect();
        let mut values = self.roots(network, plan, &graph, &existing).into_iter();
        let mut nodes = nodes.into_iter();
        let mut all = vec![];
        for leaf in found {
            all.push(leaf.map(|id| match nodes.next().flatten().and_then(|_| values.next()) {
                Some(values) => values.into_iter().map(|x| x / scale).collect(),
                None => vec![0.0; graph.shape(id).size() * if graph.shape(id).batch { self.batch } else { 1 }],
            }));
        }
        all
    }

    fn updated(&self, network: &Network, plan: &Plan, gradient: &[f64]) -> Vec<f64> {
        let optimizer = network.optimizer.as_ref().expect("callers have an optimizer");
        let mut graph = Graph::new();
        let shape = Shape::fixed(&[plan.parameter_floats]);
        let parameters = graph.leaf(Leaf::Parameters(0), shape.clone());
        let gradients = graph.leaf(Leaf::Gradients(0), shape.clone());
        let states: Vec<NodeId> =
            (0..plan.ema.unwrap_or(plan.states.len())).map(|i| graph.leaf(Leaf::State(i, 0), shape.clone())).collect();
        let gradients = clip_by_value(&mut graph, optimizer, gradients);
        let factor = clip_factor(&mut graph, optimizer, &[gradients]);
        let gradients = graph.mul(gradients, factor);
        let step = OptimizerStep { parameters, gradients, states: &states };
        // Each group's step over everything; then every parameter takes its own group's.
        let groups: Vec<Option<usize>> = std::iter::once(None).chain((0..optimizer.groups.len()).map(Some)).collect();
        let updates = groups.iter().map(|group| optimizer_step(&mut graph, optimizer, *group, &step).new_parameters);
        let updates: Vec<NodeId> = updates.collect();
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Parameters(_) => self.parameters.clone(),
            Leaf::Gradients(_) => gradient.to_vec(),
            Leaf::State(i, _) => vec![plan.states[*i]; plan.parameter_floats],
            other => panic!("{other:?} in an optimizer"),
        };
        let StepNumbers { seed, step, learning_rate } = self.step;
        let (batch, training) = (self.batch, true);
        let environment = Environment { batch, leaf: &leaf, learning_rate, step, seed, training };
        let values = reference::evaluate(&graph, &environment);
        let mut updated = self.parameters.clone();
        for (number, p) in plan.parameters.iter().enumerate() {
            let floats = p.offset..p.offset + p.dims.iter().product::<usize>();
            let group = groups.iter().position(|group| *group == network.group_of(number)).unwrap_or(0);
            updated[floats.clone()].copy_from_slice(&values[updates[group].index()][floats.clone()]);
            if let (Some(constrained), true) = (network.constraints.get(&number), network.trained()[number]) {
                constrain(&mut updated[floats], constrained);
            }
        }
        updated
    }

    /// What a parameter costs by its size.
    fn penalty(&self, plan: &Plan, number: usize, Penalty { l1, l2 }: Penalty) -> f64 {
        let p = &plan.parameters[number];
        let values = &self.parameters[p.offset..p.offset + p.dims.iter().product::<usize>()];
        values.iter().map(|x| l1 * x.abs() + l2 * x * x).sum()
    }
}

/// A parameter after its constraint, whose units are rows.
fn constrain(values: &mut [f64], constrained: &Constrained) {
    let Constrained { constraint, dims, unit } = constrained;
    let rows: usize = (0..dims.len()).filter(|axis| !unit.contains(axis)).map(|axis| dims[axis]).product();
    for row in values.chunks_mut(values.len() / rows) {
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        row.iter_mut().for_each(|x| match *constraint {
            Constraint::NonNegative => *x = x.max(0.0),
            Constraint::UnitNorm => *x /= norm + 1e-7,
            Constraint::MaxNorm(bound) if norm > bound => *x *= bound / (norm + 1e-7),
            Constraint::MaxNorm(_) => {}
        });
    }
}

/// Everything in which two results differ by more than `tolerance`, relative to the tensor's largest number.
pub fn differences(got: &Results, want: &Results, tolerance: f64) -> Vec<String> {
    let mut all = vec![];
    let names = |r: &Results| r.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
    if names(got) != names(want) {
        return vec![format!("{:?} instead of {:?}", names(got), names(want))];
    }
    for ((name, got), (_, want)) in got.iter().zip(want) {
        if got.len() != want.len() {
            all.push(format!("{name}: {} elements instead of {}", got.len(), want.len()));
            continue;
        }
        let largest = want.iter().fold(1e-3_f64, |m, x| m.max(x.abs()));
        let far = |(g, w): &(&f64, &f64)| (*g - *w).abs() > tolerance * largest || g.is_nan() || w.is_nan();
        if let Some(i) = got.iter().zip(want).position(|pair| far(&pair)) {
            all.push(format!("{name}[{i}]: {} instead of {} (largest {largest})", got[i], want[i]));
        }
    }
    all
}
