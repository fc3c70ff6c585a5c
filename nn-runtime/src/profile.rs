//! Where the time of training goes: by kernel and by layer, beside what the device could do.

mod table;
#[cfg(test)]
mod tests;
mod trace;

use std::path::Path;
use std::time::Instant;

use crate::backend::{self, Steps};
use crate::cpu::{Pass, Update};
use crate::data::DataSet;
use crate::error::{Error, Result};
use crate::network::{Kept, Net, check_batch};
use crate::plan::{Kernel, Plan, Program};

/// What a kernel took on a GPU; see [`Device::kernel_times`](crate::Device::kernel_times).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelTime {
    /// The kernel's name, as the network's plan and its shaders have it.
    pub kernel: &'static str,
    /// How often it ran.
    pub dispatches: u64,
    /// What all of these runs took together.
    pub milliseconds: f64,
}

/// The kernels of `train` as functions for the CPU, one by one. Small networks have a single function for all of a pass.
#[derive(Clone, Copy, Debug)]
pub struct TrainKernels {
    /// Those up to the update.
    pub pass: &'static [fn(&mut Pass<'_>)],
    /// Those of the update.
    pub update: &'static [fn(&mut Update<'_>)],
}

/// A kernel that ran once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KernelRun {
    pub kernel: Ran,
    /// When, in milliseconds from some moment.
    pub start: f64,
    pub milliseconds: f64,
}

/// Which kernel ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ran {
    /// The plan's kernel of this number.
    Number(usize),
    /// A dispatch.
    #[cfg(any(feature = "gpu", test))]
    Dispatch(&'static str),
    /// All kernels of a small network's pass, which are one function, or of its update.
    Pass,
    Update,
}

/// What a device can do at most, as measured by a long row of independent multiply-adds and by copying memory that no cache holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Floating-point operations a second, in 10⁹; a multiply-add counts as two.
    pub gflops: f64,
    /// Bytes read and written a second, in 10⁹.
    pub gbytes: f64,
}

/// Where the time of training steps went: what `net.profile(&data, steps)` gives. It prints as a table, and [`save_trace`](Self::save_trace)
/// writes it for Perfetto and Chrome.
///
/// On the GPU, kernels that do not depend on each other are one dispatch and one row, and the times are the GPU's own (timestamps). On
/// the CPU they are clocks around each kernel; a small network's pass is one region of code and one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The network's name.
    pub network: String,
    /// What it ran on.
    pub device: String,
    /// Samples in a step.
    pub batch: usize,
    /// Steps that were measured.
    pub steps: usize,
    /// What all of them took on the host's clock, with everything between the kernels.
    pub milliseconds: f64,
    /// The kernels, in order of their first run.
    pub kernels: Vec<KernelProfile>,
    /// What the device can do at most; `None` where it was not measured.
    pub peak: Option<Peak>,
    /// Number of the kernel, start and time in milliseconds.
    runs: Vec<(usize, f64, f64)>,
}

/// What a kernel took.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelProfile {
    /// Its name, as the plan and the shaders have it.
    pub name: String,
    /// The layer that it counts for: that of its main operation. Other layers may be fused into it.
    pub layer: String,
    /// How often it ran.
    pub runs: usize,
    /// What all its runs took.
    pub milliseconds: f64,
    /// Floating-point operations of a run, as its formulas have them; a multiply-add counts as two. 0 where they are not known.
    pub flops: f64,
    /// Bytes that a run has to read and write at least: each tensor once. 0 where they are not known.
    pub bytes: f64,
}

impl KernelProfile {
    /// Floating-point operations a second that it achieved, in 10⁹.
    pub fn gflops(&self) -> f64 {
        self.rate(self.flops)
    }

    /// Bytes a second that it achieved, in 10⁹. More than the device's peak means that a cache held them.
    pub fn gbytes(&self) -> f64 {
        self.rate(self.bytes)
    }

    fn rate(&self, amount: f64) -> f64 {
        if self.milliseconds > 0.0 { amount * self.runs as f64 / self.milliseconds / 1e6 } else { 0.0 }
    }
}

impl Profile {
    /// Milliseconds by layer, over all steps, the longest first.
    pub fn layers(&self) -> Vec<(&str, f64)> {
        let mut layers: Vec<(&str, f64)> = vec![];
        for kernel in &self.kernels {
            match layers.iter_mut().find(|(layer, _)| *layer == kernel.layer) {
                Some((_, time)) => *time += kernel.milliseconds,
                None => layers.push((&kernel.layer, kernel.milliseconds)),
            }
        }
        layers.sort_by(|a, b| b.1.total_cmp(&a.1));
        layers
    }

    /// Writes every run of every kernel in the trace event format, which <https://ui.perfetto.dev> and `chrome://tracing` open.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_trace(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let written = std::fs::write(path, trace::json(self));
        written.map_err(|source| Error::File { path: path.display().to_string(), source })
    }
}

impl Net {
    /// Plays training steps on all samples of the data as one batch, and measures them. The network is afterwards what it was before.
    ///
    /// # Errors
    /// If there are no samples or no steps, if the device has no clock for kernels, or if it fails.
    pub fn profile(&mut self, data: &DataSet, steps: usize, plan: &str, kernels: TrainKernels) -> Result<Profile> {
        self.schedule(&self.program.train, "train")?;
        if steps == 0 {
            return Err(Error::Option("a profile takes at least one step, but 0 were asked for".into()));
        }
        let batch = check_batch(&data.columns())?;
        let plan = Plan::read(plan)?;
        let before = self.state()?;
        let measured = self.measure_kernels(data, batch, steps, kernels);
        self.restore(before)?;
        let (runs, milliseconds) = measured?;
        let device = self.device().name();
        let peak = self.device().peak()?;
        Ok(Profile::of(&plan, plan.program("train")?, device, batch, (steps, milliseconds), &runs, peak))
    }

    fn measure_kernels(
        &mut self,
        data: &DataSet,
        batch: usize,
        steps: usize,
        kernels: TrainKernels,
    ) -> Result<(Vec<KernelRun>, f64)> {
        /// Steps before the clock starts: they compile shaders and touch memory.
        const WARM_UP: usize = 2;
        /// Steps at a time, since devices keep only so many timestamps.
        const TOGETHER: usize = 8;
        let resident = self.backend.upload(data.columns())?;
        let mut kept = Kept::default();
        let kept = kept.of(self.program, batch)?;
        let order: Vec<u32> = (0..TOGETHER).flat_map(|_| 0..batch as u32).collect();
        let numbered: Vec<_> = (0..TOGETHER as u64).map(|ahead| self.step(batch, ahead, ahead)).collect();
        let together = |n: usize| Steps { data: &resident, order: &order[..n * batch], steps: &numbered[..n] };
        self.backend.train(together(WARM_UP), kept, &mut Vec::new(), &mut backend::unheard)?;
        let (mut runs, mut milliseconds, mut left) = (vec![], 0.0, steps);
        while left > 0 {
            let n = left.min(TOGETHER);
            let start = Instant::now();
            runs.extend(self.backend.profile(together(n), kept, kernels)?);
            milliseconds += start.elapsed().as_secs_f64() * 1e3;
            left -= n;
        }
        Ok((runs, milliseconds))
    }
}

impl Profile {
    fn of(
        plan: &Plan,
        train: &Program,
        device: String,
        batch: usize,
        (steps, milliseconds): (usize, f64),
        runs: &[KernelRun],
        peak: Option<Peak>,
    ) -> Self {
        let mut kinds: Vec<Ran> = vec![];
        let mut profile = Profile {
            network: plan.name.clone(),
            device,
            batch,
            steps,
            milliseconds,
            kernels: vec![],
            peak,
            runs: vec![],
        };
        let first = runs.iter().map(|run| run.start).fold(f64::INFINITY, f64::min);
        for run in runs {
            let number = kinds.iter().position(|kind| *kind == run.kernel).unwrap_or_else(|| {
                kinds.push(run.kernel);
                profile.kernels.push(KernelProfile::of(run.kernel, train, batch));
                kinds.len() - 1
            });
            profile.kernels[number].runs += 1;
            profile.kernels[number].milliseconds += run.milliseconds;
            profile.runs.push((number, run.start - first, run.milliseconds));
        }
        profile
    }
}

impl KernelProfile {
    /// What the plan says about a kernel that ran.
    fn of(ran: Ran, train: &Program, batch: usize) -> Self {
        let is_update = |kernel: &&Kernel| !kernel.updates.is_empty();
        let (name, layer, kernels): (String, String, Vec<&Kernel>) = match ran {
            Ran::Number(number) => match train.kernels.get(number) {
                Some(kernel) => (kernel.name.clone(), kernel.layer().to_owned(), vec![kernel]),
                None => (format!("kernel {number}"), String::new(), vec![]),
            },
            #[cfg(any(feature = "gpu", test))]
            Ran::Dispatch(name) => {
                // A dispatch of several kernels is called after the largest: `train_05_hidden_dense_contract_and_2`.
                let main = name.rsplit_once("_and_").map_or(name, |(main, _)| main);
                let found = train.kernels.iter().find(|kernel| kernel.name == main);
                let layer = found.map_or("", Kernel::layer).to_owned();
                let same = |kernel: &&Kernel| found.is_some_and(|found| found.dispatch == kernel.dispatch);
                (name.to_owned(), layer, train.kernels.iter().filter(same).collect())
            }
            Ran::Pass => {
                let kernels = train.kernels.iter().filter(|kernel| !is_update(kernel)).collect();
                ("train_pass".into(), "all layers".into(), kernels)
            }
            Ran::Update => {
                ("train_update".into(), "optimizer".into(), train.kernels.iter().filter(is_update).collect())
            }
        };
        let layer = if layer.is_empty() { "other".into() } else { layer };
        // A pass that is one function has its loops in it.
        let times = |kernel: &Kernel| if ran == Ran::Pass { kernel.steps.max(1) as f64 } else { 1.0 };
        let flops = kernels.iter().map(|kernel| kernel.flops(batch) * times(kernel)).sum();
        let bytes = kernels.iter().map(|kernel| kernel.bytes(batch) * times(kernel)).sum();
        KernelProfile { name, layer, runs: 0, milliseconds: 0.0, flops, bytes }
    }
}
