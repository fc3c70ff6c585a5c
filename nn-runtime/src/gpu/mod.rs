//! The GPU, through wgpu: Vulkan, Metal or DirectX 12.
//!
//! From a device up to a network on it:
//! - `adapter` chooses an adapter; `context` is a device and its queue, and the one place where wgpu's errors become
//!   values; `signal` makes a future of a callback;
//! - `budget` checks what a network needs against the device's limits, and creates buffers;
//! - `pipelines` is the layout that all shaders share, and compiles them, on a driver that would put it off with the help of
//!   `warm`; `cache` keeps them on disk; `variants` chooses among the texts of a dispatch, and `tune` measures them for those
//!   who ask; `readback` copies numbers to the host;
//! - `loaded` is a network's vectors; `lane` is the memory of one run of a schedule; `track` is a schedule with its
//!   pipelines and the lanes that wait for the next run;
//! - `data_set` keeps data on the device, or brings it there in windows, for the gather kernel;
//! - `steps` runs a schedule over gathered batches (train, evaluate), those that fit by its `resident` program; `between` sums gradients of
//!   several steps and keeps what is frozen, where somebody asked for it, and `watch` looks for
//!   numbers that are not finite; `direct` runs one over samples as they come (predict, gradients);
//! - `player` is all of it as the `Backend` of a network; `profile` times the kernels for those who ask.
//!
//! What talks to the device is `async`, and only `player` blocks on it, so that the same code can serve a browser, where
//! nothing may block.

mod adapter;
mod between;
mod budget;
mod cache;
mod context;
mod data_set;
mod direct;
mod kept;
mod lane;
mod loaded;
mod own;
mod peak;
mod pipelines;
mod player;
mod profile;
mod readback;
mod recording;
mod resident;
mod signal;
mod steps;
#[cfg(test)]
mod tests;
mod track;
mod tune;
mod variants;
mod warm;
mod watch;

pub use adapter::Adapter;
pub use context::Gpu;
pub use data_set::DataSet;
pub use loaded::Counters;
pub use player::GpuBackend;
