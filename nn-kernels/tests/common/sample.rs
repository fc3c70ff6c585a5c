//! A batch of data for any network, and what its programs make of it in f64.

use nn_kernels::autodiff;
use nn_kernels::graph::{Graph, Leaf, NodeId, Shape, StepScalar};
use nn_kernels::interpret::{self, Memory, StepNumbers};
use nn_kernels::layers::{OptimizerStep, clip_by_value, clip_factor, optimizer_step};
use nn_kernels::network::Network;
use nn_kernels::plan::{Plan, Schedule};
use nn_kernels::reference::{self, Environment};
use nn_kernels::simplify::{Phase, specialize};

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
            results.push(("evaluated loss and metrics".into(), self.play(plan, s)?.results));
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
        let inference = self.evaluate(network, plan, &network.graph, false);
        for (name, id) in &network.outputs {
            results.push((format!("output {name}"), inference[id.index()].clone()));
        }
        let Some(loss) = network.loss else { return results };
        let measured = |values: &[Vec<f64>]| {
            let per_sample = &values[loss.index()];
            let mut all = vec![per_sample.iter().sum::<f64>() / per_sample.len() as f64];
            network.metrics.iter().flat_map(|m| &m.statistics).for_each(|s| all.extend(&values[s.index()]));
            all
        };
        results.push(("evaluated loss and metrics".into(), measured(&inference)));

        let trained = self.evaluate(network, plan, &network.graph, true);
        let training = measured(&trained);
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
                    let values = values.unwrap_or_else(|| vec![0.0; size]);
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
            for (buffer, value) in &network.updates {
                let (offset, values) = (plan.parameters[*buffer].offset, &trained[value.index()]);
                updated[offset..offset + values.len()].copy_from_slice(values);
            }
            for p in &plan.parameters {
                let size: usize = p.dims.iter().product();
                results.push((format!("updated {}", p.name), updated[p.offset..p.offset + size].to_vec()));
            }
        }
        results
    }

    fn evaluate(&self, network: &Network, plan: &Plan, graph: &Graph, training: bool) -> Vec<Vec<f64>> {
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Field(i) => self.fields[*i].clone(),
            Leaf::Parameter(i) => {
                let offset = plan.parameters[*i].offset;
                self.parameters[offset..offset + network.parameters[*i].dims.iter().product::<usize>()].to_vec()
            }
            other => panic!("{other:?} in a network"),
        };
        let StepNumbers { seed, step, learning_rate } = self.step;
        reference::evaluate(graph, &Environment { batch: self.batch, leaf: &leaf, learning_rate, step, seed, training })
    }

    fn gradients(&self, network: &Network, plan: &Plan, loss: NodeId, leaves: &[Leaf]) -> Vec<Option<Vec<f64>>> {
        let roots: Vec<NodeId> = std::iter::once(loss).chain(network.updates.iter().map(|(_, value)| *value)).collect();
        let (mut graph, roots) = specialize(&network.graph, &roots, Phase::Training);
        let loss = graph.broadcast(roots[0], &Shape::batched(&[]));
        let inverse = graph.scalar(StepScalar::InverseBatch);
        let seed = graph.broadcast(inverse, &Shape::batched(&[]));
        let found: Vec<Option<NodeId>> = leaves
            .iter()
            .map(|leaf| {
                let is_leaf = |op: &nn_kernels::graph::Op| *op == nn_kernels::graph::Op::Leaf(leaf.clone());
                graph.nodes().find(|(_, n)| is_leaf(&n.op)).map(|(id, _)| id)
            })
            .collect();
        let wrt: Vec<NodeId> = found.iter().flatten().copied().collect();
        let mut nodes = autodiff::gradients(&mut graph, loss, seed, &wrt).into_iter();
        let values = self.evaluate(network, plan, &graph, true);
        let mut all = vec![];
        for leaf in found {
            all.push(leaf.map(|id| match nodes.next().flatten() {
                Some(node) => values[node.index()].clone(),
                None => vec![0.0; values[id.index()].len()],
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
            (0..plan.states.len()).map(|i| graph.leaf(Leaf::State(i, 0), shape.clone())).collect();
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
            updated[floats.clone()].copy_from_slice(&values[updates[group].index()][floats]);
        }
        updated
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
