//! A network by hand, as the macro would print it: `fitted = x >> dense(2)`, mean squared error, plain gradient descent.

use crate::cpu::{Pass, Update};
use crate::data::DataSet;
use crate::program::{
    Field, Initializer, Metric, MetricKind, Output, Parameter, Program, Schedule, StepScalar, StepUniform,
};

/// The arena holds x, y, and what the network makes of x; for each sample.
const X: usize = 0;
const Y: usize = 3;
const FITTED: usize = 5;
const SAMPLE: usize = 7;
const BIAS: usize = 8;

pub(crate) const FIELDS: &[Field] =
    &[Field { name: "x", dims: &[3], classes: None }, Field { name: "y", dims: &[2], classes: None }];

/// Layers `x >> dense(2)`, loss `mse(fitted, y)`, metrics `mae` and `r2`, optimizer `sgd(0.1)`.
pub(crate) static PROGRAM: Program = NETWORK;

pub(crate) const NETWORK: Program = Program {
    name: "Test",
    hash: 0x1234,
    fields: FIELDS,
    inputs: 1,
    parameters: &[
        Parameter {
            name: "dense.weight",
            dims: &[2, 3],
            init: Initializer::Uniform { low: -0.5, high: 0.5 },
            zero_row: None,
            offset: 0,
            trainable: true,
        },
        Parameter {
            name: "dense.bias",
            dims: &[2],
            init: Initializer::Constant(0.0),
            zero_row: None,
            offset: BIAS,
            trainable: true,
        },
    ],
    control: &[],
    skipped: None,
    non_finite: None,
    loss_terms: &[],
    sample_weight: None,
    parameter_floats: 12,
    trained_floats: 12,
    changed_floats: 12,
    ema: None,
    states: &[],
    scalars: &[StepScalar::InverseBatch, StepScalar::LearningRate],
    learning_rate: Some(0.1),
    kept: &[],
    outputs: &[Output { name: "fitted", dims: &[2] }],
    metrics: &[
        Metric { name: "mae", kind: MetricKind::Mean, offset: 1, len: 1, sample_offset: 0, sample_len: 0 },
        Metric { name: "r2", kind: MetricKind::R2, offset: 2, len: 6, sample_offset: 0, sample_len: 0 },
    ],
    predict: PREDICT,
    evaluate: Some(Schedule { pass: evaluate, update: None, ..TRAIN }),
    train: Some(TRAIN),
    gradients: Some(Schedule { pass: gradients, update: None, field_gradients: &[(0, X)], ..TRAIN }),
    flops_per_sample: 14,
};

pub(crate) const PREDICT: Schedule = Schedule {
    fields: &[(0, X)],
    outputs: &[FITTED],
    result_floats: 0,
    result_sample_floats: 0,
    pass: forward,
    update: None,
    field_gradients: &[],
    ..TRAIN
};

const TRAIN: Schedule = Schedule {
    fixed_floats: 4,
    fixed_halves: 0,
    sample_halves: 0,
    sample_floats: SAMPLE,
    result_floats: 8,
    result_sample_floats: 0,
    fields: &[(0, X), (1, Y)],
    kept: &[],
    outputs: &[],
    field_gradients: &[],
    shaders: &[],
    more_shaders: &[],
    loops: &[],
    resident: None,
    pass: train,
    update: Some(update),
};

fn at(step: &StepUniform, tensor: usize, size: usize, sample: usize) -> usize {
    4 + step.capacity as usize * tensor + sample * size
}

fn forward(pass: &mut Pass<'_>) {
    for sample in 0..pass.step.batch as usize {
        for o in 0..2 {
            let x = at(pass.step, X, 3, sample);
            let products = (0..3).map(|i| pass.parameters[o * 3 + i] * pass.arena[x + i]);
            pass.arena[at(pass.step, FITTED, 2, sample) + o] = products.sum::<f32>() + pass.parameters[BIAS + o];
        }
    }
}

fn evaluate(pass: &mut Pass<'_>) {
    forward(pass);
    let batch = pass.step.batch as usize;
    let pair = |sample: usize, o: usize| {
        let [y, fitted] = [Y, FITTED].map(|t| f64::from(pass.arena[at(pass.step, t, 2, sample) + o]));
        (y, fitted)
    };
    let mean = |o: usize, f: &dyn Fn(f64, f64) -> f64| {
        (0..batch).map(|s| pair(s, o)).map(|(y, fitted)| f(y, fitted)).sum::<f64>() / batch as f64
    };
    let mut results = [0.0; 8];
    for o in 0..2 {
        let target = mean(o, &|y, _| y);
        let error = mean(o, &|y, fitted| (y - fitted).powi(2));
        results[0] += error / 2.0;
        results[1] += mean(o, &|y, fitted| (y - fitted).abs()) / 2.0;
        results[2 + o] = error;
        results[4 + o] = target;
        results[6 + o] = mean(o, &|y, _| (y - target).powi(2));
    }
    for (slot, value) in pass.results.iter_mut().zip(results) {
        *slot = value as f32;
    }
}

fn train(pass: &mut Pass<'_>) {
    evaluate(pass);
    pass.gradients.fill(0.0);
    for sample in 0..pass.step.batch as usize {
        for o in 0..2 {
            let [y, fitted] = [Y, FITTED].map(|t| pass.arena[at(pass.step, t, 2, sample) + o]);
            let slope = (fitted - y) * pass.step.scalars[0];
            for i in 0..3 {
                pass.gradients[o * 3 + i] += slope * pass.arena[at(pass.step, X, 3, sample) + i];
            }
            pass.gradients[BIAS + o] += slope;
        }
    }
}

/// The gradient with respect to `x` takes the place of `x`.
fn gradients(pass: &mut Pass<'_>) {
    train(pass);
    for sample in 0..pass.step.batch as usize {
        let slopes = [0, 1].map(|o| {
            let [y, fitted] = [Y, FITTED].map(|t| pass.arena[at(pass.step, t, 2, sample) + o]);
            (fitted - y) * pass.step.scalars[0]
        });
        for i in 0..3 {
            let sum = slopes[0] * pass.parameters[i] + slopes[1] * pass.parameters[3 + i];
            pass.arena[at(pass.step, X, 3, sample) + i] = sum;
        }
    }
}

fn update(update: &mut Update<'_>) {
    let rate = update.step.scalars[1];
    update.parameters.iter_mut().zip(&*update.gradients).for_each(|(p, g)| *p -= rate * g);
}

/// Samples of y = (x0 - x1, 2 x2 + 1), with a little that no linear layer can fit.
pub(crate) fn data(samples: usize) -> DataSet {
    let x: Vec<[f32; 3]> =
        (0..samples).map(|i| [i * 7 % 11, i * 5 % 13, i * 3 % 7].map(|v| v as f32 / 6.0 - 1.0)).collect();
    let y: Vec<[f32; 2]> = x.iter().map(|[a, b, c]| [a - b + 0.1 * a * c, 2.0 * c + 1.0]).collect();
    let data = DataSet::new(FIELDS).with::<f32, 3, [f32; 3]>(x).and_then(|d| d.with::<f32, 2, [f32; 2]>(y));
    data.expect("as many of both")
}
