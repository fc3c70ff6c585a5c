//! Tests on whatever adapter there is; Mesa's llvmpipe will do.
//!
//! Without one they say that they are skipped, and with `NN_REQUIRE_GPU=1` in the environment they fail instead.

mod errors;
mod fits;
mod gather;
mod line;
mod resident;
mod runs;
mod warm;

use std::sync::OnceLock;

use super::adapter;
use super::context::Gpu;
use super::player::GpuBackend;
use crate::backend::Backend;
use crate::error::Error;
use crate::program::Program;

/// The adapter's device, shared by the tests; `None`, and a line of text, where there is no adapter.
fn gpu() -> Option<Gpu> {
    static SHARED: OnceLock<Result<Gpu, String>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| Gpu::new().map_err(|error| error.to_string()));
    found(shared.clone())
}

/// A device of its own with these limits: one that a user made.
fn limited(limit: impl FnOnce(&mut wgpu::Limits)) -> Option<Gpu> {
    let (device, queue) = users(limit)?;
    Some(Gpu::from_wgpu(device, queue).unwrap())
}

fn users(limit: impl FnOnce(&mut wgpu::Limits)) -> Option<(wgpu::Device, wgpu::Queue)> {
    let adapter = found(pollster::block_on(adapter::best()).map_err(|error| error.to_string()))?;
    let mut required_limits = adapter::wanted_limits(&adapter.limits());
    limit(&mut required_limits);
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..wgpu::DeviceDescriptor::default() };
    Some(pollster::block_on(adapter.request_device(&descriptor)).unwrap())
}

fn found<T>(result: Result<T, String>) -> Option<T> {
    match result {
        Ok(found) => Some(found),
        Err(error) if std::env::var_os("NN_REQUIRE_GPU").is_some_and(|value| value == "1") => {
            panic!("NN_REQUIRE_GPU is 1, but: {error}")
        }
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

fn backend(gpu: &Gpu, program: &'static Program) -> GpuBackend {
    let mut backend = GpuBackend::new(gpu, program).unwrap();
    backend.set_parameters(&[0.5, -1.0, 0.0, 0.0]).unwrap();
    backend
}

/// The text of an error.
#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}
