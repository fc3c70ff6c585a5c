//! Kept tensors through the compiler: programs run one after another in one memory, beside the reference evaluator.

use nn_kernels::graph::{Leaf, NodeId, Reduction, Shape, Unary};
use nn_kernels::interpret::{Memory, StepNumbers, run};
use nn_kernels::network::{Field, Network, Optimizer, Rule};
use nn_kernels::plan::{Plan, Schedule};
use nn_kernels::reference::{Environment, evaluate};
use nn_kernels::{Options, compile};

const BATCH: usize = 3;
const CAPACITY: usize = 4;

fn network(dims: &[usize]) -> (Network, NodeId) {
    let mut n = Network { name: "Kept".into(), inputs: 1, ..Network::default() };
    n.fields.push(Field { name: "x".into(), dims: dims.to_vec(), classes: None });
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(dims));
    (n, x)
}

/// The sum of all that came in: each element from its own old one.
fn total() -> Network {
    let (mut n, x) = network(&[5]);
    let so_far = n.keep("total", &[5]);
    let total = n.graph.add2(so_far, x);
    n.kept_becomes(so_far, total);
    n.outputs.push(("y".into(), total));
    n
}

/// Two tensors that change places, and one that stays.
fn crossed() -> Network {
    let (mut n, x) = network(&[4]);
    let [a, b, c] = ["a", "b", "c"].map(|name| n.keep(name, &[4]));
    let next = n.graph.add2(b, x);
    n.kept_becomes(a, next);
    let half = n.graph.scale(a, 0.5);
    n.kept_becomes(b, half);
    let sum = n.graph.add2(next, c);
    let y = n.graph.mul(sum, half);
    n.outputs.push(("y".into(), y));
    n
}

/// A loop that goes on where the one before ended: h = tanh(h + x[t]).
fn recurrent() -> Network {
    let (mut n, x) = network(&[3, 2]);
    let begin = n.keep("h", &[2]);
    let steps = n.graph.begin_loop(3, false);
    let x_t = n.graph.at(steps, x);
    let h = n.graph.carry(steps, begin);
    let sum = n.graph.add2(h, x_t);
    let next = n.graph.unary(Unary::Tanh, sum);
    let end = n.graph.end_loop(steps, &[(h, next)])[0];
    let all = n.graph.stacked(steps, next);
    n.kept_becomes(begin, end);
    n.outputs.push(("y".into(), all));
    n
}

/// A total whose rows a loop reads: it is written where it is kept only if the loop looks there.
fn walked() -> Network {
    let (mut n, x) = network(&[4, 2]);
    let so_far = n.keep("total", &[4, 2]);
    let total = n.graph.add2(so_far, x);
    n.kept_becomes(so_far, total);
    let zeros = n.graph.filled(0.0, &Shape::batched(&[2]));
    let steps = n.graph.begin_loop(4, false);
    let row = n.graph.at(steps, total);
    let h = n.graph.carry(steps, zeros);
    let sum = n.graph.add2(h, row);
    let next = n.graph.unary(Unary::Tanh, sum);
    let end = n.graph.end_loop(steps, &[(h, next)])[0];
    n.outputs.push(("y".into(), end));
    n
}

/// A loss whose gradient reads the old numbers, and no state that only training would need.
fn with_loss(mut n: Network) -> Network {
    let y = n.outputs[0].1;
    let squares = n.graph.mul(y, y);
    n.loss = Some(n.graph.sum_sample(squares));
    n.optimizer = Some(Optimizer::new(Rule::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false }, 0.1));
    n
}

fn inputs(n: &Network, number: usize) -> Vec<f64> {
    let size: usize = n.fields[0].dims.iter().product();
    (0..BATCH * size).map(|i| ((i * 7 + number * 5) % 11) as f64 / 8.0 - 0.5).collect()
}

/// What each kept tensor is after so many runs, by the reference evaluator; and the last run's value of a node.
fn reference(n: &Network, runs: usize, node: NodeId) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut kept: Vec<Vec<f64>> = n.kept.iter().map(|k| vec![0.0; BATCH * k.dims.iter().product::<usize>()]).collect();
    let mut value = vec![];
    for number in 0..runs {
        let x = inputs(n, number);
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Kept(k) => kept[*k].clone(),
            _ => x.clone(),
        };
        let env = Environment { batch: BATCH, leaf: &leaf, learning_rate: 0.1, step: 0, seed: 0, training: true };
        let values = evaluate(&n.graph, &env);
        value = values[node.index()].clone();
        kept = n.kept.iter().map(|k| values[k.next.index()].clone()).collect();
    }
    (kept, value)
}

fn close(a: &[f64], b: &[f64], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{what}: {a:?} is not {b:?}");
}

/// Runs a schedule so often in one memory, of which nobody but the schedule touches the kept tensors.
fn play(n: &Network, plan: &Plan, schedule: &Schedule, runs: usize) -> Memory {
    let mut memory = Memory::new(plan, schedule, CAPACITY);
    for (k, tensor) in &schedule.kept {
        let size: usize = n.kept[*k].dims.iter().product();
        memory.write(schedule, *tensor, CAPACITY, &vec![0.0; BATCH * size]);
    }
    for number in 0..runs {
        for (_, tensor) in &schedule.fields {
            memory.write(schedule, *tensor, CAPACITY, &inputs(n, number));
        }
        let step = StepNumbers { seed: 0, step: 0, learning_rate: 0.1 };
        run(plan, schedule, BATCH, CAPACITY, &mut memory, &step).unwrap();
    }
    memory
}

#[test]
fn what_one_run_leaves_the_next_one_finds() {
    let networks = [
        ("total", total()),
        ("crossed", crossed()),
        ("turned", turned()),
        ("recurrent", recurrent()),
        ("walked", walked()),
    ];
    for (name, n) in networks {
        for fuse in [true, false] {
            let n = with_loss(n.clone());
            let plan = compile(&n, &Options { fuse });
            let y = n.outputs[0].1;
            let programs = [&plan.predict, plan.evaluate.as_ref().unwrap(), plan.train.as_ref().unwrap()];
            for (schedule, program) in programs.into_iter().zip(["predict", "evaluate", "train"]) {
                for runs in 1..4 {
                    let what = format!("{name}, {program}, fuse = {fuse}, {runs} runs");
                    let (kept, value) = reference(&n, runs, y);
                    let memory = play(&n, &plan, schedule, runs);
                    assert_eq!(schedule.kept.len(), n.kept.len(), "{what}");
                    assert!(
                        program == "train" || schedule.update == schedule.kernels.len(),
                        "{what}: nothing is updated"
                    );
                    for (k, tensor) in &schedule.kept {
                        close(memory.read(schedule, *tensor, BATCH, CAPACITY), &kept[*k], &what);
                    }
                    if let Some(output) = schedule.outputs.first() {
                        close(memory.read(schedule, *output, BATCH, CAPACITY), &value, &what);
                    }
                }
            }
        }
    }
}

/// The gradient with respect to the input reads what was kept before; it must not see what it becomes.
#[test]
fn gradients_see_the_old_numbers_and_leave_them_alone() {
    for n in [total(), crossed(), turned(), recurrent(), walked()] {
        let n = with_loss(n);
        let plan = compile(&n, &Options::default());
        let gradients = plan.gradients.as_ref().unwrap();
        // d Σ y² / dx by central differences, from kept tensors of zeros.
        let (x, h) = (inputs(&n, 0), 1e-5);
        let loss = |x: &[f64]| {
            let leaf = |leaf: &Leaf| match leaf {
                Leaf::Kept(k) => vec![0.0; BATCH * n.kept[*k].dims.iter().product::<usize>()],
                _ => x.to_vec(),
            };
            let env = Environment { batch: BATCH, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
            evaluate(&n.graph, &env)[n.loss.unwrap().index()].iter().sum::<f64>() / BATCH as f64
        };
        let expected = (0..x.len()).map(|i| {
            let [mut more, mut less] = [x.clone(), x.clone()];
            (more[i], less[i]) = (x[i] + h, x[i] - h);
            (loss(&more) - loss(&less)) / (2.0 * h)
        });
        let memory = play(&n, &plan, gradients, 1);
        let (_, tensor) = gradients.field_gradients[0];
        let found = memory.read(gradients, tensor, BATCH, CAPACITY);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-8), "{found:?}");
    }
}

/// Each element becomes what another one was.
fn turned() -> Network {
    let (mut n, x) = network(&[2, 3]);
    let kept = n.keep("turned", &[2, 3]);
    let turned = n.graph.permute(kept, &[1, 0]);
    let turned = n.graph.reshape(turned, &[2, 3]);
    let next = n.graph.add2(turned, x);
    n.kept_becomes(kept, next);
    n.outputs.push(("y".into(), next));
    n
}

/// A total is added to where it lies, and two tensors change places in one kernel, which reads both first; where a kernel reads other
/// elements than it writes, another one copies behind it.
#[test]
fn new_numbers_are_written_in_place_where_nobody_reads_the_old_ones() {
    let kernels = |n: &Network| compile(n, &Options::default()).predict.kernels;
    for n in [total(), crossed()] {
        let plan = compile(&n, &Options::default());
        let kept: Vec<_> = plan.predict.kept.iter().map(|(_, t)| *t).collect();
        let [kernel] = &plan.predict.kernels[..] else { panic!("one kernel does it") };
        assert!(kept.iter().all(|t| kernel.reads(*t)) && kernel.writes(kept[0]));
    }
    let turned = kernels(&turned());
    assert_eq!(turned.iter().filter(|k| k.name.starts_with("kept")).count(), 1, "{turned:?}");
}

/// A state that nothing of a program depends on is none of its business.
#[test]
fn programs_keep_only_what_they_need() {
    let mut n = total();
    let aside = n.keep("aside", &[5]);
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[5]));
    let sum = n.graph.add2(aside, x);
    n.kept_becomes(aside, sum);
    n.loss = Some(n.graph.reduce(Reduction::Sum, sum, &[0], false));
    let plan = compile(&n, &Options::default());
    let numbers = |s: &Schedule| s.kept.iter().map(|(k, _)| *k).collect::<Vec<_>>();
    assert_eq!((numbers(&plan.predict), numbers(plan.evaluate.as_ref().unwrap())), (vec![0], vec![1]));
    assert_eq!(plan.kept.iter().map(|k| (k.name.as_str(), k.offset)).collect::<Vec<_>>(), [("total", 0), ("aside", 5)]);
}
