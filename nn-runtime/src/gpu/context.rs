//! A device and its queue, and the one place where wgpu's errors become values.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::adapter::{self, Adapter};
use super::cache::{self, Cache};
use super::pipelines::Layouts;
use super::profile::{self, Profile};
use super::signal::{Signal, signal};
use super::tune;
use super::variants::{self, Choice};
use crate::error::{Error, Result};
use crate::profile::{KernelRun, KernelTime};

/// A GPU that networks can live on. Cloning it is cheap, and all clones are the same device.
#[derive(Clone, Debug)]
pub struct Gpu(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    device: wgpu::Device,
    queue: wgpu::Queue,
    adapter: Adapter,
    /// What the device was asked for, if not by the user.
    opened_from: Option<wgpu::Adapter>,
    limits: wgpu::Limits,
    layouts: Layouts,
    choice: Choice,
    /// Whether texts of large contractions are measured.
    tuned: AtomicBool,
    /// Where the API gives compiled pipelines out.
    cache: Option<Cache>,
    /// If somebody asked for it.
    profile: Option<Profile>,
    /// Why the device was lost, if it was and if we heard of it.
    lost: Arc<Mutex<Option<String>>>,
}

/// Work that was handed to the device.
#[derive(Debug)]
pub(super) struct Pending {
    submission: wgpu::SubmissionIndex,
    /// Comes in a browser only. Elsewhere it might wait for later work, which nobody waits for: callbacks hang on whatever
    /// was submitted last when they were set, and other threads (or the device's owner) submit too.
    done: Option<Signal<()>>,
}

impl Gpu {
    /// The machine's fastest GPU. A software adapter counts as one; see [`Gpu::is_software`].
    pub fn new() -> Result<Self> {
        pollster::block_on(Self::request())
    }

    /// [`Gpu::new`] for those who cannot block.
    pub async fn request() -> Result<Self> {
        let adapter = adapter::best().await?;
        let features = profile::wanted_features(adapter.features())
            | cache::wanted_features(adapter.features())
            | variants::wanted_features(&adapter);
        let limits = adapter::wanted_limits(&adapter.limits());
        Self::open(adapter, features, limits).await
    }

    /// Another device of the same kind, whose kernels are compiled alike; an error for a device of the user's own.
    pub(super) async fn twin(&self) -> Result<Self> {
        let Some(adapter) = &self.0.opened_from else { return Err(self.failed("it was not opened here")) };
        // What kernels are compiled to is kept by the first one.
        let features = self.0.device.features() - wgpu::Features::PIPELINE_CACHE;
        Self::open(adapter.clone(), features, self.0.device.limits()).await
    }

    async fn open(adapter: wgpu::Adapter, features: wgpu::Features, limits: wgpu::Limits) -> Result<Self> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("nn"),
            required_features: features,
            experimental_features: variants::experimental(features),
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|error| {
            Error::NoDevice(format!("`{}` gave no device: {error}", Adapter::new(&adapter.get_info())))
        })?;
        let lost = Arc::new(Mutex::new(None));
        let reason = Arc::clone(&lost);
        device.set_device_lost_callback(move |_, message| {
            *reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        });
        // wgpu's own handler panics. Whatever we do runs in error scopes; this hears what may slip out of them.
        device.on_uncaptured_error(Arc::new(|error| log::error!("wgpu: {error}")));
        Self::build(device, queue, Some(adapter), lost).await
    }

    /// A device of the user's own. Its handlers for errors and for its loss stay as they are.
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        pollster::block_on(Self::build(device, queue, None, Arc::default()))
    }

    async fn build(
        device: wgpu::Device,
        queue: wgpu::Queue,
        opened_from: Option<wgpu::Adapter>,
        lost: Arc<Mutex<Option<String>>>,
    ) -> Result<Self> {
        let adapter = Adapter::new(&device.adapter_info());
        let mut limits = device.limits();
        // Kernels count floats in u32.
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(4 * u64::from(u32::MAX));
        Layouts::check(&limits, &adapter)?;
        let create = || (Layouts::new(&device), Cache::new(&device), Profile::new(&device));
        let (layouts, cache, profile) =
            in_scopes(&device, create).await.map_err(|error| describe(&adapter, "layouts", &error))?;
        let matrices = opened_from.as_ref().map(variants::matrices).unwrap_or_default();
        let (choice, tuned) = (Choice::new(&device, matrices), AtomicBool::new(tune::is_asked_for()));
        let shared =
            Shared { device, queue, adapter, opened_from, limits, layouts, choice, tuned, cache, profile, lost };
        Ok(Self(Arc::new(shared)))
    }

    /// From now on the device measures which texts of large contractions are fastest; see `Device::tuned`.
    pub fn tuned(self) -> Self {
        self.0.tuned.store(true, Relaxed);
        self
    }

    pub(super) fn is_tuned(&self) -> bool {
        self.0.tuned.load(Relaxed)
    }

    pub(super) fn choice(&self) -> &Choice {
        &self.0.choice
    }

    /// What it is.
    pub fn adapter(&self) -> &Adapter {
        &self.0.adapter
    }

    /// Whether a processor stands in for the GPU.
    pub fn is_software(&self) -> bool {
        self.0.adapter.is_software()
    }

    /// The device, for those who want to share it.
    pub fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    /// The device's queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    pub(super) fn limits(&self) -> &wgpu::Limits {
        &self.0.limits
    }

    pub(super) fn layouts(&self) -> &Layouts {
        &self.0.layouts
    }

    pub(super) fn cache(&self) -> Option<&Cache> {
        self.0.cache.as_ref()
    }

    pub(super) fn profile(&self) -> Option<&Profile> {
        self.0.profile.as_ref().filter(|profile| profile.is_on())
    }

    /// Does some work with timestamps, and gives every dispatch in it.
    pub(super) fn timed<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<Vec<KernelRun>> {
        let Some(profile) = &self.0.profile else {
            let adapter = &self.0.adapter;
            return Err(Error::Device(format!(
                "`{adapter}` has no timestamps between dispatches, so kernels cannot be timed"
            )));
        };
        profile.timed(self, work)
    }

    /// What each kernel took since this was asked last; nothing, unless the device was opened with `NN_PROFILE=1`.
    pub fn kernel_times(&self) -> Result<Vec<KernelTime>> {
        match self.profile() {
            Some(profile) => pollster::block_on(profile.times(self)),
            None => Ok(Vec::new()),
        }
    }

    /// Calls wgpu; what it finds wrong becomes an error that names `what`.
    pub(super) async fn scoped<T>(&self, what: &str, work: impl FnOnce() -> T) -> Result<T> {
        let result = in_scopes(&self.0.device, work).await;
        self.check_lost()?;
        result.map_err(|error| describe(&self.0.adapter, what, &error))
    }

    /// Hands commands to the device.
    pub(super) async fn submit(&self, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Pending> {
        self.scoped("a submission", || {
            let mut encoder = self.0.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encode(&mut encoder);
            let submission = self.0.queue.submit([encoder.finish()]);
            let done = cfg!(target_arch = "wasm32").then(|| {
                let (sender, done) = signal();
                self.0.queue.on_submitted_work_done(move || sender.send(()));
                done
            });
            Pending { submission, done }
        })
        .await
    }

    /// Waits for work to end.
    pub(super) async fn finished(&self, pending: Pending) -> Result<()> {
        self.poll(pending.submission)?;
        match pending.done {
            Some(done) => done.await.ok_or_else(|| self.failed("it dropped its work")),
            None => Ok(()),
        }
    }

    /// Waits for work to end, then for a mapping of its result.
    pub(super) async fn mapped(&self, pending: Pending, buffer: &wgpu::Buffer, bytes: u64) -> Result<()> {
        let (sender, mapped) = signal();
        self.scoped("a readback", || buffer.map_async(wgpu::MapMode::Read, 0..bytes, |result| sender.send(result)))
            .await?;
        self.poll(pending.submission)?;
        match mapped.await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(self.failed(&error.to_string())),
            None => Err(self.failed("it dropped a readback")),
        }
    }

    /// Blocks until the submission has ended and its callbacks have run. In a browser, where nothing may block, this has
    /// no effect, and callbacks come from its event loop.
    fn poll(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
        // `poll` panics when the driver reports that the device is lost; there is no other way to hear of it.
        match catch_unwind(AssertUnwindSafe(|| self.0.device.poll(wait))) {
            Ok(Ok(_)) => self.check_lost(),
            Ok(Err(error)) => Err(self.failed(&error.to_string())),
            Err(_) => Err(self.failed("it was lost while it worked")),
        }
    }

    fn check_lost(&self) -> Result<()> {
        match &*self.0.lost.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(reason) => Err(Error::Device(format!("`{}` was lost: {reason}", self.0.adapter))),
        }
    }

    /// A failure for which there is no error of wgpu's.
    pub(super) fn failed(&self, what: &str) -> Error {
        match self.check_lost() {
            Err(error) => error,
            Ok(()) => Error::Device(format!("`{}`: {what}", self.0.adapter)),
        }
    }
}

/// Calls wgpu and gives the first error that it reports meanwhile.
async fn in_scopes<T>(device: &wgpu::Device, work: impl FnOnce() -> T) -> Result<T, wgpu::Error> {
    let (value, errors) = {
        // Popped in reverse order before anything is awaited: scopes belong to a thread.
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let value = work();
        let validation = validation.pop();
        let internal = internal.pop();
        (value, (memory.pop(), internal, validation))
    };
    // Out of memory comes first: the validation errors that follow from it say nothing.
    match (errors.0.await, errors.1.await, errors.2.await) {
        (Some(error), _, _) | (_, Some(error), _) | (_, _, Some(error)) => Err(error),
        (None, None, None) => Ok(value),
    }
}

fn describe(adapter: &Adapter, what: &str, error: &wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { device: adapter.to_string(), what: what.to_owned() },
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            Error::Device(format!("{what} on `{adapter}`: {description}"))
        }
    }
}
