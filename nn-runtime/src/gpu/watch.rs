//! Numbers that are not finite, looked for on the device behind each submission of a run that is watched; and the last state without any,
//! to go back to. What comes to the host is a flag, when it waits for the submission anyway.

use std::sync::atomic::Ordering::Relaxed;

use super::budget::{bytes, spread};
use super::context::{Gpu, Pending};
use super::lane::{Lane, SLOT_BYTES};
use super::loaded::{Loaded, states_of_buffers};
use super::own::{READ, WRITTEN, kernels};
use super::readback::Reader;
use super::recording::record;
use crate::error::Result;

/// Floats that a workgroup looks at in each vector.
const GROUP: u64 = 4 * 64;
/// Words of a flag: the flag, then where a step's results have one of their own (0 where they have none), then nothing.
const FLAG: u64 = 4;

/// The kernel.
#[derive(Clone, Debug)]
struct Kernel {
    group: wgpu::BindGroupLayout,
    pipeline: wgpu::ComputePipeline,
}

impl Kernel {
    /// To be called inside error scopes.
    fn new(device: &wgpu::Device) -> Self {
        let types = [wgpu::BufferBindingType::Uniform, READ, READ, READ, READ, READ, READ, WRITTEN];
        let shader = wgpu::include_wgsl!("watch.wgsl");
        let (group, [pipeline]) = kernels(device, "watch", shader, &types, ["watch"]);
        Kernel { group, pipeline }
    }
}

/// Whether a network's training is watched, and its memory for that.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) on: bool,
    kernel: std::sync::OnceLock<Kernel>,
    /// Parameters and states to go back to.
    noted: Vec<wgpu::Buffer>,
}

impl Watch {
    /// Copies what to go back to.
    pub(super) async fn note(&mut self, loaded: &Loaded) -> Result<()> {
        let size = bytes(loaded.program.parameter_floats as u64);
        for _ in self.noted.len()..loaded.vectors().count() {
            let usage = wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
            self.noted.push(loaded.budget.buffer("what a watched run goes back to", size, usage).await?);
        }
        let encode = |encoder: &mut wgpu::CommandEncoder| {
            let pairs = loaded.vectors().zip(&self.noted);
            pairs.for_each(|(now, noted)| encoder.copy_buffer_to_buffer(now.buffer, bytes(now.start), noted, 0, size));
        };
        loaded.submit(encode).await?;
        Ok(())
    }

    /// Goes back.
    pub(super) async fn recall(&self, loaded: &Loaded) -> Result<()> {
        let size = bytes(loaded.program.parameter_floats as u64);
        let encode = |encoder: &mut wgpu::CommandEncoder| {
            let pairs = loaded.vectors().zip(&self.noted);
            pairs.for_each(|(now, noted)| encoder.copy_buffer_to_buffer(noted, 0, now.buffer, bytes(now.start), size));
        };
        loaded.submit(encode).await?;
        Ok(())
    }

    /// Whether all parameters and states are finite now.
    pub(super) async fn is_finite(&self, loaded: &Loaded) -> Result<bool> {
        use wgpu::BufferUsages as Usage;
        // A table with one step whose results begin at 0, and these results, are zeros.
        let usage = Usage::UNIFORM | Usage::STORAGE;
        let nothing = loaded.budget.buffer("no steps", SLOT_BYTES as u64, usage).await?;
        let bound = self.bind_to(loaded, &nothing, &nothing).await?;
        let pending = loaded.submit(|encoder| bound.encode(loaded, encoder, 0, 0)).await?;
        bound.is_finite(loaded, pending, 0).await
    }

    /// With the memory of a run.
    pub(super) async fn bind(&self, loaded: &Loaded, lane: &Lane) -> Result<Bound> {
        self.bind_to(loaded, &lane.slots, &lane.results).await
    }

    async fn bind_to(&self, loaded: &Loaded, slots: &wgpu::Buffer, results: &wgpu::Buffer) -> Result<Bound> {
        use wgpu::BufferUsages as Usage;
        let gpu = loaded.gpu();
        let kernel = match self.kernel.get() {
            Some(kernel) => kernel.clone(),
            // Two threads may both get here; they make the same.
            None => {
                let made = gpu.scoped("the kernel that watches", || Kernel::new(gpu.device())).await?;
                self.kernel.get_or_init(|| made).clone()
            }
        };
        let usage = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        let found = loaded.budget.buffer("a flag", bytes(FLAG), usage).await?;
        let own = loaded.program.non_finite.unwrap_or(0) as u32;
        gpu.queue().write_buffer(&found, 0, bytemuck::cast_slice(&[0, own, 0, 0]));
        let mut readers = <[Reader; super::steps::IN_FLIGHT]>::default();
        for reader in &mut readers {
            reader.reserve(&loaded.budget, FLAG).await?;
        }
        let [state0, state1, state2] = &loaded.states;
        let last = wgpu::BufferBinding { buffer: slots, offset: 0, size: wgpu::BufferSize::new(SLOT_BYTES as u64) };
        let resources = [
            wgpu::BindingResource::Buffer(last),
            loaded.parameters.as_entire_binding(),
            state0.as_entire_binding(),
            state1.as_entire_binding(),
            state2.as_entire_binding(),
            results.as_entire_binding(),
            slots.as_entire_binding(),
            found.as_entire_binding(),
        ];
        // The longest buffer decides.
        let vectors = states_of_buffers(loaded.program.states.len()).into_iter().fold(1, usize::max);
        let floats = (vectors * loaded.program.parameter_floats) as u64;
        let entry = |(binding, resource)| wgpu::BindGroupEntry { binding, resource };
        let entries: Vec<_> = (0..).zip(resources).map(entry).collect();
        let descriptor = wgpu::BindGroupDescriptor { label: Some("watch"), layout: &kernel.group, entries: &entries };
        let group = gpu.scoped("a bind group", || gpu.device().create_bind_group(&descriptor)).await?;
        Ok(Bound { pipeline: kernel.pipeline, group, found, readers, floats })
    }
}

/// The kernel, bound to the memory of a run, and the flags of the submissions that are in flight.
pub(super) struct Bound {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    found: wgpu::Buffer,
    readers: [Reader; super::steps::IN_FLIGHT],
    floats: u64,
}

impl Bound {
    /// Encodes a look behind the submission of this number, whose last step has this entry of the table.
    pub(super) fn encode(&self, loaded: &Loaded, encoder: &mut wgpu::CommandEncoder, submission: usize, last: usize) {
        encoder.clear_buffer(&self.found, 0, Some(bytes(1)));
        let workgroups = spread(self.floats.div_ceil(GROUP), axis(loaded.gpu())).unwrap_or((1, 1));
        record(loaded, encoder, |to| {
            to.bind(&self.group, (last * SLOT_BYTES) as u32);
            to.dispatch("watch", &self.pipeline, workgroups);
        });
        self.reader(submission).copy(encoder, (&self.found, 0), 0, FLAG);
    }

    /// Waits for the submission of this number, and says whether all that it has looked at is finite.
    pub(super) async fn is_finite(&self, loaded: &Loaded, pending: Pending, submission: usize) -> Result<bool> {
        loaded.counts.flags.fetch_add(1, Relaxed);
        let flag = self.reader(submission).finish(&loaded.budget, pending, FLAG).await?;
        Ok(flag.first().is_none_or(|word| word.to_bits() == 0))
    }

    fn reader(&self, submission: usize) -> &Reader {
        &self.readers[submission % self.readers.len()]
    }
}

fn axis(gpu: &Gpu) -> u32 {
    gpu.limits().max_compute_workgroups_per_dimension
}
