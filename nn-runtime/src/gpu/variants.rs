//! Which text of each dispatch a device runs. Texts of one dispatch give the same bits, so this is about speed alone.

use super::context::Gpu;
use crate::program::{DeviceClass, DeviceFeature, Schedule, Shader};

/// `NN_VARIANT=64x64` takes the texts of this name wherever the device can run them, and the first texts (those for every device)
/// elsewhere; `NN_VARIANT=first` takes the first ones everywhere. For measurements.
const VARIABLE: &str = "NN_VARIANT";

/// What to ask a device for.
pub(super) fn wanted_features(adapter: wgpu::Features) -> wgpu::Features {
    adapter & wgpu::Features::SUBGROUP
}

/// How a device chooses among texts.
#[derive(Debug)]
pub(super) struct Choice {
    class: DeviceClass,
    features: Vec<DeviceFeature>,
    forced: Option<String>,
}

impl Choice {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let info = device.adapter_info();
        let class = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => DeviceClass::Discrete,
            wgpu::DeviceType::Cpu => DeviceClass::Software,
            _ => DeviceClass::Integrated,
        };
        let mut features = vec![];
        if device.features().contains(wgpu::Features::SUBGROUP) && info.subgroup_min_size >= 8 {
            features.push(DeviceFeature::Subgroups);
        }
        Self { class, features, forced: std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()) }
    }

    /// Whether a device with these limits can run a text. The first text of a dispatch is checked elsewhere, with an error.
    fn can_run(&self, shader: &Shader, limits: &wgpu::Limits) -> bool {
        let Some(variant) = &shader.variant else { return true };
        let [x, y, z] = shader.workgroup_size;
        variant.needs.iter().all(|needed| self.features.contains(needed))
            && x <= limits.max_compute_workgroup_size_x
            && x * y * z <= limits.max_compute_invocations_per_workgroup
            && shader.workgroup_bytes <= limits.max_compute_workgroup_storage_size
    }
}

impl Gpu {
    /// The texts of a dispatch among which there is something to measure.
    pub(super) fn candidates(&self, dispatch: &'static [Shader]) -> Vec<&'static Shader> {
        if self.choice().forced.is_some() {
            return vec![self.preferred(dispatch)];
        }
        dispatch.iter().filter(|shader| self.choice().can_run(shader, self.limits())).collect()
    }

    /// The text of a dispatch that suits the device, as far as a model of its class knows.
    fn preferred(&self, dispatch: &'static [Shader]) -> &'static Shader {
        let choice = self.choice();
        let suits = |shader: &&Shader| {
            let Some(variant) = &shader.variant else { return true };
            let wanted = match &choice.forced {
                Some(name) => name == variant.name,
                None => variant.classes.contains(&choice.class),
            };
            wanted && choice.can_run(shader, self.limits())
        };
        dispatch.iter().rfind(suits).unwrap_or(&dispatch[0])
    }

    /// The text of each dispatch of a schedule, by the model.
    pub(super) fn shaders(&self, schedule: &Schedule) -> impl Iterator<Item = &'static Shader> {
        schedule.dispatches().map(|dispatch| self.preferred(dispatch))
    }
}
