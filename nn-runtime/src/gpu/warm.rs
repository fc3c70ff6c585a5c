//! Compiling kernels before they run, on drivers that would put it off.
//!
//! Mesa's llvmpipe turns a kernel into machine code when it is first dispatched, on the one thread of the device's queue, however
//! many threads have created its pipelines: that is most of a network's first step. It keeps what it has made on disk, where the other
//! devices of the process find it at once. So each thread that creates pipelines has a device here, and dispatches the kernels that
//! it has created there, with no workgroups: nothing runs, but llvmpipe compiles.
//!
//! Where Mesa's cache is switched off, kernels of the other devices are compiled again when they first run, and nothing is won.

use super::budget::Budget;
use super::context::Gpu;
use super::pipelines;
use crate::error::{Error, Result};
use crate::program::{Shader, StepUniform};

/// Whether the driver compiles a kernel when it is first dispatched.
pub(super) fn compiles_late(gpu: &Gpu) -> bool {
    gpu.adapter().driver.starts_with("llvmpipe")
}

/// A device that compiles for those who wait for another one.
pub(super) struct Warmer {
    gpu: Gpu,
    /// Whether it is not the device that the kernels will run on.
    is_twin: bool,
    /// Group 0 of every kernel, of buffers that nothing reads or writes.
    group: wgpu::BindGroup,
}

impl Warmer {
    /// The device on which a thread compiles for this one: the first thread on this one itself. `None` where the driver compiles in
    /// time, or where no device can be had: it is a help that nothing depends on. Steps will have about `batch` samples; llvmpipe may
    /// compile something else for none.
    pub(super) async fn of_thread(gpu: &Gpu, thread: usize, batch: usize) -> Option<Self> {
        if !compiles_late(gpu) {
            return None;
        }
        let is_twin = thread > 0;
        let warmer = async {
            let gpu = if is_twin { gpu.twin().await? } else { gpu.clone() };
            let group = group(&gpu, batch).await?;
            Ok(Self { gpu, is_twin, group })
        };
        let not_made = |error: Error| log::debug!("thread {thread} does not compile ahead: {error}");
        warmer.await.map_err(not_made).ok()
    }

    /// Has the driver compile a kernel, which has this pipeline on the device that it will run on.
    pub(super) async fn compile(&self, shader: &Shader, pipeline: &wgpu::ComputePipeline) {
        let compiled = match self.is_twin {
            true => match pipelines::pipeline(&self.gpu, shader, &self.gpu.layouts().pipeline).await {
                Ok(twin) => self.dispatch(&twin).await,
                Err(error) => Err(error),
            },
            false => self.dispatch(pipeline).await,
        };
        if let Err(error) = compiled {
            log::debug!("`{}` is not compiled ahead: {error}", shader.name);
        }
    }

    /// Dispatches no workgroups of one of this device's kernels.
    async fn dispatch(&self, pipeline: &wgpu::ComputePipeline) -> Result<()> {
        let encode = |encoder: &mut wgpu::CommandEncoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_bind_group(0, &self.group, &[0]);
            pass.set_pipeline(pipeline);
            pass.dispatch_workgroups(0, 1, 1);
        };
        let pending = self.gpu.submit(encode).await?;
        self.gpu.finished(pending).await
    }
}

/// Group 0 of every kernel, with memory for none of them.
async fn group(gpu: &Gpu, batch: usize) -> Result<wgpu::BindGroup> {
    use wgpu::BufferUsages as Usage;
    let budget = Budget { gpu: gpu.clone(), network: "every network" };
    let uniform = budget.buffer("a step's uniform", pipelines::UNIFORM_BYTES, Usage::UNIFORM | Usage::COPY_DST).await?;
    let step = StepUniform { batch: batch as u32, capacity: batch as u32, ..StepUniform::default() };
    gpu.scoped("a step's uniform", || gpu.queue().write_buffer(&uniform, 0, bytemuck::bytes_of(&step))).await?;
    let mut storage = Vec::with_capacity(pipelines::STORAGE.len());
    for binding in pipelines::STORAGE {
        storage.push(budget.buffer(&format!("{binding:?}"), 0, Usage::STORAGE).await?);
    }
    let make = || pipelines::bind(gpu, "compiling ahead", &uniform, std::array::from_fn(|i| &storage[i]));
    gpu.scoped("a bind group", make).await
}
