//! A schedule on a device: its pipelines, and the lanes that wait for its next run.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use super::budget::spread;
use super::data_set::Source;
use super::lane::{Lane, Size, stride};
use super::loaded::{Loaded, lock};
use super::pipelines::{self, gather_workgroups};
use crate::error::Result;
use crate::program::{Schedule, StepUniform};

/// A schedule on a device.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) name: &'static str,
    pub(super) schedule: &'static Schedule,
    /// Floats of gradients that it computes.
    pub(super) gradients: u64,
    /// Arithmetic operations for one sample, roughly.
    pub(super) flops: u64,
    /// Made when the schedule runs for the first time.
    pipelines: Mutex<Option<Arc<[wgpu::ComputePipeline]>>>,
    /// Those not in use: a run takes one or makes one, so that runs from several threads have one each.
    lanes: Mutex<Vec<Lane>>,
}

/// Everything that a run holds.
pub(super) struct Run<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) track: &'a Track,
    pub(super) lane: Lane,
    pipelines: Arc<[wgpu::ComputePipeline]>,
}

impl Track {
    pub(super) fn new(name: &'static str, schedule: &'static Schedule, gradients: u64, flops: u64) -> Self {
        Self { name, schedule, gradients, flops, pipelines: Mutex::default(), lanes: Mutex::default() }
    }

    async fn pipelines(&self, loaded: &Loaded) -> Result<Arc<[wgpu::ComputePipeline]>> {
        if let Some(pipelines) = &*lock(&self.pipelines) {
            return Ok(Arc::clone(pipelines));
        }
        // Two threads may both get here; they make the same.
        let pipelines: Arc<[_]> = pipelines::compile(loaded.gpu(), self.schedule.all_shaders()).await?.into();
        *lock(&self.pipelines) = Some(Arc::clone(&pipelines));
        Ok(pipelines)
    }

    /// Prepares a run that needs this much.
    pub(super) async fn run<'a>(&'a self, loaded: &'a Loaded, size: Size) -> Result<Run<'a>> {
        let pipelines = self.pipelines(loaded).await?;
        let waiting = lock(&self.lanes).pop();
        let lane = match waiting {
            Some(lane) if lane.size.union(&size) == lane.size => lane,
            other => {
                let size = other.as_ref().map_or(size, |lane| lane.size.union(&size));
                // Its memory may be what the new one needs.
                drop(other);
                Lane::new(loaded, self.name, self.schedule, self.gradients, size).await?
            }
        };
        Ok(Run { loaded, track: self, lane, pipelines })
    }
}

impl Run<'_> {
    /// Keeps the lane for the next run. A run that failed does not get here, and its lane is gone.
    pub(super) fn end(self) {
        lock(&self.track.lanes).push(self.lane);
    }

    /// Encodes steps whose entries in the table begin at `first`, each after a gather from the source if there is one.
    pub(super) fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        source: Option<&Source>,
        first: usize,
        steps: &[StepUniform],
    ) {
        let gpu = self.loaded.gpu();
        let mut dispatches = 0;
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let mut dispatch = |pass: &mut wgpu::ComputePass<'_>, pipeline, count: u64| {
            let axis = gpu.limits().max_compute_workgroups_per_dimension;
            if let Some((x, y)) = spread(count, axis) {
                pass.set_pipeline(pipeline);
                pass.dispatch_workgroups(x, y, 1);
                dispatches += 1;
            }
        };
        for (i, step) in steps.iter().enumerate() {
            // A table is a few megabytes at most.
            let offset = ((first + i) * stride(gpu.limits())) as u32;
            if let Some(source) = source {
                pass.set_bind_group(0, &source.group, &[offset]);
                dispatch(&mut pass, &gpu.layouts().gather, gather_workgroups(source.width).count(step.batch as usize));
            }
            pass.set_bind_group(0, &self.lane.group, &[offset]);
            for (shader, pipeline) in self.track.schedule.all_shaders().zip(&*self.pipelines) {
                dispatch(&mut pass, pipeline, shader.count(step.batch as usize));
            }
        }
        self.loaded.counts.dispatches.fetch_add(dispatches, Relaxed);
    }
}
