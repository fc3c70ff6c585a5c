//! Choosing an adapter: the physical or software device behind a [`Gpu`](super::Gpu).

use std::fmt;

use crate::error::{Error, Result};

/// What a GPU is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its name, as the driver gives it.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// `Vulkan`, `Metal`, `DX12`, …
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
}

impl Adapter {
    pub(super) fn new(info: &wgpu::AdapterInfo) -> Self {
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Cpu => "software",
            wgpu::DeviceType::Other => "other",
        };
        let backend = match info.backend {
            wgpu::Backend::Vulkan => "Vulkan",
            wgpu::Backend::Metal => "Metal",
            wgpu::Backend::Dx12 => "DX12",
            wgpu::Backend::Gl => "GL",
            wgpu::Backend::BrowserWebGpu => "WebGPU",
            wgpu::Backend::Noop => "noop",
        };
        let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
        Self { name: info.name.clone(), kind, backend: backend.to_owned(), driver }
    }

    /// Whether a processor stands in for the GPU, as Mesa's llvmpipe does.
    pub fn is_software(&self) -> bool {
        self.kind == "software"
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}", self.name, self.kind, self.backend)?;
        if !self.driver.is_empty() {
            write!(f, ", {}", self.driver)?;
        }
        f.write_str(")")
    }
}

/// The APIs that can carry the kernels; whichever of them the platform has is tried.
const BACKENDS: wgpu::Backends = wgpu::Backends::PRIMARY;

/// The machine's fastest adapter.
pub(super) async fn best() -> Result<wgpu::Adapter> {
    let compiled = wgpu::Instance::enabled_backend_features().intersection(BACKENDS);
    if compiled.is_empty() {
        return Err(Error::NoDevice("this build of wgpu has no API for this platform".into()));
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: compiled,
        // Validation layers cost start-up time and find nothing that error scopes do not.
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    instance.request_adapter(&options).await.map_err(|error| {
        let tried: Vec<&str> = compiled.iter_names().map(|(name, _)| name).collect();
        Error::NoDevice(format!(
            "no adapter found through {} ({error}); install a driver (on Debian or Ubuntu, \
             `apt-get install mesa-vulkan-drivers` gives Mesa's, its software adapter among them), or use the CPU",
            tried.join(", ")
        ))
    })
}

/// What to ask a device for: everything that lets larger networks in, as far as the adapter goes.
pub(super) fn wanted_limits(adapter: &wgpu::Limits) -> wgpu::Limits {
    wgpu::Limits {
        max_buffer_size: adapter.max_buffer_size,
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        max_storage_buffers_per_shader_stage: adapter.max_storage_buffers_per_shader_stage,
        max_compute_workgroup_storage_size: adapter.max_compute_workgroup_storage_size,
        max_compute_invocations_per_workgroup: adapter.max_compute_invocations_per_workgroup,
        max_compute_workgroup_size_x: adapter.max_compute_workgroup_size_x,
        max_compute_workgroup_size_y: adapter.max_compute_workgroup_size_y,
        max_compute_workgroup_size_z: adapter.max_compute_workgroup_size_z,
        max_compute_workgroups_per_dimension: adapter.max_compute_workgroups_per_dimension,
        ..wgpu::Limits::defaults().or_worse_values_from(adapter)
    }
}
