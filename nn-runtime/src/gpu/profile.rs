//! Times by kernel, for those who ask, by `profile` or with `NN_PROFILE=1`: a timestamp behind each dispatch. wgpu puts a barrier between
//! dispatches, so what lies between two timestamps is one kernel's.

use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::context::Gpu;
use super::loaded::lock;
use crate::error::Result;
use crate::profile::{KernelRun, KernelTime, Ran};

const VARIABLE: &str = "NN_PROFILE";
/// Timestamps of one submission; later dispatches are not timed.
const TIMESTAMPS: u32 = wgpu::QUERY_SET_MAX_QUERIES;
/// Submissions whose times wait to be read; later ones are not timed.
const SUBMISSIONS: usize = 256;

/// What to ask a device for.
pub(super) fn wanted_features(adapter: wgpu::Features) -> wgpu::Features {
    let needed = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES;
    if adapter.contains(needed) {
        return needed;
    }
    if is_asked() {
        log::warn!("{VARIABLE} is set, but the device has no timestamps between dispatches");
    }
    wgpu::Features::empty()
}

/// Whether everything is to be timed.
fn is_asked() -> bool {
    std::env::var(VARIABLE).is_ok_and(|value| value == "1")
}

/// The timestamps of a device.
#[derive(Debug)]
pub(super) struct Profile {
    /// Whether dispatches are timed now.
    on: AtomicBool,
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    waiting: Mutex<Vec<Recorded>>,
}

/// The timestamps of a submission: one before the first kernel, one behind each.
#[derive(Debug)]
struct Recorded {
    kernels: Vec<&'static str>,
    ticks: wgpu::Buffer,
}

impl Profile {
    /// If the device has timestamps. To be called inside error scopes.
    pub(super) fn new(device: &wgpu::Device) -> Option<Self> {
        let features = device.features();
        if wanted_features(features).is_empty() || !features.contains(wanted_features(features)) {
            return None;
        }
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("profile"),
            ty: wgpu::QueryType::Timestamp,
            count: TIMESTAMPS,
        });
        let resolved = buffer(device, wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        Some(Self { on: is_asked().into(), queries, resolved, waiting: Mutex::default() })
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Times some work. What others wait for stays.
    pub(super) fn timed<T>(&self, gpu: &Gpu, work: impl FnOnce() -> Result<T>) -> Result<Vec<KernelRun>> {
        let others = mem::take(&mut *lock(&self.waiting));
        let before = self.on.swap(true, Ordering::Relaxed);
        let worked = work();
        self.on.store(before, Ordering::Relaxed);
        let recorded = mem::replace(&mut *lock(&self.waiting), others);
        worked?;
        pollster::block_on(runs(gpu, recorded))
    }

    /// Starts the clock at the beginning of a submission's pass.
    pub(super) fn start(&self, pass: &mut wgpu::ComputePass<'_>) -> Marks<'_> {
        pass.write_timestamp(&self.queries, 0);
        Marks { profile: self, kernels: Vec::new() }
    }

    /// Sums up what was recorded since the last call, by kernel, in order of their first run.
    pub(super) async fn times(&self, gpu: &Gpu) -> Result<Vec<KernelTime>> {
        let recorded = mem::take(&mut *lock(&self.waiting));
        let mut times: Vec<KernelTime> = Vec::new();
        for KernelRun { kernel, milliseconds, .. } in runs(gpu, recorded).await? {
            let Ran::Dispatch(kernel) = kernel else { continue };
            match times.iter_mut().find(|time| time.kernel == kernel) {
                Some(time) => {
                    time.dispatches += 1;
                    time.milliseconds += milliseconds;
                }
                None => times.push(KernelTime { kernel, dispatches: 1, milliseconds }),
            }
        }
        Ok(times)
    }
}

/// Reads timestamps back: every dispatch, in order.
async fn runs(gpu: &Gpu, recorded: Vec<Recorded>) -> Result<Vec<KernelRun>> {
    let period = f64::from(gpu.queue().get_timestamp_period()) * 1e-6;
    let mut runs = Vec::new();
    // Ticks count from some moment long ago, which a float could not hold beside them.
    let mut first = None;
    for Recorded { kernels, ticks } in recorded {
        let bytes = 8 * (kernels.len() as u64 + 1);
        let pending = gpu.submit(|_| ()).await?;
        gpu.mapped(pending, &ticks, bytes).await?;
        let view = ticks.get_mapped_range(0..bytes).map_err(|error| gpu.failed(&error.to_string()))?;
        let ticks: Vec<u64> = view.chunks_exact(8).filter_map(|b| b.try_into().ok().map(u64::from_ne_bytes)).collect();
        for (kernel, pair) in kernels.into_iter().zip(ticks.windows(2)) {
            let start = pair[0].saturating_sub(*first.get_or_insert(pair[0])) as f64 * period;
            let milliseconds = pair[1].saturating_sub(pair[0]) as f64 * period;
            runs.push(KernelRun { kernel: Ran::Dispatch(kernel), start, milliseconds });
        }
    }
    Ok(runs)
}

/// The timestamps of a pass that is being encoded.
pub(super) struct Marks<'a> {
    profile: &'a Profile,
    kernels: Vec<&'static str>,
}

impl Marks<'_> {
    /// Notes the end of a kernel that was dispatched just now.
    pub(super) fn mark(&mut self, pass: &mut wgpu::ComputePass<'_>, kernel: &'static str) {
        let query = self.kernels.len() as u32 + 1;
        if query < TIMESTAMPS {
            pass.write_timestamp(&self.profile.queries, query);
            self.kernels.push(kernel);
        }
    }

    /// Keeps the timestamps, once the pass has ended.
    pub(super) fn keep(self, device: &wgpu::Device, encoder: &mut wgpu::CommandEncoder) {
        let mut waiting = lock(&self.profile.waiting);
        if waiting.len() >= SUBMISSIONS {
            return;
        }
        let (count, resolved) = (self.kernels.len() as u32 + 1, &self.profile.resolved);
        let ticks = buffer(device, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        encoder.resolve_query_set(&self.profile.queries, 0..count, resolved, 0);
        encoder.copy_buffer_to_buffer(resolved, 0, &ticks, 0, 8 * u64::from(count));
        waiting.push(Recorded { kernels: self.kernels, ticks });
    }
}

fn buffer(device: &wgpu::Device, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let size = 8 * u64::from(TIMESTAMPS);
    device.create_buffer(&wgpu::BufferDescriptor { label: Some("profile"), size, usage, mapped_at_creation: false })
}
