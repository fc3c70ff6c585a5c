//! What a training step does around the optimizer where somebody asked for it: the gradients of several steps are summed before the
//! update, and frozen parameters stay what they are. Small kernels of the runtime's own do it, so that it needs nothing of a
//! network's; a network that uses none of it has no dispatch more.

use std::ops::Range;

use super::budget::{bytes, spread};
use super::context::Gpu;
use super::lane::Lane;
use super::loaded::{Loaded, Vector};
use super::own::{READ, WRITTEN, kernels};
use super::pipelines::UNIFORM_BYTES;
use super::recording::Recording;
use crate::error::Result;
use crate::program::StepUniform;

/// Floats that a workgroup does.
const GROUP: u64 = 4 * 64;

/// The kernels.
#[derive(Clone, Debug)]
struct Kernels {
    group: wgpu::BindGroupLayout,
    accumulate: wgpu::ComputePipeline,
    clear: wgpu::ComputePipeline,
    hold: wgpu::ComputePipeline,
}

impl Kernels {
    /// To be called inside error scopes.
    fn new(device: &wgpu::Device) -> Self {
        let types = [wgpu::BufferBindingType::Uniform, WRITTEN, WRITTEN, WRITTEN, READ, READ, READ];
        let shader = wgpu::include_wgsl!("between.wgsl");
        let names = ["accumulate", "clear", "hold"];
        let (group, [accumulate, clear, hold]) = kernels(device, "between", shader, &types, names);
        Self { group, accumulate, clear, hold }
    }
}

/// A network's memory for it.
#[derive(Debug, Default)]
pub(super) struct Between {
    /// Made when a run needs them for the first time.
    kernels: Option<Kernels>,
    /// The sum of an update's gradients so far.
    sum: Option<wgpu::Buffer>,
    frozen: Option<Frozen>,
}

/// Parameters that stay, and what they and their states are.
#[derive(Debug)]
struct Frozen {
    ranges: Vec<Range<usize>>,
    /// One range behind the other; first the parameters, then each state.
    kept: Vec<wgpu::Buffer>,
}

impl Frozen {
    fn floats(&self) -> u64 {
        self.ranges.iter().map(|range| range.len() as u64).sum()
    }

    /// Copies the ranges of a vector to what is kept of it, or back.
    fn copy(&self, encoder: &mut wgpu::CommandEncoder, vector: Vector<'_>, kept: &wgpu::Buffer, back: bool) {
        let mut at = 0;
        for range in &self.ranges {
            let (place, size) = (bytes(vector.start + range.start as u64), bytes(range.len() as u64));
            match back {
                true => encoder.copy_buffer_to_buffer(kept, at, vector.buffer, place, size),
                false => encoder.copy_buffer_to_buffer(vector.buffer, place, kept, at, size),
            }
            at += size;
        }
    }
}

impl Between {
    /// Chooses what is frozen.
    pub(super) async fn freeze(&mut self, loaded: &Loaded, ranges: Vec<Range<usize>>) -> Result<()> {
        self.frozen = None;
        if ranges.is_empty() {
            return Ok(());
        }
        let mut frozen = Frozen { ranges, kept: vec![] };
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        for _ in 0..1 + loaded.program.states.len() {
            let kept = loaded.budget.buffer("the frozen parameters", bytes(frozen.floats()), usage).await?;
            frozen.kept.push(kept);
        }
        self.frozen = Some(frozen);
        Ok(())
    }

    /// Whether there are frozen parameters.
    pub(super) fn freezes(&self) -> bool {
        self.frozen.is_some()
    }

    /// Prepares a run of these steps. Says whether there is anything to do in it.
    pub(super) async fn begin(&mut self, loaded: &Loaded, steps: &[StepUniform]) -> Result<bool> {
        let accumulates = steps.iter().any(StepUniform::accumulates);
        if !accumulates && self.frozen.is_none() {
            return Ok(false);
        }
        if self.kernels.is_none() {
            let make = || Kernels::new(loaded.gpu().device());
            self.kernels = Some(loaded.gpu().scoped("the kernels around the update", make).await?);
        }
        if accumulates && self.sum.is_none() {
            // And two fours of what the steps have counted.
            let size = bytes(loaded.program.trained_floats as u64 + 8);
            let usage = wgpu::BufferUsages::STORAGE;
            self.sum = Some(loaded.budget.buffer("the sum of gradients", size, usage).await?);
        }
        self.copy(loaded, 0, false).await?;
        Ok(true)
    }

    /// Puts back the states of what is frozen, behind a run.
    pub(super) async fn end(&self, loaded: &Loaded) -> Result<()> {
        self.copy(loaded, 1, true).await
    }

    /// Copies what is frozen of the vectors from this one on; 0 is the parameters.
    async fn copy(&self, loaded: &Loaded, first: usize, back: bool) -> Result<()> {
        let Some(frozen) = &self.frozen else { return Ok(()) };
        let vectors = loaded.vectors().zip(&frozen.kept).skip(first);
        let encode = |encoder: &mut wgpu::CommandEncoder| {
            vectors.for_each(|(vector, kept)| frozen.copy(encoder, vector, kept, back));
        };
        loaded.submit(encode).await?;
        Ok(())
    }

    /// With the memory of a run; [`Between::begin`] has prepared it.
    pub(super) async fn bind(&self, loaded: &Loaded, lane: &Lane) -> Result<Option<Bound>> {
        let Some(kernels) = self.kernels.clone() else { return Ok(None) };
        let quads = |floats: usize| (floats / 4) as u32;
        let program = loaded.program;
        let places: Vec<u32> = (self.frozen.iter())
            .flat_map(|frozen| &frozen.ranges)
            .flat_map(|range| quads(range.start)..quads(range.end))
            .collect();
        let weight = program.weight_in_update().unwrap_or(0) as u32;
        let mut table = vec![quads(program.trained_floats), quads(program.changed_floats), places.len() as u32, weight];
        table.extend(&places);
        // A table has a place at least.
        table.resize(table.len().max(5), 0);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let places_buffer =
            loaded.budget.buffer("the places of frozen parameters", bytes(table.len() as u64), usage).await?;
        let nothing =
            [loaded.budget.buffer("nothing", 0, usage).await?, loaded.budget.buffer("nothing", 0, usage).await?];
        let kept = self.frozen.as_ref().and_then(|frozen| frozen.kept.first()).unwrap_or(&nothing[0]);
        let sum = self.sum.as_ref().unwrap_or(&nothing[1]);
        let make = || {
            loaded.gpu().queue().write_buffer(&places_buffer, 0, bytemuck::cast_slice(&table));
            let uniform =
                wgpu::BufferBinding { buffer: &lane.slots, offset: 0, size: wgpu::BufferSize::new(UNIFORM_BYTES) };
            let resources = [
                wgpu::BindingResource::Buffer(uniform),
                loaded.parameters.as_entire_binding(),
                lane.gradients.as_entire_binding(),
                sum.as_entire_binding(),
                kept.as_entire_binding(),
                places_buffer.as_entire_binding(),
                lane.results.as_entire_binding(),
            ];
            let entry = |(binding, resource)| wgpu::BindGroupEntry { binding, resource };
            let entries: Vec<_> = (0..).zip(resources).map(entry).collect();
            loaded.gpu().device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("between"),
                layout: &kernels.group,
                entries: &entries,
            })
        };
        let group = loaded.gpu().scoped("a bind group", make).await?;
        Ok(Some(Bound { kernels, group, frozen: 4 * places.len() as u64, changed: program.changed_floats as u64 }))
    }
}

/// It, bound to the memory of a run.
pub(super) struct Bound {
    kernels: Kernels,
    group: wgpu::BindGroup,
    /// Floats that are frozen.
    frozen: u64,
    /// Floats of parameters and buffers that training changes.
    changed: u64,
}

impl Bound {
    /// Encodes what comes between the pass and the update; `offset` is the step's place in the table.
    pub(super) fn before_update(&self, gpu: &Gpu, to: &mut Recording<'_, '_>, offset: u32, step: &StepUniform) {
        to.bind(&self.group, offset);
        if step.accumulates() {
            dispatch(gpu, to, "accumulate", &self.kernels.accumulate, self.changed);
        }
        if step.updates() {
            dispatch(gpu, to, "clear", &self.kernels.clear, self.frozen);
        }
    }

    /// Encodes what comes behind a step.
    pub(super) fn behind(&self, gpu: &Gpu, to: &mut Recording<'_, '_>, offset: u32) {
        if self.frozen > 0 {
            to.bind(&self.group, offset);
            dispatch(gpu, to, "hold", &self.kernels.hold, self.frozen);
        }
    }
}

fn dispatch(gpu: &Gpu, to: &mut Recording<'_, '_>, name: &'static str, pipeline: &wgpu::ComputePipeline, floats: u64) {
    let axis = gpu.limits().max_compute_workgroups_per_dimension;
    if let Some(workgroups) = spread(floats.div_ceil(GROUP), axis) {
        to.dispatch(name, pipeline, workgroups);
    }
}
