//! Evaluates a graph node by node in f64: the definition of what each operation means.
//!
//! This is for tests, and as plain as possible: every node's result is a vector, the batch outermost, computed by
//! walking over all index tuples. Lowering, fusion and the printers are compared with it.

use crate::graph::{Access, Graph, Leaf, Loop, NodeId, Op, Shape, StepScalar, row_number};
use crate::interpret::uniform;

/// What the graph does not say.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Samples in the batch.
    pub batch: usize,
    /// The elements of each leaf, row-major, the batch outermost.
    pub leaf: &'a dyn Fn(&Leaf) -> Vec<f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// Training steps so far, this one not counted; or those of a step program.
    pub step: u32,
    /// Keys the random numbers, together with the step.
    pub seed: u32,
    /// Which of the two values of an [`Op::ByPhase`] counts.
    pub training: bool,
}

/// The result of every node, by its index. Values within a loop's body have none: there is one for each step.
///
/// # Panics
/// If a leaf does not have the elements that its shape demands.
pub fn evaluate(g: &Graph, environment: &Environment<'_>) -> Vec<Vec<f64>> {
    let mut results: Vec<Vec<f64>> = Vec::with_capacity(g.len());
    let loops = g.loops();
    for (id, node) in g.nodes() {
        let result = match &node.op {
            Op::Stacked(of, carries) => run(g, id, (*of, carries), &mut results, environment).0,
            Op::Final(of, carries) => run(g, id, (*of, carries), &mut results, environment).1,
            _ if loops[id.index()].is_some() => vec![],
            _ => evaluated(g, id, &results, environment),
        };
        results.push(result);
    }
    results
}

fn evaluated(g: &Graph, id: NodeId, results: &[Vec<f64>], environment: &Environment<'_>) -> Vec<f64> {
    let result = node(g, id, results, environment);
    assert_eq!(result.len(), count(&sizes(g.shape(id), environment.batch)), "elements of {:?}", g.node(id));
    result
}

/// Does all steps of a loop for one node that leads out of it: its first argument at every step, stacked, and behind the last one.
fn run(
    g: &Graph,
    end: NodeId,
    (of, carries): (Loop, &[usize]),
    results: &mut [Vec<f64>],
    environment: &Environment<'_>,
) -> (Vec<f64>, Vec<f64>) {
    let args = &g.node(end).args;
    let nexts = &args[args.len() - carries.len()..];
    // The body's nodes that the arguments need, in order.
    let loops = g.loops();
    let mut needed = vec![false; g.len()];
    args.iter().for_each(|a| needed[a.index()] = true);
    for (id, node) in g.nodes().take(end.index()).collect::<Vec<_>>().into_iter().rev() {
        if needed[id.index()] && loops[id.index()] == Some(of) {
            node.args.iter().for_each(|a| needed[a.index()] = true);
        }
    }
    let body: Vec<NodeId> =
        g.nodes().map(|(id, _)| id).filter(|id| needed[id.index()] && loops[id.index()] == Some(of)).collect();
    let lead = if g.shape(args[0]).batch { environment.batch } else { 1 };
    let size = g.shape(args[0]).size();
    let mut stacked = vec![0.0; lead * of.steps * size];
    let mut states: Vec<Option<Vec<f64>>> = vec![None; carries.iter().max().map_or(0, |k| k + 1)];
    for step in 0..of.steps {
        let row = of.row(step);
        for &id in &body {
            results[id.index()] = match (&g.node(id).op, g.node(id).args.first()) {
                (Op::At(_), Some(x)) => {
                    let size = g.shape(id).size();
                    let samples = results[x.index()].chunks(of.steps * size);
                    samples.flat_map(|sample| &sample[row * size..][..size]).copied().collect()
                }
                (Op::Carry(_, k), Some(init)) => states[*k].clone().unwrap_or_else(|| results[init.index()].clone()),
                _ => evaluated(g, id, results, environment),
            };
        }
        for (sample, value) in results[args[0].index()].chunks(size).enumerate() {
            stacked[(sample * of.steps + row) * size..][..size].copy_from_slice(value);
        }
        for (k, next) in carries.iter().zip(nexts) {
            states[*k] = Some(results[next.index()].clone());
        }
    }
    (stacked, results[args[0].index()].clone())
}

fn node(g: &Graph, id: NodeId, results: &[Vec<f64>], env: &Environment<'_>) -> Vec<f64> {
    let node = g.node(id);
    let arg = |i: usize| &results[node.args[i].index()];
    let arg_shape = |i: usize| g.shape(node.args[i]);
    let arg_strides = |i: usize| strides(&sizes(arg_shape(i), env.batch));
    let sizes = sizes(&node.shape, env.batch);
    // The first per-sample axis of this node, among its axes.
    let lead = usize::from(node.shape.batch);
    // The elements of argument 0 that lie at `base + Σ index * stride`, for every index tuple of the result.
    let view = |base: usize, strides: &[usize]| -> Vec<f64> {
        let mut result = Vec::with_capacity(count(&sizes));
        for_each(&sizes, |at| result.push(arg(0)[base + dot(at, strides)]));
        result
    };
    match &node.op {
        Op::At(_) | Op::Carry(..) | Op::Stacked(..) | Op::Final(..) => unreachable!("loops are run step by step"),
        Op::Leaf(leaf) => (env.leaf)(leaf),
        Op::Constant(c) => vec![*c],
        Op::Scalar(scalar) => vec![match scalar {
            StepScalar::InverseBatch => 1.0 / env.batch as f64,
            StepScalar::LearningRate => env.learning_rate,
            StepScalar::BiasCorrection(beta) => 1.0 - beta.powf(f64::from(env.step) + 1.0),
            StepScalar::Step => f64::from(env.step) + 1.0,
            StepScalar::Position => f64::from(env.step),
        }],
        Op::Iota(axis) => {
            let mut result = vec![];
            for_each(&sizes, |at| result.push(at[lead + axis] as f64));
            result
        }
        Op::Random(stream) => (0..count(&sizes)).map(|i| uniform(i as u32, *stream, env.step, env.seed)).collect(),
        Op::Unary(op) => arg(0).iter().map(|&x| op.eval(x)).collect(),
        Op::Binary(op) => arg(0).iter().zip(arg(1)).map(|(&a, &b)| op.eval(a, b)).collect(),
        Op::Select => (0..arg(0).len()).map(|i| if arg(0)[i] != 0.0 { arg(1)[i] } else { arg(2)[i] }).collect(),
        Op::ByPhase => arg(if env.training { 0 } else { 1 }).clone(),
        Op::Detach | Op::Reshape => arg(0).clone(),
        Op::Broadcast => {
            let (from, own) = (arg_shape(0), arg_strides(0));
            let from_lead = usize::from(from.batch);
            let mut strides = vec![0; sizes.len()];
            if from.batch {
                strides[0] = own[0];
            }
            for i in 0..from.rank() {
                let axis = sizes.len() - from.rank() + i;
                strides[axis] = if from.dims[i] == sizes[axis] { own[from_lead + i] } else { 0 };
            }
            view(0, &strides)
        }
        Op::Permute(perm) => {
            let own = arg_strides(0);
            let strides: Vec<usize> = own[..lead].iter().copied().chain(perm.iter().map(|&p| own[lead + p])).collect();
            view(0, &strides)
        }
        Op::Slice(starts) => {
            let own = arg_strides(0);
            view(dot(starts, &own[lead..]), &own)
        }
        Op::Concat(axis) => {
            let axis = lead + axis;
            let all: Vec<Vec<usize>> = (0..node.args.len()).map(arg_strides).collect();
            let mut result = Vec::with_capacity(count(&sizes));
            for_each(&sizes, |at| {
                let (mut part, mut within) = (0, at[axis]);
                while within >= arg_shape(part).dims[axis - lead] {
                    within -= arg_shape(part).dims[axis - lead];
                    part += 1;
                }
                let start_of_part = at[axis] - within;
                result.push(arg(part)[dot(at, &all[part]) - start_of_part * all[part][axis]]);
            });
            result
        }
        Op::Window(accesses) => {
            let (from, own) = (arg_shape(0), arg_strides(0));
            let from_lead = usize::from(from.batch);
            let mut result = Vec::with_capacity(count(&sizes));
            for_each(&sizes, |at| {
                let base = if from.batch { at[0] * own[0] } else { 0 };
                let inside = position(accesses, &at[lead..], &from.dims, &own[from_lead..]);
                result.push(inside.map_or(0.0, |i| arg(0)[base + i]));
            });
            result
        }
        Op::Reduce { how, axes, batch } => {
            let from = arg_shape(0);
            let from_lead = usize::from(from.batch);
            let gone = |axis: usize| if axis < from_lead { *batch } else { axes.contains(&(axis - from_lead)) };
            let mut kept = strides(&sizes).into_iter();
            let from = self::sizes(from, env.batch);
            let strides: Vec<usize> =
                (0..from.len()).map(|axis| if gone(axis) { 0 } else { kept.next().unwrap_or(0) }).collect();
            let mut result = vec![how.identity(); count(&sizes)];
            let mut elements = arg(0).iter();
            for_each(&from, |at| {
                let slot = &mut result[dot(at, &strides)];
                *slot = how.eval(*slot, *elements.next().unwrap_or(&f64::NAN));
            });
            result
        }
        Op::Gather => {
            let (row, rows) = (arg_shape(0).dims[1..].iter().product::<usize>(), arg_shape(0).dims[0]);
            let rows_read = arg(1).iter().map(|&number| row_number(number, rows));
            rows_read.flat_map(|r| &arg(0)[r * row..(r + 1) * row]).copied().collect()
        }
        Op::Scatter => {
            let (row, rows) = (node.shape.dims[1..].iter().product::<usize>(), node.shape.dims[0]);
            let mut result = vec![0.0; rows * row];
            for (number, values) in arg(0).iter().zip(arg(1).chunks(row)) {
                let sums = &mut result[row_number(*number, rows) * row..][..row];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            result
        }
        Op::Contract(c) => {
            let mut all = sizes.clone();
            all.extend(c.reduced.iter().map(|e| e.at(env.batch)));
            let dims = |i: usize| self::sizes(arg_shape(i), env.batch);
            let (dims, own) = ([dims(0), dims(1)], [arg_strides(0), arg_strides(1)]);
            let out: Vec<usize> = strides(&sizes).into_iter().chain(c.reduced.iter().map(|_| 0)).collect();
            let mut result = vec![0.0; count(&sizes)];
            for_each(&all, |at| {
                let a = position(&c.a, at, &dims[0], &own[0]);
                let b = position(&c.b, at, &dims[1], &own[1]);
                if let (Some(a), Some(b)) = (a, b) {
                    result[dot(at, &out)] += arg(0)[a] * arg(1)[b];
                }
            });
            result
        }
    }
}

/// The position of the element that accesses read at a point; `None` outside.
fn position(accesses: &[Access], point: &[usize], dims: &[usize], strides: &[usize]) -> Option<usize> {
    let read = accesses.iter().zip(dims).map(|(access, &size)| access.eval(point, size));
    read.zip(strides).try_fold(0, |sum, (i, stride)| Some(sum + i? * stride))
}

/// All dimensions, the batch included.
fn sizes(shape: &Shape, batch: usize) -> Vec<usize> {
    shape.extents().into_iter().map(|e| e.at(batch)).collect()
}

fn count(sizes: &[usize]) -> usize {
    sizes.iter().product()
}

/// How far apart neighbours along each axis are, row-major.
fn strides(sizes: &[usize]) -> Vec<usize> {
    (0..sizes.len()).map(|axis| count(&sizes[axis + 1..])).collect()
}

fn dot(at: &[usize], strides: &[usize]) -> usize {
    at.iter().zip(strides).map(|(i, stride)| i * stride).sum()
}

/// Visits all index tuples in row-major order.
fn for_each(sizes: &[usize], mut visit: impl FnMut(&[usize])) {
    let mut at = vec![0; sizes.len()];
    for _ in 0..count(sizes) {
        visit(&at);
        for axis in (0..sizes.len()).rev() {
            at[axis] += 1;
            if at[axis] < sizes[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
}
