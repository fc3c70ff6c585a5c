//! Copying numbers back to the host.

use super::budget::{Budget, bytes};
use super::context::Pending;
use crate::error::Result;

/// The most that one readback brings, where its user can cut: 64 MiB.
pub(super) const READ_FLOATS: u64 = 1 << 24;

/// A buffer that the host can read, reused from readback to readback.
#[derive(Debug, Default)]
pub(super) struct Reader(Option<wgpu::Buffer>);

impl Reader {
    /// Makes room for so many floats.
    pub(super) async fn reserve(&mut self, budget: &Budget, floats: u64) -> Result<()> {
        if self.0.as_ref().is_none_or(|buffer| buffer.size() < bytes(floats)) {
            self.0 = None;
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            self.0 = Some(budget.buffer("a readback", bytes(floats), usage).await?);
        }
        Ok(())
    }

    /// Copies floats of a device's buffer to a place here.
    pub(super) fn copy(&self, encoder: &mut wgpu::CommandEncoder, from: (&wgpu::Buffer, u64), to: u64, floats: u64) {
        if let (Some(buffer), 1..) = (&self.0, floats) {
            encoder.copy_buffer_to_buffer(from.0, bytes(from.1), buffer, bytes(to), bytes(floats));
        }
    }

    /// Waits for the submission that holds the copies, and gives the first so many floats.
    pub(super) async fn finish(&self, budget: &Budget, pending: Pending, floats: u64) -> Result<Vec<f32>> {
        let (Some(buffer), 1..) = (&self.0, floats) else {
            budget.gpu.finished(pending).await?;
            return Ok(Vec::new());
        };
        budget.gpu.mapped(pending, buffer, bytes(floats)).await?;
        let read = match buffer.get_mapped_range(0..bytes(floats)) {
            Ok(view) => view.chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Err(error) => return Err(budget.gpu.failed(&error.to_string())),
        };
        buffer.unmap();
        Ok(read)
    }
}
