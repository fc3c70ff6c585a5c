//! The dispatches of a submission, while they are encoded.

use std::sync::atomic::Ordering::Relaxed;

use super::loaded::Loaded;
use super::profile::Marks;

/// A pass that dispatches are encoded into.
pub(super) struct Recording<'e, 'p> {
    pass: wgpu::ComputePass<'e>,
    marks: Option<Marks<'p>>,
    dispatches: u64,
}

/// Encodes a pass.
pub(super) fn record(loaded: &Loaded, encoder: &mut wgpu::CommandEncoder, play: impl FnOnce(&mut Recording<'_, '_>)) {
    let (marks, dispatches) = {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let marks = loaded.gpu().profile().map(|profile| profile.start(&mut pass));
        let mut recording = Recording { pass, marks, dispatches: 0 };
        play(&mut recording);
        (recording.marks, recording.dispatches)
    };
    if let Some(marks) = marks {
        marks.keep(loaded.gpu().device(), encoder);
    }
    loaded.counts.dispatches.fetch_add(dispatches, Relaxed);
}

impl Recording<'_, '_> {
    /// What the next kernels bind; `offset` is where the step's entry lies in the table.
    pub(super) fn bind(&mut self, group: &wgpu::BindGroup, offset: u32) {
        self.pass.set_bind_group(0, group, &[offset]);
    }

    /// A kernel of this name, in so many workgroups along two axes.
    pub(super) fn dispatch(&mut self, name: &'static str, pipeline: &wgpu::ComputePipeline, (x, y): (u32, u32)) {
        self.pass.set_pipeline(pipeline);
        self.pass.dispatch_workgroups(x, y, 1);
        self.dispatches += 1;
        if let Some(marks) = &mut self.marks {
            marks.mark(&mut self.pass, name);
        }
    }
}
