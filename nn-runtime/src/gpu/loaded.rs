//! A network's vectors on a device, and the calls that all its schedules make.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::{Budget, bytes};
use super::context::{Gpu, Pending};
use super::readback::{READ_FLOATS, Reader};
use crate::error::{Error, Result};
use crate::program::Program;

/// A network on a device.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) budget: Budget,
    pub(super) program: &'static Program,
    pub(super) parameters: wgpu::Buffer,
    /// As many as can be bound; those that the optimizer has none for are small and unused. See [`Loaded::vectors`].
    pub(super) states: [wgpu::Buffer; STATE_BUFFERS],
    pub(super) counts: Counts,
    /// For the vectors' readbacks, which belong to no schedule.
    reader: Mutex<Reader>,
}

/// A vector as long as that of the parameters: where it begins in its buffer, in floats.
#[derive(Clone, Copy)]
pub(super) struct Vector<'a> {
    pub(super) buffer: &'a wgpu::Buffer,
    pub(super) start: u64,
}

/// Buffers for the optimizer's states: a kernel can bind no more.
pub(super) const STATE_BUFFERS: usize = 3;

/// How many of so many state vectors each buffer has: one, but for the last one, which has what is left.
pub(super) fn states_of_buffers(states: usize) -> [usize; STATE_BUFFERS] {
    let last = STATE_BUFFERS - 1;
    std::array::from_fn(|i| if i == last { states.saturating_sub(last) } else { usize::from(i < states) })
}

/// What was done so far; for tests of what happens inside a run.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Kernels dispatched, gathers among them.
    pub dispatches: u64,
    /// Command buffers handed to the device.
    pub submissions: u64,
    /// Times that the host waited for numbers of the device's.
    pub readbacks: u64,
    /// Flags that came to the host when it waited for their submissions.
    pub flags: u64,
    /// Windows of data that were brought to the device because it does not hold the whole set.
    pub windows: u64,
    /// Those among them that were packed without waiting for the steps before them: the device has something to do meanwhile.
    pub ahead: u64,
    /// Texts of dispatches that were measured.
    pub measured: u64,
}

/// [`Counters`] that threads share.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) dispatches: AtomicU64,
    pub(super) submissions: AtomicU64,
    pub(super) readbacks: AtomicU64,
    pub(super) flags: AtomicU64,
    pub(super) windows: AtomicU64,
    pub(super) ahead: AtomicU64,
    pub(super) measured: AtomicU64,
}

/// Takes a lock. What it guards is whole even if a holder panicked: nothing is left half done under any of ours.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loaded {
    pub(super) async fn new(gpu: &Gpu, program: &'static Program) -> Result<Self> {
        let budget = Budget { gpu: gpu.clone(), network: program.name };
        budget.program(program)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let size = bytes(program.parameter_floats as u64);
        let parameters = budget.buffer("the parameters", size, usage).await?;
        let vectors = states_of_buffers(program.states.len());
        let state = |i: usize| budget.buffer("the optimizer's state", vectors[i] as u64 * size, usage);
        let states = [state(0).await?, state(1).await?, state(2).await?];
        let (counts, reader) = (Counts::default(), Mutex::default());
        let loaded = Self { budget, program, parameters, states, counts, reader };
        for (vector, &start) in loaded.vectors().skip(1).zip(program.states) {
            // wgpu's buffers start from zero.
            if start.to_bits() != 0 {
                loaded.write(vector, &vec![start; program.parameter_floats]).await?;
            }
        }
        Ok(loaded)
    }

    pub(super) fn gpu(&self) -> &Gpu {
        &self.budget.gpu
    }

    /// The vectors that training changes: the parameters, then each of the optimizer's states.
    pub(super) fn vectors(&self) -> impl Iterator<Item = Vector<'_>> {
        let floats = self.program.parameter_floats as u64;
        let state = move |i: usize| {
            let buffer = i.min(STATE_BUFFERS - 1);
            Vector { buffer: &self.states[buffer], start: (i - buffer) as u64 * floats }
        };
        std::iter::once(Vector { buffer: &self.parameters, start: 0 }).chain((0..self.program.states.len()).map(state))
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            dispatches: self.counts.dispatches.load(Relaxed),
            submissions: self.counts.submissions.load(Relaxed),
            readbacks: self.counts.readbacks.load(Relaxed),
            flags: self.counts.flags.load(Relaxed),
            windows: self.counts.windows.load(Relaxed),
            ahead: self.counts.ahead.load(Relaxed),
            measured: self.counts.measured.load(Relaxed),
        }
    }

    /// Hands commands to the device.
    pub(super) async fn submit(&self, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<Pending> {
        self.counts.submissions.fetch_add(1, Relaxed);
        self.gpu().submit(encode).await
    }

    /// Waits for a submission that ends with copies to the reader.
    pub(super) async fn finish(&self, reader: &Reader, pending: Pending, floats: u64) -> Result<Vec<f32>> {
        self.counts.readbacks.fetch_add(1, Relaxed);
        reader.finish(&self.budget, pending, floats).await
    }

    /// Reads pieces of buffers (the buffer, where, how many floats), one after another, through a reader that holds
    /// [`READ_FLOATS`] or all of them. `first` is encoded before them.
    pub(super) async fn read_pieces(
        &self,
        reader: &Reader,
        pieces: impl IntoIterator<Item = (&wgpu::Buffer, u64, u64)>,
        first: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<Vec<f32>> {
        let mut left: VecDeque<_> = pieces.into_iter().filter(|&(_, _, floats)| floats > 0).collect();
        let mut values = Vec::with_capacity(left.iter().map(|&(_, _, floats)| floats as usize).sum());
        let mut first = Some(first);
        while first.is_some() || !left.is_empty() {
            let mut filled = 0;
            let encode = |encoder: &mut wgpu::CommandEncoder| {
                if let Some(first) = first.take() {
                    first(encoder);
                }
                while filled < READ_FLOATS
                    && let Some((buffer, at, floats)) = left.pop_front()
                {
                    let now = floats.min(READ_FLOATS - filled);
                    reader.copy(encoder, (buffer, at), filled, now);
                    filled += now;
                    if now < floats {
                        left.push_front((buffer, at + now, floats - now));
                    }
                }
            };
            let pending = self.submit(encode).await?;
            values.extend(self.finish(reader, pending, filled).await?);
        }
        Ok(values)
    }

    /// Copies a vector to the device.
    pub(super) async fn write(&self, Vector { buffer, start }: Vector<'_>, values: &[f32]) -> Result<()> {
        let (network, wanted, given) = (self.program.name, self.program.parameter_floats, values.len());
        if given != wanted {
            return Err(Error::Weights(format!(
                "`{network}` keeps vectors of {wanted} numbers, but {given} were given"
            )));
        }
        let write = || self.gpu().queue().write_buffer(buffer, bytes(start), bytemuck::cast_slice(values));
        self.gpu().scoped("an upload of parameters", write).await
    }

    /// Copies a vector from the device.
    pub(super) async fn read(&self, Vector { buffer, start }: Vector<'_>) -> Result<Vec<f32>> {
        let floats = self.program.parameter_floats as u64;
        let mut reader = std::mem::take(&mut *lock(&self.reader));
        reader.reserve(&self.budget, floats.min(READ_FLOATS)).await?;
        let values = self.read_pieces(&reader, [(buffer, start, floats)], |_| ()).await?;
        *lock(&self.reader) = reader;
        Ok(values)
    }
}
