//! Measures training steps: `bench WORKLOAD --device cpu|gpu --steps N` prints one line of JSON.
//!
//! ```text
//! cargo run --release --example bench -- mlp --device cpu --steps 2000
//! ```
//!
//! The data is fixed, synthetic and in memory; a step is forward, loss, backward and update. After the first step and a
//! second of warm-up, steps are timed in ten chunks of many steps each; losses are read once at the end of a chunk. The
//! median and the minimum are over chunks. The keys are:
//!
//! - `ms_per_step_median`, `ms_per_step_min`, and `steps`, the number of steps that were timed
//! - `first_step_ms`: from the start of the process to the end of its first step. The start is `PEERS_T0` (nanoseconds
//!   since 1970) if whoever starts the process sets it, else the beginning of `main`
//! - `peak_rss_mb`: the most memory the process held; null where the system does not say
//! - `first_loss` and `last_loss`

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Parser, ValueEnum};
use nn_examples::cli::DeviceChoice;
use nn_examples::process::peak_memory_mb;
use serde_json::Value;

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

/// Measures training steps.
#[derive(Debug, Parser)]
struct Options {
    /// What to train
    #[arg(value_enum)]
    workload: Workload,
    /// Where to train
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// How many steps to time; 0 for about four seconds of them, 1 for no warm-up
    #[arg(long, default_value_t = 0)]
    steps: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workload {
    /// 1-16-16-1 tanh, mean squared error, SGD, batch 32
    Curve,
    /// 784-128-64-10 relu, cross-entropy, Adam, batch 64
    Mlp,
    /// Two convolutions 5x5 (16, 32) with batch normalization, relu and max-pooling, dense 10, on 28 x 28, cross-entropy,
    /// Adam, batch 64
    Cnn,
    /// ResNet-20 on 32 x 32, cross-entropy, SGD with momentum, batch 32
    Resnet,
    /// 1024-4096-4096-1024 relu, mean squared error, SGD, batch 256
    Wide,
}

/// Trains for so many steps and gives the loss of each of them.
type Train = Box<dyn FnMut(usize) -> nn::Result<Vec<f32>>>;

/// A network that trains on one batch, again and again.
///
/// An epoch goes over `copies` copies of the batch, so that an epoch's fixed costs do not count as a step's.
macro_rules! train {
    ($network:ident, $data:ident, $device:expr, $copies:expr, $batch:expr, $x:expr, $y:expr) => {{
        let copies = $copies;
        let data = $data::new($x.repeat(copies), $y.repeat(copies))?;
        let mut network = $network::new($device, 0)?;
        Box::new(move |steps: usize| {
            let fit = |epochs| nn::Fit::default().epochs(epochs).batch_size($batch).shuffle(false).quiet();
            let mut losses = network.fit(&data, fit(steps / copies))?.step_losses;
            if steps % copies > 0 {
                let rest = data.slice(..steps % copies * $batch);
                losses.extend(network.fit(&rest, fit(1))?.step_losses);
            }
            Ok(losses)
        })
    }};
}

fn main() -> anyhow::Result<()> {
    let start = Instant::now();
    let options = Options::parse();
    let device = options.device.open()?;
    let mut train = workload(options.workload, &device)?;

    let first_loss = last(&train(1)?);
    let first_step_ms = since_start_ms(start);
    let steps = match options.steps {
        1 => 1,
        steps => {
            let estimate = warm_up(&mut train)?;
            if steps == 0 { (4.0 / estimate).clamp(10.0, 50_000.0) as usize } else { steps }
        }
    };
    let mut chunks = Vec::new();
    let (mut timed, mut last_loss) = (0, first_loss);
    while timed < steps {
        let clock = Instant::now();
        let losses = train((steps / 10).clamp(1, steps - timed))?;
        chunks.push(clock.elapsed().as_secs_f64() * 1e3 / losses.len() as f64);
        timed += losses.len();
        last_loss = last(&losses);
    }
    chunks.sort_by(f64::total_cmp);

    let line = [
        ("workload", Value::from(options.workload.to_possible_value().map(|value| value.get_name().to_owned()))),
        ("device", Value::from(if device.is_gpu() { "gpu" } else { "cpu" })),
        ("adapter", Value::from(device.name())),
        ("ms_per_step_median", rounded(chunks[chunks.len() / 2], 5)),
        ("ms_per_step_min", rounded(chunks[0], 5)),
        ("first_step_ms", rounded(first_step_ms, 3)),
        ("steps", Value::from(timed)),
        ("peak_rss_mb", peak_memory_mb().map_or(Value::Null, |mb| rounded(mb, 1))),
        ("first_loss", Value::from(first_loss)),
        ("last_loss", Value::from(last_loss)),
    ];
    let line = line.map(|(key, value)| format!("\"{key}\": {value}"));
    println!("{{{}}}", line.join(", "));
    Ok(())
}

/// Prepares a workload, as it is measured on other frameworks.
fn workload(workload: Workload, device: &nn::Device) -> nn::Result<Train> {
    // As many copies of a batch as a processor's cache holds; for a GPU, as many as are uploaded in no time.
    let cache: usize = if device.is_gpu() { 16 << 20 } else { 128 << 10 };
    let copies = |floats: usize| (cache / (4 * floats)).clamp(1, 1000);
    Ok(match workload {
        Workload::Curve => {
            let x = (0..32).map(|i| -1.0 + 2.0 * i as f32 / 31.0).collect::<Vec<_>>();
            let y = x.iter().map(|x| (3.0 * x).sin()).collect::<Vec<_>>();
            train!(Curve, CurveData, device, copies(32 * 2), 32, x, y)
        }
        Workload::Mlp => {
            let labels = (0..64).map(|i| i % 10).collect::<Vec<u32>>();
            train!(Mlp, MlpData, device, copies(64 * 785), 64, noise::<784>(64), labels)
        }
        Workload::Cnn => {
            let labels = (0..64).map(|i| i % 10).collect::<Vec<u32>>();
            train!(Cnn, CnnData, device, copies(64 * 785), 64, noise::<784>(64), labels)
        }
        Workload::Resnet => {
            let labels = (0..32).map(|i| i % 10).collect::<Vec<u32>>();
            train!(Resnet, ResnetData, device, copies(32 * 3073), 32, noise::<3072>(32), labels)
        }
        Workload::Wide => {
            train!(Wide, WideData, device, copies(256 * 2048), 256, noise::<1024>(256), noise::<1024>(256))
        }
    })
}

/// Trains for a second. Gives the seconds that a step takes.
fn warm_up(train: &mut Train) -> nn::Result<f64> {
    let clock = Instant::now();
    let mut steps = 0;
    while steps < 3 || (clock.elapsed() < Duration::from_secs(1) && steps < 100_000) {
        steps += train((steps / 2).max(1))?.len();
    }
    Ok(clock.elapsed().as_secs_f64() / steps as f64)
}

/// Uniform in [-1, 1): the numbers that the measurements of other frameworks use, too.
fn noise<const N: usize>(rows: usize) -> Vec<[f32; N]> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..rows).map(|_| std::array::from_fn(|_| next())).collect()
}

fn since_start_ms(main: Instant) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_nanos() as f64);
    let started = std::env::var("PEERS_T0").ok().and_then(|text| text.parse::<f64>().ok());
    started.map_or_else(|| main.elapsed().as_secs_f64() * 1e3, |started| (now - started) / 1e6)
}

fn last(losses: &[f32]) -> f32 {
    losses.last().copied().unwrap_or(f32::NAN)
}

fn rounded(value: f64, digits: i32) -> Value {
    let unit = 10f64.powi(digits);
    Value::from((value * unit).round() / unit)
}
