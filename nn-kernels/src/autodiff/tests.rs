//! Each operation and each layer against central differences, in the middle of a graph, and at its kinks against
//! PyTorch's values.

mod blocks;
mod images;
mod loops;
mod sequences;

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

#[test]
fn unary_primitives() {
    for op in [
        Unary::Negate,
        Unary::Exp,
        Unary::ExpM1,
        Unary::Abs,
        Unary::Sign,
        Unary::Floor,
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Erf,
        Unary::Sin,
        Unary::Cos,
    ] {
        unary(&format!("{op:?}"), REAL, |g, x| Ok(g.unary(op, x)));
    }
    unary("Reciprocal", NEGATIVE, |g, x| Ok(g.unary(Unary::Reciprocal, x)));
    for op in [Unary::Log, Unary::Log1p, Unary::Sqrt] {
        unary(&format!("{op:?}"), POSITIVE, |g, x| Ok(g.unary(op, x)));
    }
}

#[test]
fn arithmetic() {
    binary("add", [REAL, REAL], layers::add);
    binary("subtract", [REAL, REAL], layers::subtract);
    binary("multiply", [REAL, REAL], layers::multiply);
    binary("divide", [REAL, POSITIVE], layers::divide);
    binary("minimum", [REAL, REAL], layers::minimum);
    binary("maximum", [REAL, REAL], layers::maximum);
    binary("pow", [POSITIVE, REAL], layers::pow);
    for exponent in [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0] {
        let range = if exponent < 0.0 { NEGATIVE } else { REAL };
        unary("pow, whole", range, |g, x| {
            let e = g.constant(exponent);
            layers::pow(g, x, e)
        });
    }
    for exponent in [0.5, 1.7, -0.3] {
        unary("pow, broken", POSITIVE, |g, x| {
            let e = g.constant(exponent);
            layers::pow(g, x, e)
        });
    }
    unary("pow, constant base", REAL, |g, x| {
        let base = g.constant(1.7);
        layers::pow(g, base, x)
    });
    unary("negate", REAL, layers::negate);
    unary("exp", REAL, layers::exp);
    unary("log", POSITIVE, layers::log);
    unary("sqrt", POSITIVE, layers::sqrt);
    unary("abs", REAL, layers::abs);
    unary("square", REAL, layers::square);
    unary("clamp", REAL, |g, x| layers::clamp(g, x, Some(-0.6), Some(1.1)));
    unary("clamp below", REAL, |g, x| layers::clamp(g, x, Some(-0.6), None));
    unary("clamp above", REAL, |g, x| layers::clamp(g, x, None, Some(0.4)));
    unary("dropout", REAL, |g, x| layers::dropout(g, x, 0.4));
    unary("dropout of a dropout", REAL, |g, x| {
        let y = layers::dropout(g, x, 0.4)?;
        layers::dropout(g, y, 0.2)
    });
}

#[test]
fn select_by_an_argument() {
    for seed in 0..TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(0..=3);
        let [x, y, z] = [(); 3].map(|()| bench.batched(&dims, REAL));
        let g = bench.graph();
        let condition = g.binary(Binary::Less, x, y);
        let picked = g.select(condition, y, z);
        bench.check("select", picked);

        // Both branches of one condition meet again in the gradient of x, in either order.
        for swap in [false, true] {
            let mut bench = Bench::new(seed);
            let [x, y] = [(); 2].map(|()| bench.batched(&dims, REAL));
            let g = bench.graph();
            let condition = g.binary(Binary::Less, x, y);
            let zero = g.filled(0.0, &Shape::batched(&dims));
            let guarded = if swap { g.select(condition, x, zero) } else { g.select(condition, zero, x) };
            let e = g.unary(Unary::Exp, guarded);
            let picked = if swap { g.select(condition, e, x) } else { g.select(condition, x, e) };
            bench.check("guarded select", picked);
        }
    }
}

#[test]
fn activations() {
    unary("identity", REAL, layers::identity);
    unary("step", REAL, layers::step);
    unary("sigmoid", REAL, layers::sigmoid);
    unary("hard_sigmoid", (-6.0, 6.0), layers::hard_sigmoid);
    unary("tanh", REAL, layers::tanh);
    unary("relu", REAL, layers::relu);
    unary("relu6", (-10.0, 10.0), layers::relu6);
    for slope in [0.01, 0.3, -0.2, 0.0, 1.0] {
        unary("leaky_relu", REAL, |g, x| layers::leaky_relu(g, x, slope));
    }
    for alpha in [1.0, 0.4] {
        unary("elu", REAL, |g, x| layers::elu(g, x, alpha));
        unary("celu", REAL, |g, x| layers::celu(g, x, alpha));
    }
    unary("selu", REAL, layers::selu);
    unary("gelu", REAL, |g, x| layers::gelu(g, x, false));
    unary("gelu, tanh", REAL, |g, x| layers::gelu(g, x, true));
    unary("silu", REAL, layers::silu);
    unary("mish", REAL, layers::mish);
    unary("softplus", REAL, |g, x| layers::softplus(g, x, 1.0, 20.0));
    unary("softplus, options", REAL, |g, x| layers::softplus(g, x, 2.0, 1.5));
    unary("softsign", REAL, layers::softsign);
    unary("hard_swish", (-6.0, 6.0), layers::hard_swish);
}

#[test]
fn activations_with_axes_and_parameters() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(1..=3);
        let x = bench.batched(&dims, REAL);
        let axis = bench.rng.below(dims.len()) as i64 - if seed % 2 == 0 { dims.len() as i64 } else { 0 };
        let y = layers::softmax(bench.graph(), x, axis).unwrap();
        bench.check("softmax", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, REAL);
        let y = layers::log_softmax(bench.graph(), x, axis).unwrap();
        bench.check("log_softmax", y);

        let mut bench = Bench::new(seed);
        let slopes = if seed % 2 == 0 { 1 } else { dims[0] };
        let x = bench.batched(&dims, REAL);
        let y = layers::prelu(&mut bench.network, "prelu", x, slopes, 0.25).unwrap();
        bench.check("prelu", y);

        let mut bench = Bench::new(seed);
        let pieces = 1 + bench.rng.below(3);
        let mut wide = dims.clone();
        *wide.last_mut().unwrap() *= pieces;
        let x = bench.batched(&wide, REAL);
        let y = layers::maxout(bench.graph(), x, pieces).unwrap();
        bench.check("maxout", y);
    }
    let mut bench = Bench::new(1);
    let x = bench.batched(&[], REAL);
    let y = layers::prelu(&mut bench.network, "prelu", x, 1, 0.25).unwrap();
    bench.check("prelu of a scalar", y);
}

#[test]
fn reductions() {
    type Reduce = fn(&mut Graph, NodeId, Option<&[i64]>, bool) -> Result<NodeId, Fact>;
    for (name, reduce) in [("sum", layers::sum as Reduce), ("mean", layers::mean), ("max", layers::max)] {
        for seed in 0..2 * TRIALS {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=3);
            let shape = Shape { batch: seed % 5 != 0, dims: dims.clone() };
            let x = bench.operand(&shape, REAL);
            let axes: Vec<i64> = (0..dims.len() as i64).filter(|_| bench.rng.below(2) == 0).collect();
            let axes = (seed % 4 != 0).then_some(&axes[..]);
            let y = reduce(bench.graph(), x, axes, seed % 2 == 0).unwrap();
            bench.check(name, y);
        }
    }
}

#[test]
fn reductions_over_the_batch() {
    for how in [Reduction::Sum, Reduction::Maximum, Reduction::Minimum] {
        for seed in 0..TRIALS {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=3);
            let x = bench.batched(&dims, REAL);
            let axes: Vec<usize> = (0..dims.len()).filter(|_| bench.rng.below(2) == 0).collect();
            let y = bench.graph().reduce(how, x, &axes, true);
            // Batch normalization's form: what was reduced meets the samples again.
            let mut kept = dims.clone();
            axes.iter().for_each(|&a| kept[a] = 1);
            let y = bench.graph().reshape(y, &kept);
            let z = bench.graph().sub(x, y);
            bench.check("reduction over the batch", z);
        }
    }
}

#[test]
fn movement() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(1..=3);
        let x = bench.batched(&dims, REAL);
        let y = layers::flatten(bench.graph(), x).unwrap();
        let z = layers::reshape(bench.graph(), y, &[1, -1, dims[0] as i64]).unwrap();
        bench.check("reshape", z);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, REAL);
        let mut perm: Vec<usize> = (0..dims.len()).collect();
        perm.rotate_left(bench.rng.below(dims.len()));
        let y = bench.graph().permute(x, &perm);
        bench.check("permute", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, REAL);
        let starts: Vec<usize> = dims.iter().map(|&d| bench.rng.below(d)).collect();
        let sizes: Vec<usize> = dims.iter().zip(&starts).map(|(&d, &s)| 1 + bench.rng.below(d - s)).collect();
        let y = bench.graph().slice(x, &starts, &sizes);
        bench.check("slice", y);

        let mut bench = Bench::new(seed);
        let axis = bench.rng.below(dims.len());
        let parts: Vec<NodeId> = (0..1 + bench.rng.below(3))
            .map(|i| {
                let mut dims = dims.clone();
                dims[axis] = 1 + bench.rng.below(3);
                let shape = Shape { batch: i != 1, dims };
                bench.operand(&shape, REAL)
            })
            .collect();
        let twice: Vec<NodeId> = parts.iter().chain(&parts).copied().collect();
        let y = layers::concat(bench.graph(), &twice, axis as i64).unwrap();
        bench.check("concat", y);
    }
}

#[test]
fn contractions() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let inputs = bench.rng.dims(1..=1);
        let x = bench.batched(&inputs, REAL);
        let options = Affine { bias: seed % 3 != 0, ..Affine::new(1 + seed as usize % 4) };
        let y = layers::dense(&mut bench.network, "dense", x, &options).unwrap();
        bench.check("dense", y);

        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(1..=3);
        let x = bench.batched(&dims, REAL);
        let y = layers::linear(&mut bench.network, "linear", x, &options).unwrap();
        let y = layers::linear(&mut bench.network, "linear_1", y, &Affine::new(3)).unwrap();
        bench.check("linear", y);

        let mut bench = Bench::new(seed);
        let [n, k, m] = [(); 3].map(|()| 1 + bench.rng.below(3));
        let lead = bench.rng.dims(0..=2);
        let dims = [&lead[..], &[n, k]].concat();
        let a = bench.operand(&Shape { batch: seed % 4 != 1, dims }, REAL);
        let skip = bench.rng.below(lead.len() + 1);
        let mut dims: Vec<usize> = lead[skip..].iter().map(|&d| if bench.rng.below(2) == 0 { 1 } else { d }).collect();
        dims.extend([k, m]);
        let b = bench.operand(&Shape { batch: seed % 4 != 2, dims }, REAL);
        let y = layers::matmul(bench.graph(), a, b).unwrap();
        bench.check("matmul", y);

        let mut bench = Bench::new(seed);
        let a = bench.batched(&[n, n], REAL);
        let y = layers::matmul(bench.graph(), a, a).unwrap();
        bench.check("a matrix times itself", y);
    }
}

#[test]
fn contractions_with_an_axis_of_one_operand_only() {
    // out[batch, i] = sum over j, k of a[batch, i, j] * b[k], over a batch that only the result and `a` have;
    // and out[i] with the batch summed as well.
    for reduce_batch in [false, true] {
        let mut bench = Bench::new(5);
        let a = bench.batched(&[2, 3], REAL);
        let b = bench.operand(&Shape::fixed(&[4]), REAL);
        let (shape, reduced, axes) = if reduce_batch {
            (Shape::fixed(&[2]), vec![Extent::Batch, Extent::Size(3), Extent::Size(4)], (vec![1, 0, 2], vec![3]))
        } else {
            (Shape::batched(&[2]), vec![Extent::Size(3), Extent::Size(4)], (vec![0, 1, 2], vec![3]))
        };
        let y = bench.graph().contract(a, b, Contraction::of_axes(reduced, axes.0, axes.1), shape);
        bench.check("axes of one operand", y);
    }
}

#[test]
fn losses() {
    type Loss = fn(&mut Graph, NodeId, NodeId) -> Result<NodeId, Fact>;
    let regression: [(&str, Loss); 11] = [
        ("mse", layers::mse),
        ("mae", layers::mae),
        ("huber", |g, x, t| layers::huber(g, x, t, 0.7)),
        ("smooth_l1", |g, x, t| layers::smooth_l1(g, x, t, 0.7)),
        ("log_cosh", layers::log_cosh),
        ("hinge", |g, x, t| layers::hinge(g, x, Target::Values(t))),
        ("kl_divergence, log_target", |g, x, t| layers::kl_divergence(g, x, t, true)),
        ("poisson_nll", |g, x, t| layers::poisson_nll(g, x, t, true, false, 1e-8)),
        ("bce_with_logits", |g, x, t| layers::binary_cross_entropy_with_logits(g, x, Target::Values(t))),
        ("multiply, as a control", |g, x, t| {
            let y = layers::multiply(g, x, t)?;
            layers::mean(g, y, None, false)
        }),
        ("max, as a control", |g, x, t| {
            let y = layers::maximum(g, x, t)?;
            layers::max(g, y, None, false)
        }),
    ];
    let positive: [(&str, Loss); 3] = [
        ("kl_divergence", |g, x, t| layers::kl_divergence(g, x, t, false)),
        ("poisson_nll, rates", |g, x, t| layers::poisson_nll(g, x, t, false, false, 1e-8)),
        ("poisson_nll, full", |g, x, t| layers::poisson_nll(g, x, t, true, true, 1e-8)),
    ];
    let probabilities: [(&str, Loss); 1] = [("bce", |g, x, t| layers::binary_cross_entropy(g, x, Target::Values(t)))];
    let all = (regression.iter().map(|c| (c, REAL)))
        .chain(positive.iter().map(|c| (c, POSITIVE)))
        .chain(probabilities.iter().map(|c| (c, (0.1, 1.0))));
    for (&(name, loss), range) in all {
        for seed in 0..TRIALS {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=3);
            let x = bench.batched(&dims, range);
            let t = bench.batched(&dims, range);
            let y = loss(bench.graph(), x, t).unwrap();
            assert!(bench.graph().shape(y).dims.is_empty());
            bench.check(name, y);
        }
    }
}

#[test]
fn losses_against_classes() {
    for seed in 0..2 * TRIALS {
        for smoothing in [0.0, 0.1, 1.0] {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(1..=3);
            let axis = bench.rng.below(dims.len());
            let mut positions = dims.clone();
            let classes = positions.remove(axis);
            let x = bench.batched(&dims, REAL);
            let node = bench.labels(&positions, classes);
            let target = Target::Classes { node, classes };
            let y = layers::cross_entropy(bench.graph(), x, target, axis as i64, smoothing).unwrap();
            bench.check("cross_entropy", y);

            let mut bench = Bench::new(seed);
            let x = bench.batched(&dims, REAL);
            let t = bench.batched(&dims, POSITIVE);
            let y = layers::cross_entropy(bench.graph(), x, Target::Values(t), axis as i64, smoothing).unwrap();
            bench.check("cross_entropy, soft", y);
        }
        type Loss = fn(&mut Graph, NodeId, Target) -> Result<NodeId, Fact>;
        let losses: [(&str, Loss, (f64, f64)); 3] = [
            ("bce", layers::binary_cross_entropy, (0.1, 1.0)),
            ("bce_with_logits", layers::binary_cross_entropy_with_logits, REAL),
            ("hinge", layers::hinge, REAL),
        ];
        for (name, loss, range) in losses {
            let mut bench = Bench::new(seed);
            let dims = if seed % 2 == 0 { vec![1] } else { vec![] };
            let x = bench.batched(&dims, range);
            let node = bench.labels(&[], 2);
            let y = loss(bench.graph(), x, Target::Classes { node, classes: 2 }).unwrap();
            bench.check(name, y);
        }
    }
}

/// The derivative of an elementwise function at one point, and its value.
fn derivative(f: impl Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>, at: f64) -> (f64, f64) {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[]));
    let y = f(&mut g, x).unwrap();
    let seed = g.filled(1.0, &Shape::batched(&[]));
    let gradient = gradients(&mut g, y, seed, &[x])[0];
    let leaf = |_: &Leaf| vec![at];
    let env = Environment { batch: 1, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    let results = evaluate(&g, &env);
    (results[y.index()][0], gradient.map_or(0.0, |d| results[d.index()][0]))
}

#[test]
fn gradients_at_kinks_are_pytorchs() {
    let at = |expected: f64, point: f64, f: &dyn Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>| {
        let (_, found) = derivative(f, point);
        assert!((found - expected).abs() < 1e-12, "at {point}: {found}, expected {expected}");
    };
    at(0.0, 0.0, &layers::relu);
    at(0.0, 0.0, &layers::relu6);
    at(0.0, 6.0, &layers::relu6);
    at(0.25, 0.0, &|g, x| layers::leaky_relu(g, x, 0.25));
    at(0.7, 0.0, &|g, x| layers::elu(g, x, 0.7));
    at(1.0, 0.0, &|g, x| layers::celu(g, x, 0.7));
    at(1.050_700_987_355_480_5 * 1.673_263_242_354_377_2, 0.0, &layers::selu);
    at(0.5, 0.0, &|g, x| layers::softplus(g, x, 1.0, 20.0));
    at(0.6, 0.0, &layers::mish);
    at(0.0, -3.0, &layers::hard_sigmoid);
    at(0.0, 3.0, &layers::hard_sigmoid);
    at(0.0, -3.0, &layers::hard_swish);
    at(1.0, 3.0, &layers::hard_swish);
    at(1.0, 0.0, &layers::softsign);
    at(0.0, 0.0, &layers::abs);
    at(1.0, -1.0, &|g, x| layers::clamp(g, x, Some(-1.0), Some(1.0)));
    at(1.0, 1.0, &|g, x| layers::clamp(g, x, Some(-1.0), Some(1.0)));
    at(0.0, 0.0, &layers::step);
    for f in [layers::maximum, layers::minimum] {
        at(0.5, 0.0, &|g, x| {
            let zero = g.constant(0.0);
            f(g, x, zero)
        });
    }
    for exponent in [0.0, 1.0, 2.0, 3.0] {
        at(if exponent == 1.0 { 1.0 } else { 0.0 }, 0.0, &|g, x| {
            let e = g.constant(exponent);
            layers::pow(g, x, e)
        });
    }
    // As an exponent of 0.
    at(0.0, 2.0, &|g, x| {
        let base = g.constant(0.0);
        layers::pow(g, base, x)
    });
    // A loss of 0.5 from both sides of zero.
    let zero_logit = |t: f64| {
        derivative(
            |g, x| {
                let t = g.filled(t, &Shape::batched(&[]));
                layers::binary_cross_entropy_with_logits(g, x, Target::Values(t))
            },
            0.0,
        )
        .1
    };
    assert_eq!((zero_logit(0.0), zero_logit(1.0)), (0.5, -0.5));
}

#[test]
fn extreme_values_stay_finite() {
    let finite = |name: &str, f: &dyn Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>, points: &[f64]| {
        for &x in points {
            let (y, d) = derivative(f, x);
            assert!(y.is_finite() && d.is_finite(), "{name} at {x}: {y}, gradient {d}");
        }
    };
    let wide = [-1e4, -800.0, -90.0, 0.0, 90.0, 800.0, 1e4];
    type Activation = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let activations: [(&str, Activation); 10] = [
        ("elu", |g, x| layers::elu(g, x, 1.0)),
        ("selu", layers::selu),
        ("celu", |g, x| layers::celu(g, x, 1.0)),
        ("gelu", |g, x| layers::gelu(g, x, false)),
        ("gelu, tanh", |g, x| layers::gelu(g, x, true)),
        ("mish", layers::mish),
        ("softplus", |g, x| layers::softplus(g, x, 1.0, 20.0)),
        ("softplus, steep", |g, x| layers::softplus(g, x, 30.0, 2000.0)),
        ("bce_with_logits", |g, x| {
            let t = g.filled(1.0, &Shape::batched(&[]));
            layers::binary_cross_entropy_with_logits(g, x, Target::Values(t))
        }),
        ("log_cosh", |g, x| {
            let t = g.filled(0.0, &Shape::batched(&[]));
            layers::log_cosh(g, x, t)
        }),
    ];
    for (name, f) in activations {
        finite(name, &f, &wide);
    }
    for t in [0.0, 1.0] {
        let f = |g: &mut Graph, x: NodeId| {
            let t = g.filled(t, &Shape::batched(&[]));
            layers::binary_cross_entropy(g, x, Target::Values(t))
        };
        finite("bce", &f, &[0.0, 1.0, 0.5]);
        assert_eq!(derivative(f, 1.0 - t).0, 100.0, "logarithms are bounded by -100");
    }
    let f = |g: &mut Graph, x: NodeId| {
        let input = g.filled(-1.0, &Shape::batched(&[]));
        layers::kl_divergence(g, input, x, false)
    };
    finite("kl_divergence with a zero target", &f, &[0.0]);
}

#[test]
fn the_first_of_equal_maxima_takes_the_gradient() {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[2, 3]));
    let y = layers::max(&mut g, x, None, false).unwrap();
    let seed = g.filled(1.0, &Shape::batched(&[]));
    let gradient = gradients(&mut g, y, seed, &[x])[0].unwrap();
    let leaf = |_: &Leaf| vec![0.0, 5.0, 1.0, 5.0, 5.0, 2.0];
    let env = Environment { batch: 1, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    assert_eq!(evaluate(&g, &env)[gradient.index()], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn relu_and_its_like_forget_their_argument() {
    // Whether the backward pass reads the pre-activation: if it does not, only the result has to be stored.
    type Activation = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let activations: [Activation; 5] =
        [layers::relu, layers::relu6, |g, x| layers::leaky_relu(g, x, 0.01), layers::tanh, layers::sigmoid];
    for f in activations {
        let mut g = Graph::new();
        let x = g.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let x = g.unary(Unary::Sin, x);
        let y = f(&mut g, x).unwrap();
        let forward = g.len();
        let seed = g.leaf(Leaf::Field(1), Shape::batched(&[3]));
        gradients(&mut g, y, seed, &[x]);
        let reads_x = g.nodes().skip(forward).any(|(_, n)| n.args.contains(&x));
        assert!(!reads_x, "{g:#?}");
    }
}

#[test]
fn gradients_stop_where_they_must() {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[]));
    let other = g.leaf(Leaf::Field(1), Shape::batched(&[]));
    let stopped = g.detach(x);
    let y = g.mul(stopped, x);
    let seed = g.filled(1.0, &Shape::batched(&[]));
    let found = gradients(&mut g, y, seed, &[x, other]);
    assert_eq!(found[0], Some(stopped), "only the factor that is not detached has a gradient");
    assert_eq!(found[1], None);
}

#[test]
fn gradients_carry_the_label_of_their_node() {
    let mut n = Network::default();
    n.graph.set_label("input");
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
    n.graph.set_label("first.dense");
    let h = layers::dense(&mut n, "first.dense", x, &Affine::new(2)).unwrap();
    n.graph.set_label("second.tanh");
    let y = layers::tanh(&mut n.graph, h).unwrap();
    let forward = n.graph.len();
    let seed = n.graph.leaf(Leaf::Field(1), Shape::batched(&[2]));
    gradients(&mut n.graph, y, seed, &[x]);
    let labels: Vec<&str> = n.graph.nodes().skip(forward + 1).map(|(id, _)| n.graph.label(id)).collect();
    assert_eq!(labels.first(), Some(&"second.tanh"));
    assert_eq!(labels.last(), Some(&"first.dense"));
}

/// A convolution's one dimension: `size` elements, windows of `taps`.
#[derive(Clone, Copy, Debug)]
struct Line {
    size: usize,
    taps: usize,
    stride: usize,
    dilation: usize,
    padding: usize,
}

impl Line {
    fn random(rng: &mut Rng) -> Self {
        let (taps, stride, dilation, padding) = (1 + rng.below(3), 1 + rng.below(3), 1 + rng.below(2), rng.below(3));
        let reach = (taps - 1) * dilation + 1;
        Line { size: reach + rng.below(5), taps, stride, dilation, padding }
    }

    fn windows(self) -> usize {
        (self.size + 2 * self.padding - (self.taps - 1) * self.dilation - 1) / self.stride + 1
    }

    fn access(self, position: usize, tap: usize) -> Access {
        Access::window(position, self.stride, tap, self.dilation, self.padding)
    }

    fn transposed(self, element: usize, tap: usize) -> Access {
        Access::window_of(element, self.stride, tap, self.dilation, self.padding)
    }
}

#[test]
fn convolutions_in_the_middle() {
    for seed in 0..24 {
        let mut bench = Bench::new(900 + seed);
        let [h, w] = std::array::from_fn(|_| Line::random(&mut bench.rng));
        let (groups, inputs, outputs) = (1 + bench.rng.below(2), 1 + bench.rng.below(2), 1 + bench.rng.below(2));
        let weight = bench.operand(&Shape::fixed(&[groups, outputs, inputs, h.taps, w.taps]), (-1.0, 1.0));
        // Axes: 0 batch, 1 group, 2 output, 3 and 4 positions; 5 input, 6 and 7 taps.
        let reduced = vec![Extent::Size(inputs), Extent::Size(h.taps), Extent::Size(w.taps)];
        let b = [1, 2, 5, 6, 7].map(Access::axis).to_vec();
        let plain = [0, 1, 5].map(Access::axis);
        let transpose = seed % 2 == 1;
        let (from, to, windows) = match transpose {
            false => ([h.size, w.size], [h.windows(), w.windows()], [h.access(3, 6), w.access(4, 7)]),
            true => ([h.windows(), w.windows()], [h.size, w.size], [h.transposed(3, 6), w.transposed(4, 7)]),
        };
        let x = bench.batched(&[groups * inputs, from[0], from[1]], (-1.0, 1.0));
        let x = bench.graph().reshape(x, &[groups, inputs, from[0], from[1]]);
        let a = plain.into_iter().chain(windows).collect();
        let shape = Shape::batched(&[groups, outputs, to[0], to[1]]);
        let y = bench.graph().contract(x, weight, Contraction { reduced, a, b }, shape);
        bench.check(&format!("convolution {seed}: {h:?} {w:?} transposed {transpose}"), y);
    }
}

#[test]
fn windows_in_the_middle() {
    for seed in 0..16 {
        let mut bench = Bench::new(950 + seed);
        let line = Line::random(&mut bench.rng);
        let channels = 1 + bench.rng.below(3);
        let x = bench.batched(&[channels, line.size], (-1.0, 1.0));
        let g = bench.graph();
        // [channels, windows, taps] with the channels flipped.
        let flipped = Access { terms: vec![(0, -1)], offset: channels as i64 - 1, divisor: 1 };
        let windows = g.window(x, vec![flipped, line.access(1, 2)], &[channels, line.windows(), line.taps]);
        let y = match seed % 3 {
            0 => windows,
            1 => g.reduce(Reduction::Maximum, windows, &[2], false),
            _ => g.reduce(Reduction::Sum, windows, &[2], false),
        };
        bench.check(&format!("window {seed}: {line:?}"), y);
    }
}
