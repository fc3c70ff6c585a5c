//! Where a network lives: the CPU, or a GPU.

use std::fmt;

use crate::backend::Backend;
use crate::cpu::peak;
use crate::cpu::player::CpuBackend;
use crate::error::{Error, Result};
#[cfg(feature = "gpu")]
use crate::gpu::{Gpu, GpuBackend};
use crate::profile::{KernelTime, Peak};
use crate::program::Program;

/// The environment variable that overrides [`Device::auto`].
const VARIABLE: &str = "NN_DEVICE";

/// A device that networks live on. Cloning it is cheap, and all clones are the same device; networks may share it.
#[derive(Clone)]
pub struct Device(Kind);

#[derive(Clone)]
enum Kind {
    Cpu,
    #[cfg(feature = "gpu")]
    Gpu(Gpu),
}

impl Device {
    /// The machine's best device: its GPU, or the CPU where there is none (or only a software one, which the CPU
    /// itself beats by far). The environment variable `NN_DEVICE=cpu` or `NN_DEVICE=gpu` decides otherwise; with `gpu`, a
    /// software GPU will do.
    ///
    /// # Errors
    /// If `NN_DEVICE` asks for something that does not exist.
    pub fn auto() -> Result<Self> {
        Self::chosen(std::env::var(VARIABLE).ok().as_deref())
    }

    fn chosen(variable: Option<&str>) -> Result<Self> {
        match variable.map(str::trim) {
            None | Some("") => Ok(Self::best()),
            Some(word) if word.eq_ignore_ascii_case("cpu") => Ok(Self::cpu()),
            Some(word) if word.eq_ignore_ascii_case("gpu") => Self::gpu(),
            Some(word) => Err(Error::Option(format!("{VARIABLE} is `{word}`, but it can only be `cpu` or `gpu`"))),
        }
    }

    #[cfg(feature = "gpu")]
    fn best() -> Self {
        match Gpu::new() {
            Ok(gpu) if gpu.is_software() => {
                log::info!("the only GPU is `{}`, a software one: using the CPU", gpu.adapter().name);
                Self::cpu()
            }
            Ok(gpu) => Device(Kind::Gpu(gpu)),
            Err(error) => {
                log::info!("using the CPU: {error}");
                Self::cpu()
            }
        }
    }

    #[cfg(not(feature = "gpu"))]
    fn best() -> Self {
        Self::cpu()
    }

    /// The CPU, with all of its cores.
    pub fn cpu() -> Self {
        Device(Kind::Cpu)
    }

    /// The machine's fastest GPU; a software one will do.
    ///
    /// Compiled kernels are kept on disk for the next process where the API gives them out (Vulkan): in the folder `nn` of the
    /// platform's folder for caches, or in the folder that the environment variable `NN_PIPELINE_CACHE` names;
    /// `NN_PIPELINE_CACHE=off` keeps none.
    ///
    /// `NN_MATRICES=1` lets networks in mixed precision multiply with cooperative matrices where the GPU has those of f16 with sums in
    /// f32 (wgpu calls them experimental). A sum of `k` products then lies within `2 * k * 2^-24 * Σ |a * b|` of the exact one, as it
    /// does without them, but its bits are others.
    ///
    /// # Errors
    /// If there is none, or if `nn` was built without the feature `gpu`.
    #[cfg(feature = "gpu")]
    pub fn gpu() -> Result<Self> {
        Gpu::new().map(|gpu| Device(Kind::Gpu(gpu)))
    }

    /// The machine's fastest GPU; a software one will do.
    ///
    /// # Errors
    /// If there is none, or if `nn` was built without the feature `gpu`.
    #[cfg(not(feature = "gpu"))]
    pub fn gpu() -> Result<Self> {
        Err(Error::NoDevice("`nn` was built without it; enable its feature `gpu` in Cargo.toml".into()))
    }

    /// Measures which texts of large contractions are fastest on this GPU, for a few milliseconds each, when a network's kernels first
    /// run; on the CPU there is nothing to measure. Without it a model of the device's class chooses. Either choice gives the same
    /// bits. `NN_TUNE=1` in the environment asks for the same of every GPU.
    ///
    /// What was measured is kept beside the compiled kernels (see [`Device::gpu`]) for this GPU and its driver, and the next
    /// process does not measure again.
    ///
    /// ```no_run
    /// let device = nn_runtime::Device::gpu()?.tuned();
    /// # Ok::<(), nn_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn tuned(self) -> Self {
        match self.0 {
            Kind::Cpu => self,
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => Device(Kind::Gpu(gpu.tuned())),
        }
    }

    /// [`Device::gpu`] for those who cannot block, as in a browser.
    ///
    /// # Errors
    /// If there is none.
    #[cfg(feature = "gpu")]
    pub async fn request_gpu() -> Result<Self> {
        Gpu::request().await.map(|gpu| Device(Kind::Gpu(gpu)))
    }

    /// A GPU that is in use already: `wgpu`'s device and queue, shared with the rest of the program.
    ///
    /// # Errors
    /// If the device lacks what every network needs.
    #[cfg(feature = "gpu")]
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self> {
        Gpu::from_wgpu(device, queue).map(|gpu| Device(Kind::Gpu(gpu)))
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        !matches!(self.0, Kind::Cpu)
    }

    /// What it is: `CPU`, or the GPU's name and driver.
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Cpu => "CPU".into(),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => {
                let adapter = gpu.adapter();
                format!("{} ({}, {})", adapter.name, adapter.backend, adapter.kind)
            }
        }
    }

    /// What each kernel took on this GPU since this was asked last, by the GPU's own clock. There is nothing to tell unless
    /// the device was opened with the environment variable `NN_PROFILE=1` and has timestamps; runs are a little slower
    /// then.
    ///
    /// # Errors
    /// If the device fails.
    pub fn kernel_times(&self) -> Result<Vec<KernelTime>> {
        match &self.0 {
            Kind::Cpu => Ok(Vec::new()),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.kernel_times(),
        }
    }

    /// What it can do at most, measured.
    pub(crate) fn peak(&self) -> Result<Option<Peak>> {
        match &self.0 {
            Kind::Cpu => Ok(Some(peak::peak())),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => gpu.peak(),
        }
    }

    /// A network's memory and player on this device.
    pub(crate) fn backend(&self, program: &'static Program) -> Result<Box<dyn Backend>> {
        Ok(match &self.0 {
            Kind::Cpu => Box::new(CpuBackend::new(program)?),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => Box::new(GpuBackend::new(gpu, program)?),
        })
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_decides() {
        assert!(!Device::chosen(Some("CPU")).unwrap().is_gpu());
        let error = Device::chosen(Some("tpu")).unwrap_err().to_string();
        assert_eq!(error, "NN_DEVICE is `tpu`, but it can only be `cpu` or `gpu`");
    }

    #[test]
    fn without_the_variable_there_is_always_a_device() {
        assert!(Device::chosen(None).is_ok());
        assert!(Device::chosen(Some("")).is_ok());
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn a_processor_that_stands_in_for_a_gpu_is_not_the_best_device() {
        let hardware = Gpu::new().is_ok_and(|gpu| !gpu.is_software());
        assert_eq!(Device::chosen(None).unwrap().is_gpu(), hardware);
    }

    #[cfg(not(feature = "gpu"))]
    #[test]
    fn without_the_feature_the_error_says_how_to_enable_it() {
        let error = Device::chosen(Some("gpu")).unwrap_err().to_string();
        assert!(error.contains("enable its feature `gpu`"), "{error}");
    }

    #[test]
    fn shaders_are_part_of_a_program_only_where_a_gpu_can_run_them() {
        let shaders: &[u8] = crate::__nn_gpu_only!(&[1, 2]);
        assert_eq!(shaders.is_empty(), cfg!(not(feature = "gpu")));
    }

    #[test]
    fn devices_go_between_threads() {
        fn shared<T: Send + Sync + Clone>() {}
        shared::<Device>();
    }
}
