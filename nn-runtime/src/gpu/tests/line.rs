//! A network small enough to compute by hand: `p = w x`, mean squared error, SGD with momentum 0.5.
//!
//! It has what real ones have: two fields, a fixed zone and sample tensors in the arena, parameters that start at
//! offset 0 of a vector of 4, a state that does not start from zero, two results a step, a gradient of a field.

use crate::backend::Columns;
use crate::program::{
    Binding, Field, Initializer, Metric, MetricKind, Output, Parameter, Program, Schedule, Shader, StepScalar,
    StepUniform, Workgroups,
};

macro_rules! head {
    ($text:literal) => {
        concat!(
            "struct Step { batch: u32, capacity: u32, result: u32, seed: u32, step: u32, unused0: u32, unused1: u32, \
             unused2: u32, scalars: array<vec4<f32>, 4> }
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> arena: array<f32>;
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;
@group(0) @binding(5) var<storage, read_write> state0: array<f32>;
@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
    let i = (workgroup.x + workgroup.y * workgroups.x) * 4u + lane;
    let x = 4u;
    let y = 4u + step.capacity * 2u;
    let p = 4u + step.capacity * 3u;
    let dx = 4u + step.capacity * 4u;
",
            $text,
            "}"
        )
    };
}

const FORWARD: &str = head!(
    "if i < step.batch {
        arena[p + i] = parameters[0] * arena[x + 2u * i] + parameters[1] * arena[x + 2u * i + 1u];
    }"
);
/// The loss, and as a metric the sum of the samples' first numbers.
const LOSS: &str = head!(
    "if i == 0u {
        var loss = 0.0;
        var sum = 0.0;
        for (var s = 0u; s < step.batch; s++) {
            let d = arena[p + s] - arena[y + s];
            loss += d * d;
            sum += arena[x + 2u * s];
        }
        results[step.result] = loss * step.scalars[0].x;
        results[step.result + 1u] = sum;
    }"
);
const BACKWARD: &str = head!(
    "if i < 2u {
        var sum = 0.0;
        for (var s = 0u; s < step.batch; s++) {
            let d = 2.0 * (arena[p + s] - arena[y + s]) * step.scalars[0].x;
            sum += d * arena[x + 2u * s + i];
            arena[dx + 2u * s + i] = d * parameters[i];
        }
        gradients[i] = sum;
    }"
);
const UPDATE: &str = head!(
    "if i < 2u {
        state0[i] = 0.5 * state0[i] + gradients[i];
        parameters[i] -= step.scalars[0].y * state0[i];
    }"
);

const fn shader(name: &'static str, wgsl: &'static str, workgroups: &'static [Workgroups]) -> Shader {
    Shader {
        name,
        entry_point: "main",
        workgroup_size: [4, 1, 1],
        workgroup_bytes: 0,
        bindings: &[Binding::Step, Binding::Arena],
        workgroups,
        wgsl,
        variant: None,
    }
}

const EACH: &[Workgroups] = &[Workgroups { fixed: 0, per_sample: 1, points: 4 }];
const ONCE: &[Workgroups] = &[Workgroups { fixed: 1, per_sample: 0, points: 1 }];
pub(super) const SHADERS: [Shader; 4] = [
    shader("forward", FORWARD, EACH),
    shader("loss", LOSS, ONCE),
    shader("backward", BACKWARD, ONCE),
    shader("update", UPDATE, ONCE),
];

const fn schedule(
    fields: &'static [(usize, usize)],
    shaders: &'static [Shader],
    result_floats: usize,
    field_gradients: &'static [(usize, usize)],
) -> Schedule {
    let (outputs, update) = (&[3], None);
    Schedule {
        fixed_floats: 4,
        fixed_halves: 0,
        sample_halves: 0,
        sample_floats: 6,
        result_floats,
        result_sample_floats: 0,
        fields,
        kept: &[],
        outputs,
        field_gradients,
        shaders,
        more_shaders: &[],
        loops: &[],
        resident: None,
        pass: |_| (),
        update,
    }
}

/// The program.
pub(super) static LINE: Program = line("Line", SHADERS.split_at(1).0);

/// The program with other shaders to predict with.
pub(super) const fn line(name: &'static str, predict: &'static [Shader]) -> Program {
    Program {
        name,
        hash: 0,
        fields: &[Field { name: "x", dims: &[2], classes: None }, Field { name: "y", dims: &[], classes: None }],
        inputs: 1,
        parameters: &[Parameter {
            name: "w",
            dims: &[2],
            init: Initializer::Constant(0.0),
            offset: 0,
            trainable: true,
            zero_row: None,
        }],
        control: &[],
        skipped: None,
        non_finite: None,
        loss_terms: &[],
        sample_weight: None,
        parameter_floats: 4,
        trained_floats: 4,
        changed_floats: 4,
        ema: None,
        states: &[0.25],
        scalars: &[StepScalar::InverseBatch, StepScalar::LearningRate],
        learning_rate: Some(0.1),
        kept: &[],
        outputs: &[Output { name: "p", dims: &[] }],
        metrics: &[Metric { name: "sum", kind: MetricKind::Mean, offset: 1, len: 1, sample_offset: 0, sample_len: 0 }],
        predict: schedule(&[(0, 0)], predict, 0, &[]),
        evaluate: Some(schedule(&[(0, 0), (1, 2)], &[SHADERS[0], SHADERS[1]], 2, &[])),
        train: Some(schedule(&[(0, 0), (1, 2)], &SHADERS, 2, &[])),
        gradients: Some(schedule(&[(0, 0), (1, 2)], &[SHADERS[0], SHADERS[1], SHADERS[2]], 2, &[(0, 4)])),
        flops_per_sample: 4,
    }
}

/// A kernel of one workgroup.
pub(super) const fn odd(
    name: &'static str,
    wgsl: &'static str,
    workgroup_size: [u32; 3],
    workgroup_bytes: u32,
) -> Shader {
    Shader {
        name,
        entry_point: "main",
        workgroup_size,
        workgroup_bytes,
        bindings: &[],
        workgroups: ONCE,
        wgsl,
        variant: None,
    }
}

/// Data: `samples` points near `y = 0.5 x0 - 0.25 x1`.
pub(super) struct Points {
    pub(super) x: Vec<f32>,
    pub(super) y: Vec<f32>,
}

impl Points {
    pub(super) fn new(samples: usize) -> Self {
        let wave = |i: usize, k: f32| (i as f32 * k).sin();
        let x = (0..2 * samples).map(|i| wave(i, 0.7)).collect();
        let y =
            (0..samples).map(|i| 0.5 * wave(2 * i, 0.7) - 0.25 * wave(2 * i + 1, 0.7) + 0.1 * wave(i, 2.3)).collect();
        Self { x, y }
    }

    pub(super) fn columns(&self) -> Columns<'_> {
        Columns { fields: vec![&self.x, &self.y], samples: self.y.len() }
    }

    pub(super) fn inputs(&self) -> Columns<'_> {
        Columns { fields: vec![&self.x], samples: self.y.len() }
    }
}

/// Steps of these batches at learning rate 0.1.
pub(super) fn steps(batches: &[u32]) -> Vec<StepUniform> {
    let step = |(i, &batch): (usize, &u32)| {
        let mut step = StepUniform { batch, step: i as u32, ..StepUniform::default() };
        step.scalars[0] = 1.0 / batch as f32;
        step.scalars[1] = 0.1;
        step
    };
    batches.iter().enumerate().map(step).collect()
}

/// The network on the host, in f64.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Twin {
    pub(super) w: [f64; 2],
    pub(super) state: [f64; 2],
}

impl Twin {
    pub(super) fn new(w: [f64; 2]) -> Self {
        Self { w, state: [0.25; 2] }
    }

    pub(super) fn predict(&self, x: &[f32]) -> f64 {
        self.w[0] * f64::from(x[0]) + self.w[1] * f64::from(x[1])
    }

    /// The results of one batch, its gradients, and those of x.
    pub(super) fn gradients(&self, points: &Points, batch: &[u32]) -> ([f64; 2], [f64; 2], Vec<f64>) {
        let (mut results, mut gradients, mut dx) = ([0.0; 2], [0.0; 2], vec![]);
        for &s in batch {
            let x = &points.x[2 * s as usize..][..2];
            let d = self.predict(x) - f64::from(points.y[s as usize]);
            results[0] += d * d / batch.len() as f64;
            results[1] += f64::from(x[0]);
            let slope = 2.0 * d / batch.len() as f64;
            for ((gradient, w), &x) in gradients.iter_mut().zip(self.w).zip(x) {
                *gradient += slope * f64::from(x);
                dx.push(slope * w);
            }
        }
        (results, gradients, dx)
    }

    /// Trains on one batch and gives its results.
    pub(super) fn train(&mut self, points: &Points, batch: &[u32]) -> [f64; 2] {
        let (results, gradients, _) = self.gradients(points, batch);
        for ((w, state), gradient) in self.w.iter_mut().zip(&mut self.state).zip(gradients) {
            *state = 0.5 * *state + gradient;
            *w -= 0.1 * *state;
        }
        results
    }
}

/// Asserts that the device's numbers are the twin's, within what f32 sums can lose.
#[track_caller]
pub(super) fn close(device: &[f32], twin: &[f64]) {
    assert_eq!(device.len(), twin.len());
    for (i, (&d, &t)) in device.iter().zip(twin).enumerate() {
        assert!((f64::from(d) - t).abs() <= 1e-5 * t.abs().max(1.0), "number {i}: {d} on the device, {t} on the host");
    }
}
