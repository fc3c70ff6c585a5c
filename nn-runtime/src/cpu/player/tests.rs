//! A program written by hand, as the macro would print it: y = w x, loss = mean (w x - t)², plain gradient descent.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::backend::unheard;
use crate::cpu::memory::disjoint;
use crate::program::{Field, Output};

const WIDTH: usize = 3;

/// The largest batch that a prediction has seen.
static LARGEST: AtomicUsize = AtomicUsize::new(0);

const fn field(name: &'static str) -> Field {
    Field { name, dims: &[WIDTH], classes: None }
}

fn predict(cx: &mut Pass<'_>) {
    let (batch, capacity) = (cx.step.batch as usize, cx.step.capacity as usize);
    assert!(capacity >= batch && capacity.is_multiple_of(4));
    LARGEST.fetch_max(batch, Ordering::Relaxed);
    let (x, y) = (5..5 + batch * WIDTH, 5 + capacity * WIDTH..5 + capacity * WIDTH + batch * WIDTH);
    let [x, y] = disjoint(cx.arena, [x, y]);
    for (x, y) in x.iter().zip(y) {
        *y = cx.parameters[0] * x;
    }
}

fn losses(cx: &mut Pass<'_>) {
    let (batch, capacity) = (cx.step.batch as usize, cx.step.capacity as usize);
    let (x, t) = (0..batch * WIDTH, capacity * WIDTH..capacity * WIDTH + batch * WIDTH);
    let [x, t] = disjoint(cx.arena, [x, t]);
    let scale = 1.0 / (batch * WIDTH) as f32;
    let errors = x.iter().zip(&*t).map(|(x, t)| (*x, cx.parameters[0] * *x - *t));
    cx.results[0] = errors.clone().map(|(_, e)| e * e).sum::<f32>() * scale;
    if let Some(gradient) = cx.gradients.first_mut() {
        *gradient = errors.map(|(x, e)| 2.0 * e * x).sum::<f32>() * scale;
        // The gradient with respect to the input lies where the input was.
        x.copy_from_slice(&vec![cx.step.seed as f32; batch * WIDTH]);
    }
}

fn update(cx: &mut Update<'_>) {
    cx.parameters[0] -= 0.1 * cx.gradients[0];
    cx.states[0][0] += 1.0;
}

const TRAINING: Schedule = Schedule {
    fixed_floats: 0,
    fixed_halves: 0,
    sample_halves: 0,
    sample_floats: 2 * WIDTH,
    result_floats: 1,
    result_sample_floats: 0,
    fields: &[(0, 0), (1, WIDTH)],
    kept: &[],
    outputs: &[],
    field_gradients: &[(0, 0)],
    shaders: &[],
    more_shaders: &[],
    loops: &[],
    resident: None,
    pass: losses,
    update: Some(update),
};

static PROGRAM: Program = NETWORK;

const NETWORK: Program = Program {
    name: "line",
    hash: 0,
    fields: &[field("x"), field("t")],
    inputs: 1,
    parameters: &[],
    control: &[],
    skipped: None,
    non_finite: None,
    loss_terms: &[],
    sample_weight: None,
    parameter_floats: 4,
    trained_floats: 4,
    changed_floats: 4,
    ema: None,
    states: &[7.0],
    scalars: &[],
    learning_rate: Some(0.1),
    kept: &[],
    outputs: &[Output { name: "y", dims: &[WIDTH] }],
    metrics: &[],
    predict: Schedule {
        fixed_floats: 5,
        fields: &[(0, 0)],
        kept: &[],
        outputs: &[WIDTH],
        field_gradients: &[],
        pass: predict,
        update: None,
        ..TRAINING
    },
    evaluate: Some(Schedule { update: None, ..TRAINING }),
    train: Some(TRAINING),
    gradients: Some(Schedule { update: None, ..TRAINING }),
    flops_per_sample: 3,
};

fn backend() -> CpuBackend {
    let mut backend = CpuBackend::new(&PROGRAM).unwrap();
    backend.set_parameters(&[3.0, 0.0, 0.0, 0.0]).unwrap();
    backend
}

fn inputs(samples: usize) -> Vec<f32> {
    (0..samples * WIDTH).map(|i| (i % 17) as f32 * 0.25 - 2.0).collect()
}

fn step(batch: usize) -> StepUniform {
    StepUniform { batch: batch as u32, ..StepUniform::default() }
}

#[test]
fn any_number_of_samples_is_predicted_in_chunks() {
    let backend = backend();
    for samples in [0, 1, 2, 5, 255, 256, 257, 1000] {
        let x = inputs(samples);
        let y = backend.predict(Columns { fields: vec![&x], samples }, step(0), &mut []).unwrap();
        assert_eq!(y, [x.iter().map(|x| 3.0 * x).collect::<Vec<_>>()]);
    }
    assert_eq!(LARGEST.load(Ordering::Relaxed), CHUNK);
}

#[test]
fn many_threads_predict_at_once() {
    let backend = backend();
    std::thread::scope(|scope| {
        for samples in 1..9 {
            let backend = &backend;
            scope.spawn(move || {
                let x = inputs(samples * 50);
                for _ in 0..100 {
                    let data = Columns { fields: vec![&x], samples: samples * 50 };
                    assert!(
                        backend.predict(data, step(0), &mut []).unwrap()[0].iter().zip(&x).all(|(y, x)| *y == 3.0 * x)
                    );
                }
            });
        }
    });
}

/// Steps of these sizes, over samples in backward order.
fn run(batches: &[usize], f: impl FnOnce(Steps<'_>)) {
    let samples: usize = batches.iter().sum();
    let (x, t) = (inputs(samples), vec![1.0; samples * WIDTH]);
    let data = Resident::Host(Columns { fields: vec![&x, &t], samples });
    let order: Vec<u32> = (0..samples as u32).rev().collect();
    let steps: Vec<StepUniform> = batches.iter().map(|&b| step(b)).collect();
    f(Steps { data: &data, order: &order, steps: &steps });
}

#[test]
fn steps_of_any_size_gather_their_samples_and_update() {
    let mut backend = backend();
    let batches = [4, 1, 7, 64, 3];
    run(&batches, |steps| {
        let (mut results, mut heard) = (vec![9.0], vec![]);
        backend
            .train(steps, &mut [], &mut results, &mut |n, known| {
                heard.push((n, known.len()));
                ControlFlow::Continue(())
            })
            .unwrap();
        // The same by hand.
        let (mut w, mut first) = (3.0_f32, batches.iter().sum::<usize>());
        let x = inputs(first);
        assert_eq!(results.len(), 6, "results are appended");
        for (batch, loss) in batches.into_iter().zip(&results[1..]) {
            let samples: Vec<f32> =
                (first - batch..first).rev().flat_map(|i| x[i * WIDTH..(i + 1) * WIDTH].to_vec()).collect();
            first -= batch;
            let n = samples.len() as f32;
            let expected = samples.iter().map(|x| (w * x - 1.0) * (w * x - 1.0)).sum::<f32>() / n;
            assert!((loss - expected).abs() < 1e-4 * expected, "{loss} for {expected}");
            w -= 0.1 * samples.iter().map(|x| 2.0 * (w * x - 1.0) * x).sum::<f32>() / n;
        }
        assert!((backend.parameters().unwrap()[0] - w).abs() < 1e-4);
        assert_eq!(backend.states[0][..], [12.0, 7.0, 7.0, 7.0]);
        assert_eq!(heard.last(), Some(&(5, 5)), "progress hears of the last step and of all results");
    });
}

#[test]
fn a_run_that_is_broken_off_has_done_whole_steps_and_says_how_many() {
    let mut backend = backend();
    run(&[2; 1000], |steps| {
        let mut results = vec![];
        let ended = backend.train(steps, &mut [], &mut results, &mut |_, _| ControlFlow::Break(())).unwrap();
        assert!((1..1000).contains(&ended), "{ended}");
        assert_eq!(results.len(), ended);
        let rest = Steps { order: &steps.order[2 * ended..], steps: &steps.steps[ended..], ..steps };
        assert_eq!(backend.train(rest, &mut [], &mut results, &mut unheard).unwrap(), 1000 - ended);
        let (mut whole, mut expected) = (self::backend(), vec![]);
        whole.train(steps, &mut [], &mut expected, &mut unheard).unwrap();
        assert_eq!(results, expected, "bit for bit");
        assert_eq!(backend.parameters[..], whole.parameters[..]);
    });
}

#[test]
fn evaluation_changes_nothing() {
    let backend = backend();
    run(&[5, 2], |steps| {
        let mut results = vec![];
        backend.evaluate(steps, &mut [], &mut results).unwrap();
        let x = inputs(7);
        let loss = |x: &[f32]| x.iter().map(|x| (3.0 * x - 1.0) * (3.0 * x - 1.0)).sum::<f32>() / x.len() as f32;
        assert!((results[0] - loss(&x[6..])).abs() < 1e-4);
        assert!((results[1] - loss(&x[..6])).abs() < 1e-4);
    });
    assert_eq!(backend.parameters().unwrap()[0], 3.0);
}

#[test]
fn gradients_of_a_batch() {
    let x = inputs(2);
    let t = vec![1.0; 6];
    let uniform = StepUniform { seed: 5, ..step(2) };
    let g = backend().gradients(Columns { fields: vec![&x, &t], samples: 2 }, uniform, &[]).unwrap();
    let expected = x.iter().map(|x| 2.0 * (3.0 * x - 1.0) * x).sum::<f32>() / 6.0;
    assert!((g.parameters[0] - expected).abs() < 1e-4);
    assert_eq!(g.fields, [(0, vec![5.0; 6])]);
}

#[test]
fn a_program_that_does_not_exist_is_an_error() {
    static PREDICTION: Program = Program { train: None, ..NETWORK };
    let mut backend = CpuBackend::new(&PREDICTION).unwrap();
    run(&[1], |steps| {
        let error = backend.train(steps, &mut [], &mut vec![], &mut unheard).unwrap_err().to_string();
        assert!(error.contains("`line`"), "{error}");
    });
}
