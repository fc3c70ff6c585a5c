//! What is measured: networks with the data that they are fed, the same as on other frameworks.

use nn::Device;

nn::network! {
    block hidden_layers(x, width1, width2) {
        x >> dense(width1) >> relu >> dense(width2) >> relu
    }

    block convolution(x, filters, kernel, stride = 1) {
        x >> conv2d(filters, kernel, stride = stride, padding = (kernel - 1) / 2, bias = false) >> batch_norm
    }

    block residual(x, filters, stride = 1) {
        inner = x >> convolution(filters, 3, stride = stride) >> relu >> convolution(filters, 3);
        shortcut = if stride == 1 { x } else { x >> convolution(filters, 1, stride = stride) };
        relu(inner + shortcut)
    }

    /// A few hundred weights: nearly all of a step is overhead.
    network Curve {
        input  x: [1];
        target y: [1];
        fitted = x >> dense(16) >> tanh >> dense(16) >> tanh >> dense(1);
        output    curve = fitted;
        loss      mse(fitted, y);
        optimizer sgd(learning_rate = 0.1);
    }

    /// The classic network for handwritten digits.
    network Mlp {
        input  image: [784];
        target digit: class(10);
        logits = image >> hidden_layers(128, 64) >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, digit);
        optimizer adam(learning_rate = 1e-3);
    }

    /// Two convolutions: nearly all of a step is windows of few channels.
    network Cnn {
        input  image: [1, 28, 28];
        target digit: class(10);
        stem   = image >> conv2d(16, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2);
        body   = stem >> conv2d(32, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2);
        logits = body >> flatten >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, digit);
        optimizer adam(learning_rate = 1e-3);
    }

    /// ResNet-20 for CIFAR: 19 convolutions, each with a batch normalization.
    network Resnet {
        input  image: [3, 32, 32];
        target class_of_image: class(10);
        stem   = image >> convolution(16, 3) >> relu;
        stage1 = stem >> repeat(3, residual(16));
        stage2 = stage1 >> residual(32, stride = 2) >> repeat(2, residual(32));
        stage3 = stage2 >> residual(64, stride = 2) >> repeat(2, residual(64));
        logits = stage3 >> global_avg_pool >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, class_of_image);
        optimizer sgd(learning_rate = 0.01, momentum = 0.9);
    }

    /// Four blocks of a transformer over 128 characters: products, and attention between them.
    network Gpt {
        input  characters: class(96)[128];
        target next: class(96)[128];
        placed = characters >> embedding(128) >> position_embedding;
        blocks = placed >> repeat(4, |x| x >> transformer_encoder_layer(
            4, feedforward = 512, dropout = 0.0, causal = true, norm_first = true, activation = gelu
        ));
        logits = blocks >> layer_norm >> linear(96);
        output    scores = flatten(logits);
        loss      cross_entropy(logits, next);
        optimizer adamw(learning_rate = 1e-3);
    }

    /// An LSTM over 32 steps: products of a few thousand numbers, each of which waits for the one before.
    network Lstm {
        input  sequence: [32, 64];
        target digit: class(10);
        logits = sequence >> lstm(128) >> last >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, digit);
        optimizer adam(learning_rate = 1e-3);
    }

    /// 25 million weights: nearly all of a step is matrix products.
    network Wide {
        input  x: [1024];
        target y: [1024];
        fitted = x >> hidden_layers(4096, 4096) >> dense(1024);
        output    values = fitted;
        loss      mse(fitted, y);
        optimizer sgd(learning_rate = 0.01);
    }
}

/// A network, and how it is fed.
pub struct Workload {
    /// How the command line calls it.
    pub name: &'static str,
    /// How many samples a training step has, unless something else is asked for.
    pub batch: usize,
    /// What the compiler decided about it, as text.
    pub plan: fn() -> &'static str,
    /// The bytes that training with such batches takes, without data.
    pub planned_bytes: fn(usize) -> usize,
    /// Prepares training steps with batches of this size.
    pub train: fn(&Device, usize) -> nn::Result<Prepared>,
    /// Prepares predictions of one sample, each from the sample in memory to its result in memory.
    pub predict: fn(&Device) -> nn::Result<Prepared>,
    /// Prepares training steps with batches of this size, for trainers that are given so much to do.
    pub trainer: fn(&Device, usize) -> nn::Result<Box<Trained>>,
    /// Computes what two devices are compared by.
    pub outcome: fn(&Device, usize) -> nn::Result<Outcome>,
}

/// Plays so many training steps.
pub type Trained = dyn FnMut(Trainer, usize) -> nn::Result<()>;

/// What plays training steps.
#[derive(Clone, Copy, Debug)]
pub enum Trainer {
    /// Nothing but the steps, over samples in an order as that of an epoch.
    Bare,
    /// `fit` as it is: with its bar (on a terminal; else its lines), a shuffle for each epoch, and the history.
    Fit,
    /// The same, quiet.
    Quiet,
    /// `fit` with all that one would usually ask for: a line for each epoch, validation aside; early stopping that restores the best weights, a log, a learning
    /// rate for each step, a look for numbers that are none, Ctrl-C.
    Watched,
    /// The same, and a call after each step.
    EachBatch,
}

/// What a network computes from its first weights.
pub struct Outcome {
    /// Of a batch.
    pub predictions: Vec<f32>,
    /// Of a batch's loss, for all parameters one after another.
    pub gradients: Vec<f32>,
    /// Of the first steps of training.
    pub losses: Vec<f32>,
}

/// Samples in an order that nobody's memory expects: in strides of a prime number.
pub fn some_order(samples: usize) -> Vec<u32> {
    const PRIME: usize = 7_919;
    let stride = if samples.is_multiple_of(PRIME) { 1 } else { PRIME };
    (0..samples).map(|i| (i * stride % samples) as u32).collect()
}

/// Work that can be repeated.
pub struct Prepared {
    /// Does it so many times; gives the last loss, or the first number of the last prediction.
    pub run: Box<dyn FnMut(usize) -> nn::Result<f32>>,
    /// The bytes of data that it works on.
    pub data_bytes: usize,
    /// The bytes that kernels of training take for themselves.
    pub scratch_bytes: usize,
}

/// A workload of a network, from a function that makes so many samples and their targets.
macro_rules! workload {
    ($name:literal, $network:ident, $data:ident, batch $batch:literal, $samples:expr) => {
        $crate::workloads::Workload {
            name: $name,
            batch: $batch,
            plan: $network::plan,
            planned_bytes: $network::memory,
            train: |device, batch| {
                let (x, y) = $samples(batch);
                let copies = $crate::workloads::copies(device, size_of_val(&x[..]) + size_of_val(&y[..]));
                let data_bytes = copies * (size_of_val(&x[..]) + size_of_val(&y[..]));
                let data = $data::new(x.repeat(copies), y.repeat(copies))?;
                drop((x, y));
                let mut network = $network::new(device, 0)?;
                let scratch_bytes = network.scratch(batch)?;
                let run = move |steps: usize| {
                    let fit = |epochs| nn::Fit::default().epochs(epochs).batch_size(batch).shuffle(false).quiet();
                    let mut losses = Vec::new();
                    // A run keeps the losses of all its steps, so very many steps are several runs.
                    for steps in $crate::workloads::parts(steps, copies * (10_000 / copies)) {
                        losses = network.fit(&data, fit(steps / copies))?.step_losses;
                        if steps % copies > 0 {
                            losses = network.fit(&data, fit(1).steps_per_epoch(steps % copies))?.step_losses;
                        }
                    }
                    Ok(losses.last().copied().unwrap_or(f32::NAN))
                };
                Ok($crate::workloads::Prepared { run: Box::new(run), data_bytes, scratch_bytes })
            },
            trainer: |device, batch| {
                const BATCHES: usize = 200;
                use nn::__private::{Data, Dataset};
                let (x, y) = $samples(batch);
                let data = $data::new(x.repeat(BATCHES), y.repeat(BATCHES))?;
                let mut network = $network::new(device, 0)?;
                let order = $crate::workloads::some_order(batch * BATCHES);
                let log = std::env::temp_dir().join(format!("nn-bench-{}.csv", std::process::id()));
                // The same network and the same data for all: where they lie in memory counts for more than a trainer.
                Ok(Box::new(move |trainer, steps: usize| {
                    let fit = || nn::Fit::default().epochs(steps / BATCHES).batch_size(batch);
                    let watched = || {
                        fit()
                            .quiet()
                            .learning_rate(nn::LearningRate::one_cycle(1e-3, 1_000_000).per_step())
                            .early_stopping(
                                nn::EarlyStopping::on(|report: &<$data as Dataset>::Report| report.loss)
                                    .patience(1 << 30)
                                    .restore_best(),
                            )
                            .callback(nn::CsvLog::to(&log))
                            .stop_on_ctrl_c()
                            .on_non_finite(nn::OnNonFinite::Stop)
                            .on_epoch(|epoch, control| control.stop = epoch.train.loss.is_nan())
                    };
                    match trainer {
                        $crate::workloads::Trainer::Bare => {
                            let Data::Memory(set) = data.data() else { return Ok(()) };
                            return network.net.bare_steps(set, &order, batch, steps);
                        }
                        $crate::workloads::Trainer::Fit => network.fit(&data, fit())?,
                        $crate::workloads::Trainer::Quiet => network.fit(&data, fit().quiet())?,
                        $crate::workloads::Trainer::Watched => network.fit(&data, watched())?,
                        $crate::workloads::Trainer::EachBatch => {
                            let mut sum = 0.0;
                            network.fit(&data, watched().on_batch_end(|batch, _| sum += batch.report.loss))?
                        }
                    };
                    Ok(())
                }))
            },
            predict: |device| {
                let (x, _) = $samples(1);
                let data_bytes = size_of_val(&x[..]);
                let network = $network::new(device, 0)?;
                let run = move |times: usize| {
                    let mut first = f32::NAN;
                    for _ in 0..times {
                        first = network.predict(&x)?[0][0];
                    }
                    Ok(first)
                };
                Ok($crate::workloads::Prepared { run: Box::new(run), data_bytes, scratch_bytes: 0 })
            },
            outcome: |device, batch| {
                let (x, y) = $samples(batch);
                let mut network = $network::new(device, 0)?;
                let predictions = network.predict(&x)?.into_iter().flatten().collect();
                let data = $data::new(x, y)?;
                let all = network.gradients(&data)?;
                // What is no trained parameter has no gradient.
                let each = network.parameters().filter_map(|parameter| all.parameter(parameter.name).ok());
                let gradients = each.flatten().copied().collect();
                let fit = nn::Fit::default().epochs(5).batch_size(batch).shuffle(false).quiet();
                let losses = network.fit(&data, fit)?.step_losses;
                Ok($crate::workloads::Outcome { predictions, gradients, losses })
            },
        }
    };
}

/// The workloads that other frameworks are measured on, too.
pub static WORKLOADS: &[Workload] = &[
    workload!("curve", Curve, CurveData, batch 32, points),
    workload!("mlp", Mlp, MlpData, batch 64, |batch| (noise::<784>(batch), labels(batch))),
    workload!("cnn", Cnn, CnnData, batch 64, |batch| (noise::<784>(batch), labels(batch))),
    workload!("resnet", Resnet, ResnetData, batch 32, |batch| (noise::<3072>(batch), labels(batch))),
    workload!("lstm", Lstm, LstmData, batch 32, |batch| (noise::<2048>(batch), labels(batch))),
    workload!("gpt", Gpt, GptData, batch 16, |batch| (characters(batch, 0), characters(batch, 1))),
    workload!("wide", Wide, WideData, batch 256, |batch| (noise::<1024>(batch), noise::<1024>(batch))),
];

/// Over how many copies of a batch an epoch goes, so that its fixed costs do not count as a step's: as many as a
/// processor's cache holds; for a GPU, as many as are uploaded in no time.
pub fn copies(device: &Device, batch_bytes: usize) -> usize {
    let cache: usize = if device.is_gpu() { 16 << 20 } else { 64 << 10 };
    (cache / batch_bytes).clamp(1, 1000)
}

/// Cuts a number into parts of at most `most`.
pub fn parts(number: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..number).step_by(most).map(move |done| most.min(number - done))
}

/// Points of a sine.
fn points(count: usize) -> (Vec<f32>, Vec<f32>) {
    let last = (count - 1).max(1) as f32;
    let x: Vec<f32> = (0..count).map(|i| -1.0 + 2.0 * i as f32 / last).collect();
    let y = x.iter().map(|x| (3.0 * x).sin()).collect();
    (x, y)
}

/// Uniform in [-1, 1): the numbers that the measurements of other frameworks use, too.
pub fn noise<const N: usize>(rows: usize) -> Vec<[f32; N]> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..rows).map(|_| std::array::from_fn(|_| next())).collect()
}

/// The ten classes in turns.
fn labels(count: usize) -> Vec<u32> {
    (0..count as u32).map(|i| i % 10).collect()
}

/// Characters of a made-up text, from this place on.
fn characters(count: usize, from: usize) -> Vec<[u32; 128]> {
    let character = |at: usize| ((at * at + at / 7) % 96) as u32;
    (0..count).map(|row| std::array::from_fn(|i| character(row * 128 + i + from))).collect()
}
