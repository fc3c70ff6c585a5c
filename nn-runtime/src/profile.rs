//! What each kernel took on a GPU, by the GPU's own clock.

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
