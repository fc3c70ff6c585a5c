//! Measuring the texts of large contractions on the device, for those who ask (`Device::tuned`, `NN_TUNE=1`).
//!
//! It happens when a schedule's kernels are made for its first run, in that run's own memory, which holds nothing yet: kernels
//! with several texts write to the arena and to the gradients only. What was found is kept on disk beside the compiled
//! pipelines, for the device, its driver, the texts and the size of the batch (its next power of two), and is read back in the
//! place of measuring. Texts of one dispatch give the same bits, so neither a wrong measurement nor a lost file changes a result.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::budget::spread;
use super::cache;
use super::context::Gpu;
use super::lane::{Lane, Slot};
use super::loaded::Loaded;
use super::pipelines;
use crate::error::Result;
use crate::program::{Schedule, Shader, StepUniform};

const VARIABLE: &str = "NN_TUNE";
/// How long one measurement of a text takes, if a dispatch is shorter.
const LONG_ENOUGH: Duration = Duration::from_millis(2);
/// The most dispatches in one measurement.
const MOST: u32 = 64;
/// Measurements of each text, of which the least counts.
const ROUNDS: usize = 3;

/// Whether the environment asks for it.
pub(super) fn is_asked_for() -> bool {
    std::env::var(VARIABLE).is_ok_and(|value| value == "1")
}

/// The fastest text of each dispatch for batches as large as the lane.
pub(super) async fn measured(
    loaded: &Loaded,
    schedule: &'static Schedule,
    lane: &Lane,
) -> Result<Vec<&'static Shader>> {
    let gpu = loaded.gpu();
    // There is no clock to measure by.
    if cfg!(target_arch = "wasm32") {
        return Ok(gpu.shaders(schedule).collect());
    }
    let mut known = Known::read(gpu);
    let mut chosen = vec![];
    for dispatch in schedule.dispatches() {
        let texts = gpu.candidates(dispatch);
        if let [one] = texts[..] {
            chosen.push(one);
            continue;
        }
        let key = key(&texts, lane.size.capacity);
        let kept = known.choices.get(&key).and_then(|name| texts.iter().find(|text| name_of(text) == name));
        if let Some(kept) = kept {
            chosen.push(kept);
            continue;
        }
        let best = fastest(loaded, lane, &texts).await?;
        known.add(key, name_of(best));
        chosen.push(best);
    }
    known.write();
    Ok(chosen)
}

/// Dispatches each of these texts of a kernel some times; gives the fastest.
async fn fastest(loaded: &Loaded, lane: &Lane, texts: &[&'static Shader]) -> Result<&'static Shader> {
    let gpu = loaded.gpu();
    let batch = lane.size.capacity;
    let step = StepUniform { batch: batch as u32, capacity: batch as u32, ..StepUniform::default() };
    let slot = Slot { step, ..Slot::default() };
    gpu.scoped("a table of steps", || gpu.queue().write_buffer(&lane.slots, 0, bytemuck::bytes_of(&slot))).await?;
    let pipelines = pipelines::compile(gpu, texts, batch).await?;
    let axis = gpu.limits().max_compute_workgroups_per_dimension;
    let time = async |text: usize, times: u32| -> Result<Duration> {
        let workgroups = spread(texts[text].count(batch), axis).unwrap_or((1, 1));
        let start = Instant::now();
        let encode = |encoder: &mut wgpu::CommandEncoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_bind_group(0, &lane.group, &[0]);
            pass.set_pipeline(&pipelines[text]);
            (0..times).for_each(|_| pass.dispatch_workgroups(workgroups.0, workgroups.1, 1));
        };
        let pending = gpu.submit(encode).await?;
        gpu.finished(pending).await?;
        Ok(start.elapsed() / times)
    };
    let mut least = vec![Duration::MAX; texts.len()];
    let mut times = vec![1; texts.len()];
    for (text, times) in times.iter_mut().enumerate() {
        // The first dispatch pays for what drivers put off.
        time(text, 1).await?;
        let once = time(text, 1).await?;
        *times = (LONG_ENOUGH.as_secs_f64() / once.as_secs_f64().max(1e-6)).ceil().clamp(1.0, f64::from(MOST)) as u32;
    }
    for _ in 0..ROUNDS {
        for (text, least) in least.iter_mut().enumerate() {
            *least = time(text, times[text]).await?.min(*least);
        }
    }
    loaded.counts.measured.fetch_add(texts.len() as u64, Relaxed);
    let best = (0..texts.len()).min_by_key(|&text| least[text]).unwrap_or(0);
    let all = texts.iter().zip(&least).map(|(text, time)| format!("{} {time:.2?}", name_of(text)));
    log::info!("{} with {batch} samples: {}", texts[0].name, all.collect::<Vec<_>>().join(", "));
    Ok(texts[best])
}

/// What a text is called among those of its dispatch.
fn name_of(text: &Shader) -> &'static str {
    text.variant.map_or("first", |variant| variant.name)
}

/// What a choice is kept under: the texts, and about how large the batch is.
fn key(texts: &[&'static Shader], batch: usize) -> u64 {
    let all: Vec<&str> = texts.iter().map(|text| text.wgsl).collect();
    cache::hash(format!("{}\n{}", all.join("\n"), batch.next_power_of_two()).as_bytes())
}

/// What was measured so far on a device, here and by earlier processes.
struct Known {
    file: Option<PathBuf>,
    choices: HashMap<u64, String>,
    /// Choices that are not in the file yet.
    new: Vec<(u64, String)>,
}

/// What a file holds.
fn choices(file: &Path) -> HashMap<u64, String> {
    let line = |line: &str| -> Option<(u64, String)> {
        let (key, name) = line.split_once(' ')?;
        Some((u64::from_str_radix(key, 16).ok()?, name.to_owned()))
    };
    let text = cache::read(file).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(line).collect()
}

impl Known {
    fn read(gpu: &Gpu) -> Self {
        let file = cache::file(gpu.device(), "choices");
        let choices = file.as_deref().map(choices).unwrap_or_default();
        Self { file, choices, new: vec![] }
    }

    fn add(&mut self, key: u64, name: &str) {
        self.choices.insert(key, name.to_owned());
        self.new.push((key, name.to_owned()));
    }

    fn write(self) {
        let Some(file) = self.file.as_deref().filter(|_| !self.new.is_empty()) else { return };
        // With what others have measured meanwhile.
        let mut all = choices(file);
        all.extend(self.new);
        let mut lines: Vec<String> = all.iter().map(|(key, name)| format!("{key:016x} {name}\n")).collect();
        lines.sort_unstable();
        if let Err(error) = cache::write(file, lines.concat().as_bytes()) {
            log::warn!("{}: what was measured is not kept: {error}", file.display());
        }
    }
}
