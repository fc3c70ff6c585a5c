//! A schedule on a device: its pipelines, and the lanes that wait for its next run.

use std::sync::{Arc, Mutex};

use super::between;
use super::budget::spread;
use super::data_set::Source;
use super::lane::{Lane, SLOT_BYTES, Size};
use super::loaded::{Loaded, lock};
use super::pipelines::{self, gather_workgroups};
use super::recording::Recording;
use super::resident::Residence;
use super::tune;
use crate::error::Result;
use crate::program::{Schedule, Shader, StepUniform};

/// A schedule on a device.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) name: &'static str,
    pub(super) schedule: &'static Schedule,
    /// Floats of gradients that it computes.
    pub(super) gradients: u64,
    /// Arithmetic operations for one sample, roughly.
    pub(super) flops: u64,
    /// What plays the steps that fit into a workgroup's memory.
    pub(super) residence: Option<Residence>,
    /// Made when kernels run for the first time.
    kernels: Mutex<Option<Arc<[Kernel]>>>,
    /// Those not in use: a run takes one or makes one, so that runs from several threads have one each.
    lanes: Mutex<Vec<Lane>>,
}

/// Everything that a run holds.
pub(super) struct Run<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) track: &'a Track,
    pub(super) lane: Lane,
    kernels: Arc<[Kernel]>,
}

/// A dispatch as the device runs it.
#[derive(Debug)]
struct Kernel {
    /// The name of its first text, whichever text runs.
    name: &'static str,
    shader: &'static Shader,
    pipeline: wgpu::ComputePipeline,
}

impl Track {
    pub(super) fn new(
        loaded: &Loaded,
        name: &'static str,
        schedule: &'static Schedule,
        gradients: u64,
        flops: u64,
    ) -> Self {
        let residence = Residence::new(loaded, schedule);
        Self { name, schedule, gradients, flops, residence, kernels: Mutex::default(), lanes: Mutex::default() }
    }

    /// The kernels, made for the first run, which this lane is for.
    async fn kernels(&self, loaded: &Loaded, lane: &Lane) -> Result<Arc<[Kernel]>> {
        if let Some(kernels) = &*lock(&self.kernels) {
            return Ok(Arc::clone(kernels));
        }
        // Two threads may both get here; what they make gives the same bits.
        let gpu = loaded.gpu();
        let shaders = match gpu.is_tuned() {
            true => tune::measured(loaded, self.schedule, lane).await?,
            false => gpu.shaders(self.schedule).collect(),
        };
        let variants = shaders.iter().filter(|shader| shader.variant.is_some());
        variants.for_each(|shader| log::debug!("{}: `{}` runs", self.name, shader.name));
        let pipelines = pipelines::compile(gpu, &shaders, lane.size.capacity).await?;
        let names = self.schedule.dispatches().map(|dispatch| dispatch[0].name);
        let kernels = names.zip(shaders).zip(pipelines);
        let kernels: Arc<[_]> = kernels.map(|((name, shader), pipeline)| Kernel { name, shader, pipeline }).collect();
        *lock(&self.kernels) = Some(Arc::clone(&kernels));
        Ok(kernels)
    }

    /// Prepares a run that needs this much. One without samples in the arena needs no kernels.
    pub(super) async fn run<'a>(&'a self, loaded: &'a Loaded, size: Size) -> Result<Run<'a>> {
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
        let kernels = if size.capacity > 0 { self.kernels(loaded, &lane).await? } else { Arc::default() };
        Ok(Run { loaded, track: self, lane, kernels })
    }
}

impl Run<'_> {
    /// Keeps the lane for the next run. A run that failed does not get here, and its lane is gone.
    pub(super) fn end(self) {
        lock(&self.track.lanes).push(self.lane);
    }

    /// Encodes a step, whose first entry in the table has this number, kernel by kernel, after a gather from the source if there is
    /// one, and with what comes between its kernels where somebody asked for it.
    pub(super) fn encode(
        &self,
        to: &mut Recording<'_, '_>,
        source: Option<&Source>,
        between: Option<&between::Bound>,
        number: usize,
        step: &StepUniform,
    ) {
        let gpu = self.loaded.gpu();
        let axis = gpu.limits().max_compute_workgroups_per_dimension;
        // A table is a few megabytes at most.
        let offset = (number * SLOT_BYTES) as u32;
        if let Some(source) = source
            && let Some(workgroups) = spread(gather_workgroups(source.width).count(step.batch as usize), axis)
        {
            to.bind(&source.group, offset);
            to.dispatch("gather", &gpu.layouts().gather, workgroups);
        }
        to.bind(&self.lane.group, offset);
        let update = self.track.schedule.dispatches_before_update();
        let play = |to: &mut Recording<'_, '_>, Kernel { name, shader, pipeline }: &Kernel| {
            if let Some(workgroups) = spread(shader.count(step.batch as usize), axis) {
                to.dispatch(name, pipeline, workgroups);
            }
        };
        let mut next = 0;
        while let Some(kernel) = self.kernels.get(next) {
            if let (Some(between), true) = (between, next == update) {
                between.before_update(gpu, to, offset, step);
                if !step.updates() {
                    break;
                }
                to.bind(&self.lane.group, offset);
            }
            let Some(around) = self.track.schedule.loops.iter().find(|l| l.dispatches.0 == next) else {
                play(to, kernel);
                next += 1;
                continue;
            };
            // Each step of a loop has an entry behind the step's own.
            for loop_step in 0..around.steps {
                to.bind(&self.lane.group, offset + ((1 + loop_step) * SLOT_BYTES) as u32);
                self.kernels[next..around.dispatches.1].iter().for_each(|kernel| play(to, kernel));
            }
            to.bind(&self.lane.group, offset);
            next = around.dispatches.1;
        }
        if let Some(between) = between {
            between.behind(gpu, to, offset);
        }
    }
}
