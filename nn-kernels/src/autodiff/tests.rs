//! Each operation and each layer against central differences, in the middle of a graph, and at its kinks against
//! PyTorch's values.

mod blocks;
mod functions;
mod images;
mod loops;
mod points;
mod primitives;
mod sequences;
mod windows;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::gradients;
use crate::graph::{Access, Binary, Contraction, Extent, Graph, Leaf, NodeId, Op, Reduction, Shape, StepScalar, Unary};
use crate::interpret::{Memory, StepNumbers, run};
use crate::layers::{self, Affine, Target};
use crate::network::{Field, Initializer, Network};
use crate::reference::{Environment, evaluate};
use crate::shape::Fact;
use crate::simplify::{Phase, specialize};
use crate::{Options, compile};

/// Numbers for tests: a linear congruential generator.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }

    fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.next()
    }

    fn dims(&mut self, ranks: std::ops::RangeInclusive<usize>) -> Vec<usize> {
        let rank = ranks.start() + self.below(ranks.end() - ranks.start() + 1);
        (0..rank).map(|_| 1 + self.below(4)).collect()
    }
}

/// A network in the making, with the elements of its leaves.
struct Bench {
    network: Network,
    rng: Rng,
    batch: usize,
    leaves: HashMap<Leaf, Vec<f64>>,
    /// The leaves that have a gradient.
    wrt: Vec<Leaf>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut rng = Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        rng.next();
        let batch = 1 + rng.below(5);
        Bench { network: Network::default(), rng, batch, leaves: HashMap::new(), wrt: vec![] }
    }

    fn graph(&mut self) -> &mut Graph {
        &mut self.network.graph
    }

    /// An input, or a parameter where there is no batch.
    fn leaf(&mut self, shape: &Shape, classes: Option<usize>, element: impl Fn(&mut Rng) -> f64) -> (Leaf, NodeId) {
        let count = shape.size() * if shape.batch { self.batch } else { 1 };
        let values = (0..count).map(|_| element(&mut self.rng)).collect();
        let n = &mut self.network;
        let leaf = if shape.batch { Leaf::Field(n.fields.len()) } else { Leaf::Parameter(n.parameters.len()) };
        let node = if shape.batch {
            n.fields.push(Field { name: format!("field {}", n.fields.len()), dims: shape.dims.clone(), classes });
            n.inputs = n.fields.len();
            n.graph.leaf(leaf.clone(), shape.clone())
        } else {
            let name = format!("parameter {}", n.parameters.len());
            layers::add_parameter(n, name, &shape.dims, Initializer::Constant(0.0)).unwrap()
        };
        self.leaves.insert(leaf.clone(), values);
        (leaf, node)
    }

    /// An operand in the middle of the graph: a function of a leaf, with values in about the given range, of either sign
    /// only if the range is.
    fn operand(&mut self, shape: &Shape, range: (f64, f64)) -> NodeId {
        let (leaf, node) = self.leaf(shape, None, |rng| rng.between(range));
        self.wrt.push(leaf);
        let g = self.graph();
        let bent = g.unary(Unary::Sin, node);
        let bent = g.scale(bent, 0.1);
        let straight = g.scale(node, 0.8);
        g.add2(straight, bent)
    }

    fn batched(&mut self, dims: &[usize], range: (f64, f64)) -> NodeId {
        self.operand(&Shape::batched(dims), range)
    }

    /// An operand that broadcasts to `dims`: axes of size 1, missing leading axes, perhaps no batch.
    fn broadcasting(&mut self, dims: &[usize], range: (f64, f64)) -> NodeId {
        let skip = self.rng.below(dims.len() + 1);
        let dims: Vec<usize> = dims[skip..].iter().map(|&d| if self.rng.below(3) == 0 { 1 } else { d }).collect();
        let shape = Shape { batch: self.rng.below(3) != 0, dims };
        self.operand(&shape, range)
    }

    fn labels(&mut self, dims: &[usize], classes: usize) -> NodeId {
        self.leaf(&Shape::batched(dims), Some(classes), |rng| rng.below(classes) as f64).1
    }

    /// Puts a function with a gradient everywhere behind `y`, and compares all gradients: with central differences, and
    /// with those of the compiled network, fused and unfused.
    fn check(mut self, name: &str, y: NodeId) {
        let shape = self.network.graph.shape(y).clone();
        let (_, weights) = self.leaf(&shape, None, |rng| rng.between((0.5, 1.5)));
        let g = self.graph();
        let s = g.unary(Unary::Sin, y);
        let s = g.mul(s, weights);
        let straight = g.scale(y, 0.3);
        let z = g.add2(s, straight);
        let loss = g.mean_sample(z);
        let loss = g.broadcast(loss, &Shape::batched(&[]));
        self.network.loss = Some(loss);
        for (i, p) in self.network.parameters.iter().enumerate() {
            if let Entry::Vacant(entry) = self.leaves.entry(Leaf::Parameter(i)) {
                // It belongs to a layer.
                entry.insert((0..p.dims.iter().product()).map(|_| self.rng.between((-1.0, 1.0))).collect());
                self.wrt.push(Leaf::Parameter(i));
            }
        }
        let expected = self.by_central_differences(name);
        for fuse in [true, false] {
            self.compiled(name, fuse, &expected);
        }
    }

    /// The gradients of the leaves in `wrt`, from the graph; they have been compared with differences.
    fn by_central_differences(&mut self, name: &str) -> Vec<Vec<f64>> {
        let loss = self.network.loss.expect("it has been set");
        let (mut graph, roots) = specialize(&self.network.graph, &[loss], Phase::Training);
        let loss = roots[0];
        let inverse = graph.scalar(StepScalar::InverseBatch);
        let seed = graph.broadcast(inverse, &Shape::batched(&[]));
        let total = graph.mul(loss, seed);
        let total = graph.reduce(Reduction::Sum, total, &[], true);
        let forward = graph.clone();
        let nodes: Vec<Option<NodeId>> = self.wrt.iter().map(|leaf| find(&graph, leaf)).collect();
        let known: Vec<NodeId> = nodes.iter().copied().flatten().collect();
        let mut found = gradients(&mut graph, loss, seed, &known).into_iter();
        let found: Vec<Option<NodeId>> = nodes.iter().map(|node| node.and_then(|_| found.next().flatten())).collect();

        let here = self.results(&graph);
        let mut all = vec![];
        for (leaf, gradient) in self.wrt.clone().into_iter().zip(found) {
            let count = self.leaves[&leaf].len();
            let analytic = gradient.map_or(vec![0.0; count], |node| here[node.index()].clone());
            for (i, analytic) in analytic.iter().enumerate() {
                let step = 1e-5;
                let mut at = |offset: f64| {
                    self.leaves.get_mut(&leaf).expect("it has values")[i] += offset;
                    self.results(&forward)[total.index()][0]
                };
                let numeric = (at(step) - at(-2.0 * step)) / (2.0 * step);
                at(step);
                assert!(
                    (numeric - analytic).abs() <= 1e-7 + 1e-6 * numeric.abs(),
                    "{name}: gradient of {leaf:?} at {i}: {analytic}, by differences {numeric}"
                );
            }
            all.push(analytic);
        }
        all
    }

    fn results(&self, graph: &Graph) -> Vec<Vec<f64>> {
        let leaf = |leaf: &Leaf| self.leaves[leaf].clone();
        let (batch, step, seed) = (self.batch, STEP.step, STEP.seed);
        evaluate(graph, &Environment { batch, leaf: &leaf, learning_rate: 0.0, step, seed, training: true })
    }

    fn compiled(&self, name: &str, fuse: bool, expected: &[Vec<f64>]) {
        let plan = compile(&self.network, &Options { fuse });
        let schedule = plan.gradients.as_ref().expect("it has a loss");
        let capacity = self.batch.next_multiple_of(4);
        let mut memory = Memory::new(&plan, schedule, capacity);
        for &(field, tensor) in &schedule.fields {
            memory.write(schedule, tensor, capacity, &self.leaves[&Leaf::Field(field)]);
        }
        for (i, p) in plan.parameters.iter().enumerate() {
            let values = &self.leaves[&Leaf::Parameter(i)];
            memory.parameters[p.offset..p.offset + values.len()].copy_from_slice(values);
        }
        run(&plan, schedule, self.batch, capacity, &mut memory, &STEP)
            .unwrap_or_else(|error| panic!("{name}, fuse = {fuse}: {error}"));
        for (leaf, expected) in self.wrt.iter().zip(expected) {
            let found = match leaf {
                Leaf::Field(i) => {
                    let tensor = schedule.field_gradients.iter().find(|(field, _)| field == i).map(|(_, t)| *t);
                    tensor.map_or(vec![], |t| memory.read(schedule, t, self.batch, capacity).to_vec())
                }
                Leaf::Parameter(i) => {
                    let start = plan.parameters[*i].offset;
                    memory.gradients[start..start + expected.len()].to_vec()
                }
                _ => unreachable!("no optimizer here"),
            };
            assert!(found.len() == expected.len() || expected.iter().all(|e| *e == 0.0), "{name}: {leaf:?} is missing");
            for (f, e) in found.iter().zip(expected) {
                assert!((f - e).abs() <= 1e-9 * (1.0 + e.abs()), "{name}, fuse = {fuse}: {found:?}, not {expected:?}");
            }
        }
    }
}

fn find(graph: &Graph, leaf: &Leaf) -> Option<NodeId> {
    graph.nodes().find(|(_, n)| n.op == Op::Leaf(leaf.clone())).map(|(id, _)| id)
}

const STEP: StepNumbers = StepNumbers { seed: 9, step: 3, learning_rate: 0.0 };
const TRIALS: u64 = 6;
const REAL: (f64, f64) = (-2.5, 2.5);
const POSITIVE: (f64, f64) = (0.3, 2.5);
const NEGATIVE: (f64, f64) = (-2.5, -0.5);

fn unary(name: &str, range: (f64, f64), f: impl Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>) {
    for seed in 0..TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(0..=3);
        let shape = Shape { batch: bench.rng.below(4) != 0, dims };
        let x = bench.operand(&shape, range);
        let y = f(bench.graph(), x).unwrap_or_else(|fact| panic!("{name}: {fact:?}"));
        bench.check(name, y);
    }
}

fn binary(name: &str, ranges: [(f64, f64); 2], f: impl Fn(&mut Graph, NodeId, NodeId) -> Result<NodeId, Fact>) {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(0..=3);
        let x = if seed % 2 == 0 { bench.batched(&dims, ranges[0]) } else { bench.broadcasting(&dims, ranges[0]) };
        let y = if seed % 2 == 1 { bench.batched(&dims, ranges[1]) } else { bench.broadcasting(&dims, ranges[1]) };
        let z = f(bench.graph(), x, y).unwrap_or_else(|fact| panic!("{name}: {fact:?}"));
        bench.check(name, z);
        // The same node twice collects both gradients.
        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, POSITIVE);
        let z = f(bench.graph(), x, x).unwrap_or_else(|fact| panic!("{name}: {fact:?}"));
        if !matches!(name, "minimum" | "maximum") {
            bench.check(name, z);
        }
    }
}
