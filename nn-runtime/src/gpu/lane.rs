//! What one run of a schedule needs on the device: memory of its own, bound together with the network's vectors.

use super::budget::{arena_floats, bytes, halves};
use super::loaded::Loaded;
use super::pipelines;
use super::readback::Reader;
use crate::error::Result;
use crate::program::{Schedule, StepUniform};

/// An entry of the table of steps. Kernels see its first part, the gather kernel a little more, a resident program all.
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Slot {
    /// What kernels see.
    pub(super) step: StepUniform,
    /// Where the step's samples begin in the order.
    pub(super) first: u32,
    /// Floats in a record.
    pub(super) width: u32,
    /// The number of this entry in the table.
    pub(super) number: u32,
    /// How many steps a resident program plays in the dispatch that begins here.
    pub(super) steps: u32,
    /// Where each field begins in a record.
    pub(super) columns: [u32; COLUMNS],
    pub(super) unused: [u32; 4],
}

/// Fields for whose places an entry has room. Networks with more have no resident program.
pub(super) const COLUMNS: usize = 32;

/// Bytes of an entry. Every device can bind a uniform at multiples of 256 bytes.
pub(super) const SLOT_BYTES: usize = size_of::<Slot>();
const _: () = assert!(SLOT_BYTES == 256);

impl Slot {
    /// The entries of a step: its own, then one for each step of the schedule's loops.
    pub(super) fn entries(self, schedule: &Schedule) -> Vec<Slot> {
        let mut entries = vec![self; schedule.entries()];
        for (loop_step, entry) in entries[1..].iter_mut().enumerate() {
            entry.step.part = loop_step as u32;
        }
        entries
    }
}

/// How much a run asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Samples in the arena; a multiple of 4.
    pub(super) capacity: usize,
    /// Entries in the table of steps.
    pub(super) slots: usize,
    /// Floats of results.
    pub(super) results: u64,
    /// Entries in the order.
    pub(super) order: usize,
    /// Floats that are read back at once.
    pub(super) read: u64,
}

impl Size {
    /// What holds either.
    pub(super) fn union(&self, other: &Self) -> Self {
        Self {
            capacity: self.capacity.max(other.capacity),
            slots: self.slots.max(other.slots),
            results: self.results.max(other.results),
            order: self.order.max(other.order),
            read: self.read.max(other.read),
        }
    }
}

/// Memory for one run of a schedule.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) size: Size,
    pub(super) arena: wgpu::Buffer,
    pub(super) gradients: wgpu::Buffer,
    pub(super) results: wgpu::Buffer,
    /// The table of steps: [`Slot`]s.
    pub(super) slots: wgpu::Buffer,
    /// For the gather kernel: the number of each sample's record.
    pub(super) order: wgpu::Buffer,
    /// Group 0 of every kernel.
    pub(super) group: wgpu::BindGroup,
    pub(super) reader: Reader,
}

impl Lane {
    pub(super) async fn new(
        loaded: &Loaded,
        name: &str,
        schedule: &Schedule,
        gradients: u64,
        size: Size,
    ) -> Result<Self> {
        use wgpu::BufferUsages as Usage;
        let budget = &loaded.budget;
        budget.batch(name, schedule, size.capacity)?;
        let device = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        let named = |what: &str| format!("{name}: {what}");
        let samples = size.capacity;
        let floats = bytes(arena_floats(schedule, samples));
        let arena = budget.buffer(&named(&format!("the arena for {samples} samples")), floats, device).await?;
        let words = bytes(halves(schedule, samples).div_ceil(2));
        let halves = budget.buffer(&named(&format!("the arena of f16 for {samples} samples")), words, device).await?;
        let gradients = budget.buffer(&named("the gradients"), bytes(gradients), device).await?;
        let results = budget.buffer(&named("the results"), bytes(size.results), device).await?;
        let order = budget.buffer(&named("the order of samples"), bytes(size.order as u64), device).await?;
        let table = (SLOT_BYTES * size.slots.max(1)) as u64;
        let usage = Usage::UNIFORM | Usage::STORAGE | Usage::COPY_DST;
        let slots = budget.buffer(&named("the table of steps"), table, usage).await?;
        let mut reader = Reader::default();
        reader.reserve(budget, size.read).await?;

        let [state0, state1, state2] = &loaded.states;
        let storage = [&arena, &loaded.parameters, &gradients, &results, state0, state1, state2, &halves];
        let make = || pipelines::bind(&budget.gpu, name, &slots, storage);
        let group = budget.gpu.scoped("a bind group", make).await?;
        Ok(Self { size, arena, gradients, results, slots, order, group, reader })
    }

    /// Where a tensor with the batch in front begins in the arena, in floats.
    pub(super) fn place(&self, schedule: &Schedule, offset: usize) -> u64 {
        schedule.fixed_floats as u64 + self.size.capacity as u64 * offset as u64
    }
}
