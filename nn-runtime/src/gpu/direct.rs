//! Runs over samples in the order in which the host holds them: prediction and gradients. They go straight into the arena.

use std::collections::VecDeque;

use super::budget::bytes;
use super::data_set;
use super::kept::Piece;
use super::lane::{Size, Slot};
use super::loaded::Loaded;
use super::readback::READ_FLOATS;
use super::recording::record;
use super::track::{Run, Track};
use crate::backend::{Columns, Gradients};
use crate::error::{Error, Result};
use crate::program::{Schedule, StepUniform};

/// The largest arena that `predict` asks for of its own accord: 32 MiB.
const PREDICT_FLOATS: u64 = 8 << 20;
/// The most samples in a chunk of `predict`.
const PREDICT_SAMPLES: u64 = 4096;
/// Chunks that the device may have before it at once: wgpu keeps a copy of their inputs until it has taken them.
const IN_FLIGHT: usize = 4;

/// Checks that the data has every field that the schedule reads; gives the floats in a sample of each.
fn check(loaded: &Loaded, track: &Track, data: &Columns<'_>) -> Result<Vec<usize>> {
    let sizes = data_set::check(loaded.program, data)?;
    let used = track.schedule.fields.iter().chain(track.schedule.field_gradients);
    match used.into_iter().find(|&&(field, _)| field >= sizes.len()) {
        Some(&(field, _)) => Err(data_set::missing(loaded.program, track.name, field)),
        None => Ok(sizes),
    }
}

impl Run<'_> {
    /// Uploads samples in order, as the fields of the next batch, and its entry of the table.
    fn place_samples(&self, data: &Columns<'_>, sizes: &[usize], first: usize, step: StepUniform) {
        let (queue, lane) = (self.loaded.gpu().queue(), &self.lane);
        let step = StepUniform { capacity: lane.size.capacity as u32, result: 0, ..step };
        let slots = Slot { step, ..Slot::default() }.entries(self.track.schedule);
        queue.write_buffer(&lane.slots, 0, bytemuck::cast_slice(&slots));
        for &(field, offset) in self.track.schedule.fields {
            let samples = &data.fields[field][first * sizes[field]..][..step.batch as usize * sizes[field]];
            let to = bytes(lane.place(self.track.schedule, offset));
            queue.write_buffer(&lane.arena, to, bytemuck::cast_slice(samples));
        }
    }
}

/// Samples in a chunk of `predict`: all, if they are few.
fn chunk(loaded: &Loaded, schedule: &Schedule, samples: usize) -> usize {
    let room = PREDICT_FLOATS.min(loaded.budget.largest() / 4).saturating_sub(schedule.fixed_floats as u64);
    let most = (room / (schedule.sample_words() as u64).max(1)).min(PREDICT_SAMPLES) as usize / 4 * 4;
    // The smallest arena fits; that was checked when the network was loaded.
    samples.next_multiple_of(4).min(most.max(4))
}

/// Outputs from inputs, for any number of samples.
pub(super) async fn predict(
    loaded: &Loaded,
    track: &Track,
    data: Columns<'_>,
    step: StepUniform,
    kept: &mut [f32],
) -> Result<Vec<Vec<f32>>> {
    let schedule = track.schedule;
    let sizes = check(loaded, track, &data)?;
    let widths: Vec<usize> = loaded.program.outputs.iter().map(|output| output.dims.iter().product()).collect();
    let mut outputs: Vec<Vec<f32>> = widths.iter().map(|width| Vec::with_capacity(width * data.samples)).collect();
    if data.samples == 0 {
        return Ok(outputs);
    }
    let of_kept = schedule.kept.iter().map(|&(number, _)| loaded.program.kept[number].size());
    let width: u64 = widths.iter().copied().chain(of_kept).map(|width| width as u64).sum();
    let chunk = chunk(loaded, schedule, data.samples);
    // Chunks whose outputs are read back together.
    let together = (READ_FLOATS / (width * chunk as u64).max(1)).max(1) as usize * chunk;
    let read = width * together.min(data.samples) as u64;
    let run = track.run(loaded, Size { capacity: chunk, slots: schedule.entries(), read, ..Size::default() }).await?;
    for begin in (0..data.samples).step_by(together) {
        let end = data.samples.min(begin + together);
        let mut flight = VecDeque::new();
        for first in (begin..end).step_by(chunk) {
            if flight.len() == IN_FLIGHT
                && let Some(pending) = flight.pop_front()
            {
                loaded.gpu().finished(pending).await?;
            }
            let batch = chunk.min(end - first);
            let step = StepUniform { batch: batch as u32, ..step };
            let pieces = run.kept(data.samples, first..first + batch);
            let encode = |encoder: &mut wgpu::CommandEncoder| {
                run.place_samples(&data, &sizes, first, step);
                run.place_kept(&pieces, kept);
                record(loaded, encoder, |to| run.encode(to, None, None, 0, &step));
                let mut to = (first - begin) as u64 * width;
                for (&offset, &width) in schedule.outputs.iter().zip(&widths) {
                    let floats = (batch * width) as u64;
                    let from = run.lane.place(schedule, offset);
                    run.lane.reader.copy(encoder, (&run.lane.arena, from), to, floats);
                    to += floats;
                }
                for Piece { outside, inside } in &pieces {
                    run.lane.reader.copy(encoder, (&run.lane.arena, *inside), to, outside.len() as u64);
                    to += outside.len() as u64;
                }
            };
            flight.push_back(loaded.submit(encode).await?);
        }
        let Some(pending) = flight.pop_back() else { continue };
        let read = loaded.finish(&run.lane.reader, pending, (end - begin) as u64 * width).await?;
        let mut rest = &read[..];
        for first in (begin..end).step_by(chunk) {
            for (output, &width) in outputs.iter_mut().zip(&widths) {
                let now;
                (now, rest) = rest.split_at(chunk.min(end - first) * width);
                output.extend_from_slice(now);
            }
            for Piece { outside, .. } in run.kept(data.samples, first..end.min(first + chunk)) {
                let now;
                (now, rest) = rest.split_at(outside.len());
                kept[outside].copy_from_slice(now);
            }
        }
    }
    run.end();
    Ok(outputs)
}

/// Outputs of one batch, as a step that finds in the arena what the step before has left there. Nobody else plays this schedule, so the
/// lane is the same each time.
pub(super) async fn step(
    loaded: &Loaded,
    track: &Track,
    fields: &[&[f32]],
    step: StepUniform,
    is_first: bool,
    outputs: &mut [&mut [f32]],
) -> Result<()> {
    let schedule = track.schedule;
    let samples = step.batch as usize;
    let data = Columns { fields: fields.to_vec(), samples };
    let sizes = check(loaded, track, &data)?;
    let read = outputs.iter().map(|output| output.len() as u64).sum();
    let capacity = samples.next_multiple_of(4);
    let run = track.run(loaded, Size { capacity, slots: schedule.entries(), read, ..Size::default() }).await?;
    let encode = |encoder: &mut wgpu::CommandEncoder| {
        run.place_samples(&data, &sizes, 0, step);
        if is_first {
            for Piece { outside, inside } in run.kept(samples, 0..samples) {
                encoder.clear_buffer(&run.lane.arena, bytes(inside), Some(bytes(outside.len() as u64)));
            }
        }
        record(loaded, encoder, |to| run.encode(to, None, None, 0, &step));
        let mut to = 0;
        for (&offset, output) in schedule.outputs.iter().zip(&*outputs) {
            let from = run.lane.place(schedule, offset);
            run.lane.reader.copy(encoder, (&run.lane.arena, from), to, output.len() as u64);
            to += output.len() as u64;
        }
    };
    let pending = loaded.submit(encode).await?;
    let read = loaded.finish(&run.lane.reader, pending, read).await?;
    let mut rest = &read[..];
    for output in outputs {
        let now;
        (now, rest) = rest.split_at(output.len());
        output.copy_from_slice(now);
    }
    run.end();
    Ok(())
}

/// The loss of one batch, and its gradients.
pub(super) async fn gradients(
    loaded: &Loaded,
    track: &Track,
    data: Columns<'_>,
    step: StepUniform,
    kept: &[f32],
) -> Result<Gradients> {
    let schedule = track.schedule;
    let sizes = check(loaded, track, &data)?;
    if data.samples == 0 {
        return Err(Error::Data(format!("`{}`: a batch without samples has no gradients", loaded.program.name)));
    }
    let field_sizes: Vec<usize> = schedule.field_gradients.iter().map(|&(field, _)| sizes[field]).collect();
    let field_floats: usize = field_sizes.iter().map(|size| size * data.samples).sum();
    let size = Size {
        capacity: data.samples.next_multiple_of(4),
        slots: schedule.entries(),
        results: schedule.result_floats_of(data.samples) as u64,
        read: (1 + track.gradients + field_floats as u64).min(READ_FLOATS),
        ..Size::default()
    };
    let run = track.run(loaded, size).await?;
    let step = StepUniform { batch: data.samples as u32, ..step };
    let mut pieces = vec![(&run.lane.results, 0, 1), (&run.lane.gradients, 0, track.gradients)];
    for (&(_, offset), size) in schedule.field_gradients.iter().zip(&field_sizes) {
        pieces.push((&run.lane.arena, run.lane.place(schedule, offset), (size * data.samples) as u64));
    }
    let pass = |encoder: &mut wgpu::CommandEncoder| {
        run.place_samples(&data, &sizes, 0, step);
        run.place_kept(&run.kept(data.samples, 0..data.samples), kept);
        record(loaded, encoder, |to| run.encode(to, None, None, 0, &step));
    };
    let read = loaded.read_pieces(&run.lane.reader, pieces, pass).await?;
    let (loss, rest) = read.split_at(1);
    let (parameters, mut rest) = rest.split_at(track.gradients as usize);
    let mut fields = Vec::with_capacity(field_sizes.len());
    for (&(field, _), size) in schedule.field_gradients.iter().zip(&field_sizes) {
        let now;
        (now, rest) = rest.split_at(size * data.samples);
        fields.push((field, now.to_vec()));
    }
    let gradients = Gradients { loss: loss[0], parameters: parameters.to_vec(), fields };
    run.end();
    Ok(gradients)
}
