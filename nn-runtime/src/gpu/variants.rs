//! Which text of each dispatch a device runs. Texts of one dispatch give the same bits, so this is about speed alone; but for those
//! with cooperative matrices, which are taken wherever the model says so if somebody has asked for them, and are never measured:
//! the same device takes the same texts every time.

use super::context::Gpu;
use crate::program::{DeviceClass, DeviceFeature, Schedule, Shader};

/// `NN_VARIANT=64x64` takes the texts of this name wherever the device can run them, and the first texts (those for every device)
/// elsewhere; `NN_VARIANT=first` takes the first ones everywhere. For measurements.
const VARIABLE: &str = "NN_VARIANT";

/// `NN_MATRICES=1` takes cooperative matrices for networks in mixed precision, where the adapter has them. wgpu calls them
/// experimental, and they change bits, so somebody has to ask.
const MATRICES: &str = "NN_MATRICES";
/// What kernels with cooperative matrices need.
const MATRIX_FEATURES: wgpu::Features =
    wgpu::Features::SUBGROUP.union(wgpu::Features::SHADER_F16).union(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

/// What to ask a device for.
pub(super) fn wanted_features(adapter: &wgpu::Adapter) -> wgpu::Features {
    let features = adapter.features();
    let asked = std::env::var(MATRICES).is_ok_and(|value| value == "1");
    if !asked {
        return features & wgpu::Features::SUBGROUP;
    }
    if !features.contains(MATRIX_FEATURES) || matrices(adapter).is_empty() {
        log::warn!("{MATRICES} is set, but the device has no cooperative matrices of f16 with sums in f32");
        return features & wgpu::Features::SUBGROUP;
    }
    MATRIX_FEATURES
}

/// The leave to use them, if they are wanted.
pub(super) fn experimental(wanted: wgpu::Features) -> wgpu::ExperimentalFeatures {
    if !wanted.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
        return wgpu::ExperimentalFeatures::disabled();
    }
    // SAFETY: wgpu cannot check what an experimental feature does. Our use of this one is that of
    // `nn_kernels::emit::wgsl::cooperative`: matrices lie within the arrays of workgroup memory that they are read from and written
    // to, whatever a shader's inputs, as constants in its text say; and all invocations of a subgroup take part.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

/// The cooperative matrices of an adapter that kernels can use.
pub(super) fn matrices(adapter: &wgpu::Adapter) -> Vec<DeviceFeature> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let has = |size: u32| {
        let all = adapter.cooperative_matrix_properties();
        all.iter().any(|p| (p.ab_type, p.cr_type) == (F16, F32) && [p.m_size, p.n_size, p.k_size] == [size; 3])
    };
    let sizes = [(8, DeviceFeature::CooperativeMatrix8), (16, DeviceFeature::CooperativeMatrix16)];
    sizes.into_iter().filter(|&(size, _)| has(size)).map(|(_, feature)| feature).collect()
}

/// How a device chooses among texts.
#[derive(Debug)]
pub(super) struct Choice {
    class: DeviceClass,
    features: Vec<DeviceFeature>,
    forced: Option<String>,
}

impl Choice {
    /// `matrices` are the adapter's cooperative matrices.
    pub(super) fn new(device: &wgpu::Device, matrices: Vec<DeviceFeature>) -> Self {
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
        if device.features().contains(MATRIX_FEATURES) {
            features.extend(matrices);
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
        let preferred = self.preferred(dispatch);
        let measured = |shader: &Shader| shader.variant.is_none_or(|variant| variant.measured);
        if self.choice().forced.is_some() || !measured(preferred) {
            return vec![preferred];
        }
        dispatch.iter().filter(|shader| measured(shader) && self.choice().can_run(shader, self.limits())).collect()
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
