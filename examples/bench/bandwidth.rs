//! Measures how near the kernels that only move memory come to the bandwidth of a copy: optimizers, elementwise operations,
//! normalization and its statistics, softmax, pooling, on tensors that no cache holds.
//!
//! ```text
//! cargo run --release --example bandwidth
//! RAYON_NUM_THREADS=1 cargo run --release --example bandwidth
//! ```
//!
//! Bytes are what the network's kernels have to read and to write, once each (the plan says what they are); what a store reads first is
//! not counted, neither for a copy nor for a kernel. A figure is the median of twelve passes. Beside it stands what the same kernel does
//! with tensors that the second-level cache holds: where that is hardly more, the kernel is bound by what it computes.

use std::time::Instant;

use nn::__private::Program;
use nn::__private::cpu::{Floats, Pass, StepUniform, Update, split_rows};

nn::network! {
    /// 12 million weights, which nothing but the optimizer touches here.
    network Adam {
        input  x: [1];
        target y: [6291456];
        fitted = x >> dense(6291456);
        output    values = fitted;
        loss      mse(fitted, y);
        optimizer adam(learning_rate = 1e-3);
    }

    /// The same with the smallest optimizer.
    network Sgd {
        input  x: [1];
        target y: [6291456];
        fitted = x >> dense(6291456);
        output    values = fitted;
        loss      mse(fitted, y);
        optimizer sgd(learning_rate = 1e-3);
    }

    /// One elementwise operation of two inputs.
    network Elementwise {
        input  x: [12544];
        input  z: [12544];
        output values = relu(x + z);
    }

    /// Several of them, fused.
    network Chain {
        input  x: [12544];
        input  z: [12544];
        output values = sigmoid(x) * z + tanh(z);
    }

    /// Each row by its own statistics.
    network LayerNorm {
        input  x: [49, 256];
        output values = x >> layer_norm;
    }

    /// Each row by its largest element and its sum.
    network Softmax {
        input  x: [49, 256];
        output values = softmax(x);
    }

    /// A quarter of what is read is written.
    network Pool {
        input  x: [16, 28, 28];
        output values = x >> max_pool2d(2);
    }

    /// Normalization by running statistics.
    network Normalize {
        input  x: [16, 28, 28];
        output values = x >> batch_norm >> relu;
    }

    /// Statistics of the batch, and their gradients.
    network BatchNorm {
        input  x: [16, 28, 28];
        target y: [16, 28, 28];
        normal = x >> batch_norm;
        output    values = normal;
        loss      mse(normal, y);
        optimizer sgd(learning_rate = 1e-3);
    }

    /// The same with random numbers.
    network Dropout {
        input  x: [16, 28, 28];
        target y: [16, 28, 28];
        normal = x >> batch_norm >> dropout(0.5);
        output    values = normal;
        loss      mse(normal, y);
        optimizer sgd(learning_rate = 1e-3);
    }
}

/// Samples of a pass: with 12,544 floats each, 49 MiB of each tensor.
const BATCH: usize = 1024;
/// Samples of a pass whose tensors stay in a processor's second-level cache.
const CACHED: usize = 4;
/// Floats of a sample.
const FLOATS: usize = 12_544;

fn main() -> nn::Result<()> {
    let device = nn::Device::cpu();
    let (from, mut to) = (vec![1.0_f32; FLOATS * BATCH], vec![0.0_f32; FLOATS * BATCH]);
    let copy = measure(2 * from.len(), 1, || {
        split_rows(from.len(), 16, 16, [(&mut to[..], 1)], &|first, rows, [to]| {
            to.copy_from_slice(&from[first..first + rows]);
        });
    });
    println!("copy                 {copy:6.1} GB/s");
    let part = |name: &str, speed: f64| format!("{name:20} {speed:6.1} GB/s, {:3.0} % of a copy", 100.0 * speed / copy);
    let report = |name: &str, speed: &dyn Fn(usize) -> nn::Result<f64>| -> nn::Result<()> {
        println!("{}; in the cache {:6.1} GB/s", part(name, speed(BATCH)?), speed(CACHED)?);
        Ok(())
    };

    println!("{}", part("adam", update(Adam::new(&device, 0)?.net.program(), 7)?));
    println!("{}", part("sgd", update(Sgd::new(&device, 0)?.net.program(), 3)?));
    let (sum, chain) = (Elementwise::new(&device, 0)?, Chain::new(&device, 0)?);
    report("x + z, relu", &|batch| predict(sum.net.program(), 3 * FLOATS, batch))?;
    report("sigmoid, tanh, …", &|batch| predict(chain.net.program(), 3 * FLOATS, batch))?;
    let (layer_norm, softmax) = (LayerNorm::new(&device, 0)?, Softmax::new(&device, 0)?);
    report("layer norm", &|batch| predict(layer_norm.net.program(), 2 * FLOATS, batch))?;
    report("softmax", &|batch| predict(softmax.net.program(), 2 * FLOATS, batch))?;
    let (pool, normalize) = (Pool::new(&device, 0)?, Normalize::new(&device, 0)?);
    report("max pool", &|batch| predict(pool.net.program(), FLOATS + FLOATS / 4, batch))?;
    report("normalize, relu", &|batch| predict(normalize.net.program(), 2 * FLOATS, batch))?;
    // Sum and deviation read the batch once each; gradients read it with the target, and so does the loss, sample by sample.
    let (batch_norm, dropout) = (BatchNorm::new(&device, 0)?, Dropout::new(&device, 0)?);
    report("batch norm", &|batch| train(batch_norm.net.program(), 6 * FLOATS, batch))?;
    report("dropout", &|batch| train(dropout.net.program(), 6 * FLOATS, batch))
}

fn step(batch: usize) -> StepUniform {
    StepUniform { batch: batch as u32, capacity: batch as u32, scalars: [1e-3; 16], ..StepUniform::default() }
}

/// The speed of an update that moves so many vectors of all parameters.
fn update(program: &Program, vectors: usize) -> nn::Result<f64> {
    let Some(update) = program.train.as_ref().and_then(|train| train.update) else { return Ok(f64::NAN) };
    let floats = program.parameter_floats;
    let (mut parameters, mut gradients) = (Floats::filled(0.1, floats)?, Floats::filled(0.2, floats)?);
    let mut states = program.states.iter().map(|_| Floats::filled(0.3, floats)).collect::<nn::Result<Vec<_>>>()?;
    let mut results = vec![0.0; program.train.as_ref().map_or(1, |train| train.result_floats)];
    let step = step(BATCH);
    Ok(measure(floats * vectors, 1, || {
        let (parameters, gradients, states) = (&mut parameters[..], &mut gradients[..], &mut states[..]);
        update(&mut Update { step: &step, parameters, gradients, states, arena: &mut [], results: &mut results });
    }))
}

/// The speed of predictions that move so many floats for each sample.
fn predict(program: &Program, floats: usize, batch: usize) -> nn::Result<f64> {
    let (schedule, step) = (&program.predict, step(batch));
    let mut arena = Floats::filled(0.5, schedule.fixed_floats + batch * schedule.sample_floats)?;
    let parameters = vec![1.0; program.parameter_floats];
    Ok(measure(floats * batch, BATCH / batch, || {
        let (parameters, arena) = (&parameters[..], &mut arena[..]);
        (schedule.pass)(&mut Pass {
            step: &step,
            parameters,
            loop_step: 0,
            gradients: &mut [],
            arena,
            results: &mut [],
        });
    }))
}

/// The speed of training passes that move so many floats for each sample.
fn train(program: &Program, floats: usize, batch: usize) -> nn::Result<f64> {
    let Some(schedule) = &program.train else { return Ok(f64::NAN) };
    let step = step(batch);
    let mut arena = Floats::filled(0.5, schedule.fixed_floats + batch * schedule.sample_floats)?;
    let parameters = vec![1.0; program.parameter_floats];
    let mut gradients = vec![0.0; program.parameter_floats];
    let mut results = vec![0.0; schedule.result_floats];
    Ok(measure(floats * batch, BATCH / batch, || {
        let (parameters, arena) = (&parameters[..], &mut arena[..]);
        let (gradients, results) = (&mut gradients[..], &mut results[..]);
        (schedule.pass)(&mut Pass { step: &step, parameters, loop_step: 0, gradients, arena, results });
    }))
}

/// The median speed in GB/s of what moves so many floats, and runs so many times in a row.
fn measure(floats: usize, times: usize, mut run: impl FnMut()) -> f64 {
    let mut speeds: Vec<f64> = (0..13)
        .map(|_| {
            let clock = Instant::now();
            (0..times).for_each(|_| run());
            4e-9 * (floats * times) as f64 / clock.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    speeds.sort_by(f64::total_cmp);
    speeds[speeds.len() / 2]
}
