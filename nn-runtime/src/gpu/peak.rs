//! What a GPU can do at most: measured, not looked up.

use std::time::Instant;

use super::context::Gpu;
use super::own::{WRITTEN, kernels};
use crate::error::Result;
use crate::profile::Peak;

/// Bytes of the copied buffer: more than caches hold.
const BYTES: u64 = 64 << 20;
/// Floating-point operations of a workgroup of `multiply_add`: 64 invocations, 1024 rounds, 8 chains of 4 numbers, 2 each.
const FLOPS: f64 = 64.0 * 1024.0 * 8.0 * 4.0 * 2.0;
/// Invocations that `copy` has, so that it is no long loop on software either.
const COPYING: u32 = 16_384;
/// A measurement that takes this long is long enough beside what a submission takes by itself.
const ENOUGH: f64 = 0.01;

impl Gpu {
    /// Measures both. It takes some hundredths of a second.
    pub(crate) fn peak(&self) -> Result<Option<Peak>> {
        pollster::block_on(self.measure()).map(Some)
    }

    async fn measure(&self) -> Result<Peak> {
        let device = self.device();
        let bytes = BYTES.min(self.limits().max_storage_buffer_binding_size) / 16 * 16;
        let make = || {
            let buffer = || {
                let usage = wgpu::BufferUsages::STORAGE;
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("peak"),
                    size: bytes,
                    usage,
                    mapped_at_creation: false,
                })
            };
            let shader = wgpu::include_wgsl!("peak.wgsl");
            let (layout, [multiply_add, copy]) =
                kernels(device, "peak", shader, &[WRITTEN, WRITTEN], ["multiply_add", "copy"]);
            let (from, to) = (buffer(), buffer());
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("peak"),
                layout: &layout,
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: from.as_entire_binding() },
                    wgpu::BindGroupEntry { binding: 1, resource: to.as_entire_binding() },
                ],
            });
            (multiply_add, copy, group)
        };
        let (multiply_add, copy, group) = self.scoped("what measures its peak", make).await?;
        let gflops = self.rate(
            &multiply_add,
            &group,
            |work| (work.min(65_535), work.div_ceil(65_535)),
            |(x, times)| f64::from(x) * f64::from(times) * FLOPS,
        );
        let gbytes =
            self.rate(&copy, &group, |work| (COPYING / 64, work), |(_, times)| 2.0 * bytes as f64 * f64::from(times));
        Ok(Peak { gflops: gflops.await? / 1e9, gbytes: gbytes.await? / 1e9 })
    }

    /// Work a second, with so much work that it takes long enough: `dispatches` says how many workgroups are dispatched how often for
    /// 1, 2, 4, … units, and `amount` what that is.
    async fn rate(
        &self,
        pipeline: &wgpu::ComputePipeline,
        group: &wgpu::BindGroup,
        dispatches: impl Fn(u32) -> (u32, u32),
        amount: impl Fn((u32, u32)) -> f64,
    ) -> Result<f64> {
        let (mut work, mut best) = (1, 0.0_f64);
        // The first one compiles the kernel.
        self.play(pipeline, group, dispatches(1)).await?;
        loop {
            let (x, times) = dispatches(work);
            let start = Instant::now();
            self.play(pipeline, group, (x, times)).await?;
            let seconds = start.elapsed().as_secs_f64();
            best = best.max(amount((x, times)) / seconds);
            if seconds > ENOUGH || work > 1 << 24 {
                return Ok(best);
            }
            work *= 2;
        }
    }

    async fn play(
        &self,
        pipeline: &wgpu::ComputePipeline,
        group: &wgpu::BindGroup,
        (x, times): (u32, u32),
    ) -> Result<()> {
        let pending = self.submit(|encoder| {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, group, &[]);
            (0..times).for_each(|_| pass.dispatch_workgroups(x, 1, 1));
        });
        self.finished(pending.await?).await
    }
}
