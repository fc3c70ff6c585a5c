//! What a network needs against what a device offers, checked before anything is created, and the creation of buffers.

use super::context::Gpu;
use super::loaded::states_of_buffers;
use crate::error::{Error, Result};
use crate::program::{Program, Schedule, Shader};

/// A network that wants something of a device.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub(super) gpu: Gpu,
    pub(super) network: &'static str,
}

/// Bytes of so many floats.
pub(super) const fn bytes(floats: u64) -> u64 {
    floats.saturating_mul(4)
}

/// Floats in a schedule's arena.
pub(super) fn arena_floats(schedule: &Schedule, capacity: usize) -> u64 {
    (schedule.sample_floats as u64).saturating_mul(capacity as u64).saturating_add(schedule.fixed_floats as u64)
}

/// Numbers in a schedule's arena of f16.
pub(super) fn halves(schedule: &Schedule, capacity: usize) -> u64 {
    (schedule.sample_halves as u64).saturating_mul(capacity as u64).saturating_add(schedule.fixed_halves as u64)
}

impl Budget {
    /// An error unless `needed` is within the limit.
    pub(super) fn require(&self, what: &str, needed: u64, limit: &'static str, available: u64) -> Result<()> {
        if needed <= available {
            return Ok(());
        }
        Err(Error::Limit {
            network: self.network,
            device: self.gpu.adapter().to_string(),
            what: what.to_owned(),
            limit,
            needed,
            available,
        })
    }

    /// The largest buffer that a kernel can bind, in bytes; a multiple of 16.
    pub(super) fn largest(&self) -> u64 {
        let limits = self.gpu.limits();
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) & !15
    }

    /// Whether a kernel can bind a buffer of this size.
    pub(super) fn binding(&self, what: &str, bytes: u64) -> Result<()> {
        let limits = self.gpu.limits();
        self.require(what, bytes, "max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size)?;
        self.require(what, bytes, "max_buffer_size", limits.max_buffer_size)
    }

    /// Whether a schedule's arena and dispatches fit for a batch.
    pub(super) fn batch(&self, what: &str, schedule: &Schedule, capacity: usize) -> Result<()> {
        self.binding(&format!("{what}: the arena for {capacity} samples"), bytes(arena_floats(schedule, capacity)))?;
        let words = halves(schedule, capacity).div_ceil(2);
        self.binding(&format!("{what}: the arena of f16 for {capacity} samples"), bytes(words))?;
        for shader in self.gpu.shaders(schedule) {
            let count = shader.count(capacity);
            let axis = u64::from(self.gpu.limits().max_compute_workgroups_per_dimension);
            // Workgroups are spread over two axes.
            let what = format!("`{}` with {capacity} samples, in workgroups over two axes", shader.name);
            self.require(&what, count, "max_compute_workgroups_per_dimension", axis.saturating_mul(axis))?;
        }
        Ok(())
    }

    /// Whether a program fits at all: its vectors, its kernels, and the smallest arena of each schedule.
    pub(super) fn program(&self, program: &Program) -> Result<()> {
        self.binding("the vector of parameters", bytes(program.parameter_floats as u64))?;
        for (buffer, vectors) in states_of_buffers(program.states.len()).into_iter().enumerate() {
            let size = bytes((vectors * program.parameter_floats) as u64);
            self.binding(&format!("buffer {buffer} of the optimizer's states"), size)?;
        }
        let schedules = [
            ("predict", Some(&program.predict)),
            ("evaluate", program.evaluate.as_ref()),
            ("train", program.train.as_ref()),
            ("gradients", program.gradients.as_ref()),
        ];
        for (name, schedule) in schedules {
            let Some(schedule) = schedule else { continue };
            self.batch(name, schedule, 4)?;
            self.binding(&format!("{name}: a step's results"), bytes(schedule.result_floats_of(4) as u64))?;
            for shader in self.gpu.shaders(schedule) {
                self.shader(shader)?;
            }
        }
        Ok(())
    }

    /// A buffer of at least 16 bytes, so that every shader can bind it.
    pub(super) async fn buffer(&self, what: &str, bytes: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer> {
        if usage.contains(wgpu::BufferUsages::STORAGE) {
            self.binding(what, bytes)?;
        } else {
            self.require(what, bytes, "max_buffer_size", self.gpu.limits().max_buffer_size)?;
        }
        let size = bytes.max(16).next_multiple_of(16);
        let make = || {
            self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(what),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        self.gpu.scoped(&format!("{what} ({size} bytes)"), make).await
    }

    /// Whether the device can run a shader.
    pub(super) fn shader(&self, shader: &Shader) -> Result<()> {
        let limits = self.gpu.limits();
        let [x, y, z] = shader.workgroup_size.map(u64::from);
        let what = format!("`{}`", shader.name);
        let axis = |what: &str, size, limit, available: u32| self.require(what, size, limit, u64::from(available));
        axis(&what, x, "max_compute_workgroup_size_x", limits.max_compute_workgroup_size_x)?;
        axis(&what, y, "max_compute_workgroup_size_y", limits.max_compute_workgroup_size_y)?;
        axis(&what, z, "max_compute_workgroup_size_z", limits.max_compute_workgroup_size_z)?;
        let invocations = limits.max_compute_invocations_per_workgroup;
        axis(&what, x * y * z, "max_compute_invocations_per_workgroup", invocations)?;
        let memory = limits.max_compute_workgroup_storage_size;
        axis(&what, u64::from(shader.workgroup_bytes), "max_compute_workgroup_storage_size", memory)
    }
}

/// Spreads workgroups over two axes, as [`Shader::count`] documents; `None` where there is nothing to do.
pub(super) fn spread(count: u64, axis: u32) -> Option<(u32, u32)> {
    let axis = u64::from(axis.max(1));
    let rows = count.div_ceil(axis);
    if rows == 0 {
        return None;
    }
    // Both fit: the budget was checked before.
    Some((count.div_ceil(rows) as u32, rows as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workgroups_are_spread_over_two_axes_without_losing_one() {
        for (count, axis) in [(1, 65_535), (65_535, 65_535), (65_536, 65_535), (200_000, 65_535), (7, 3), (9, 3)] {
            let (x, y) = spread(count, axis).unwrap();
            assert!(x <= axis && y <= axis, "{count} over {axis}: {x} x {y}");
            assert!(u64::from(x) * u64::from(y) >= count, "{count} over {axis}: {x} x {y}");
        }
        assert_eq!(spread(0, 65_535), None);
    }
}
