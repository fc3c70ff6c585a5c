//! Measures training steps and predictions: `bench WORKLOAD --device cpu|gpu --steps N` prints one line of JSON.
//!
//! ```text
//! cargo run --release --example bench -- mlp --device cpu --steps 2000
//! cargo run --release --example bench -- mlp --device cpu --inference
//! cargo run --release --example bench -- mlp --agreement
//! cargo run --release --example bench -- mlp --trainer
//! NN_PROFILE=1 cargo run --release --example bench -- mlp --device gpu --steps 10 --profile
//! cargo run --release --example bench -- mlp --plan
//! cargo run --release --example bench --features nn-examples/sizes -- width-2048
//! ```
//!
//! The data is fixed, synthetic and in memory; a step is forward, loss, backward and update; with `--inference` it is a
//! prediction of one sample, from the sample in memory to the result in memory. After the first step and a second of
//! warm-up, steps are timed in ten chunks of many steps each; losses are read once at the end of a chunk. The median and the
//! minimum are over chunks. The keys are:
//!
//! - `workload`, `mode` (`train` or `inference`), `batch`, `device` and `adapter`
//! - `ms_per_step_median`, `ms_per_step_min`, and `steps`, the number of steps that were timed
//! - `first_step_ms`: from the start of the process to the end of its first step. The start is `PEERS_T0` (nanoseconds
//!   since 1970) if whoever starts the process sets it, else the beginning of `main`
//! - `peak_rss_mb`: the most memory the process held; null where the system does not say
//! - `growth_mb`: how much of it came after the beginning of `main`
//! - `planned_mb`: what was to be expected of that, for training on the CPU: the network's plan, the scratch of its kernels, and the data
//! - `scratch_mb`: how much of that is scratch
//! - `first_loss` and `last_loss`; of predictions, the first number of the result
//!
//! MB are 2^20 bytes.

mod agreement;
mod options;
#[macro_use]
mod workloads;
#[cfg(feature = "sizes")]
mod sizes;
mod trainer;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use nn::KernelTime;
use nn_examples::process::{memory_mb, peak_memory_mb};
use options::Options;
use serde_json::Value;
use workloads::{Prepared, WORKLOADS, Workload};

fn main() -> anyhow::Result<()> {
    let start = Instant::now();
    let memory_before = memory_mb();
    let Some(options) = Options::read(workloads().map(|workload| workload.name))? else { return Ok(()) };
    let workload = workloads().find(|workload| workload.name == options.workload);
    let workload =
        workload.with_context(|| format!("there is no workload `{}`; `--help` lists them", options.workload))?;
    let batch = if options.inference { 1 } else { options.batch.unwrap_or(workload.batch) };
    ensure!(batch > 0, "a batch needs a sample");
    if options.plan {
        print_plan(workload, batch);
        return Ok(());
    }

    if options.trainer {
        println!("{}", trainer::line(workload, &options.device.open()?, batch, options.steps)?);
        return Ok(());
    }
    if options.agreement {
        println!("{}", agreement::line(workload, batch)?);
        return Ok(());
    }

    let device = options.device.open()?;
    let Prepared { mut run, data_bytes, scratch_bytes } =
        if options.inference { (workload.predict)(&device)? } else { (workload.train)(&device, batch)? };
    let first_loss = run(1)?;
    let first_step_ms = since_start_ms(start);
    let steps = match options.steps {
        1 => 1,
        steps => {
            let estimate = warm_up(&mut run)?;
            if steps == 0 { (4.0 / estimate).clamp(10.0, 5e6) as usize } else { steps }
        }
    };
    device.kernel_times()?; // those of the warm-up
    let mut chunks = Vec::new();
    let (mut timed, mut last_loss) = (0, first_loss);
    while timed < steps {
        let chunk = (steps / 10).clamp(1, steps - timed);
        let clock = Instant::now();
        last_loss = run(chunk)?;
        chunks.push(clock.elapsed().as_secs_f64() * 1e3 / chunk as f64);
        timed += chunk;
    }
    chunks.sort_by(f64::total_cmp);
    if options.profile {
        print_profile(&device, timed)?;
    }

    let peak = peak_memory_mb();
    let growth = peak.zip(memory_before).map(|(peak, before)| peak - before);
    let planned = mb((workload.planned_bytes)(batch) + scratch_bytes + data_bytes);
    let memory = |mb: Option<f64>| mb.map_or(Value::Null, |mb| rounded(mb, 1));
    let line = [
        ("workload", Value::from(workload.name)),
        ("mode", Value::from(if options.inference { "inference" } else { "train" })),
        ("batch", Value::from(batch)),
        ("device", Value::from(if device.is_gpu() { "gpu" } else { "cpu" })),
        ("adapter", Value::from(device.name())),
        ("ms_per_step_median", rounded(chunks[chunks.len() / 2], 7)),
        ("ms_per_step_min", rounded(chunks[0], 7)),
        ("first_step_ms", rounded(first_step_ms, 3)),
        ("steps", Value::from(timed)),
        ("peak_rss_mb", memory(peak)),
        ("growth_mb", memory(growth)),
        ("planned_mb", memory((!options.inference).then_some(planned))),
        ("scratch_mb", memory((!options.inference).then_some(mb(scratch_bytes)))),
        ("first_loss", Value::from(first_loss)),
        ("last_loss", Value::from(last_loss)),
    ];
    let line = line.map(|(key, value)| format!("\"{key}\": {value}"));
    println!("{{{}}}", line.join(", "));
    Ok(())
}

/// Everything that can be measured.
fn workloads() -> impl Iterator<Item = &'static Workload> {
    #[cfg(feature = "sizes")]
    let more = sizes::WORKLOADS.iter().copied();
    #[cfg(not(feature = "sizes"))]
    let more = std::iter::empty();
    WORKLOADS.iter().chain(more)
}

fn print_plan(workload: &Workload, batch: usize) {
    println!("{}", (workload.plan)().trim_end());
    println!("\nmemory of training with batches of {batch}: {:.1} MB", mb((workload.planned_bytes)(batch)));
}

/// A line for each kernel, the longest first.
fn print_profile(device: &nn::Device, steps: usize) -> anyhow::Result<()> {
    let mut times = device.kernel_times()?;
    ensure!(!times.is_empty(), "there are no times: this takes a GPU with timestamps, and `NN_PROFILE=1`");
    times.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    let all: f64 = times.iter().map(|time| time.milliseconds).sum();
    println!("| kernel | a dispatch, µs | dispatches in {steps} steps | share |\n|---|---:|---:|---:|");
    for KernelTime { kernel, dispatches, milliseconds } in times {
        let (each, share) = (milliseconds * 1e3 / dispatches as f64, 100.0 * milliseconds / all);
        println!("| {kernel} | {each:.2} | {dispatches} | {share:.1} % |");
    }
    Ok(())
}

/// Runs for a second. Gives the seconds that a step takes.
fn warm_up(run: &mut impl FnMut(usize) -> nn::Result<f32>) -> nn::Result<f64> {
    let clock = Instant::now();
    let mut steps: usize = 0;
    while steps < 3 || (clock.elapsed() < Duration::from_secs(1) && steps < 5_000_000) {
        let more = (steps / 2).max(1);
        run(more)?;
        steps += more;
    }
    Ok(clock.elapsed().as_secs_f64() / steps as f64)
}

fn since_start_ms(main: Instant) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_nanos() as f64);
    let started = std::env::var("PEERS_T0").ok().and_then(|text| text.parse::<f64>().ok());
    started.map_or_else(|| main.elapsed().as_secs_f64() * 1e3, |started| (now - started) / 1e6)
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn rounded(value: f64, digits: i32) -> Value {
    let unit = 10f64.powi(digits);
    Value::from((value * unit).round() / unit)
}
