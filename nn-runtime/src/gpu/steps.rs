//! Runs of steps over a data set: training and evaluation.
//!
//! A run is cut four times, and usually only by the last: by results (what a kernel can bind of them is read back
//! together), by data (a window that is brought to the device together), by the table of steps (uploaded together), and by
//! work (submitted together). Nothing is read back but at the end of the first.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;

use super::between::{self, Between};
use super::budget::Budget;
use super::context::Pending;
use super::data_set::{DataSet, Source};
use super::lane::{SLOT_BYTES, Size, Slot};
use super::loaded::Loaded;
use super::readback::READ_FLOATS;
use super::recording::record;
use super::resident::{Bound, Residence, Turn, turns};
use super::track::{Run, Track};
use super::watch::{self, Watch};
use crate::backend::{Progress, Resident, Steps};
use crate::error::{Error, Result};
use crate::program::StepUniform;

/// Submissions that the device may have before it at once: one that runs, one that follows without a gap.
pub(super) const IN_FLIGHT: usize = 2;
/// Entries of the table of steps that are uploaded together, where a binding holds them.
const TABLE_STEPS: usize = 1 << 12;
/// Kernels in a submission: few enough that progress is heard of.
const SUBMISSION_KERNELS: u64 = 4096;
/// Arithmetic operations in a submission: few enough for a driver's watchdog on a slow device. Counted, not timed: a
/// browser may have no clock, and every run is cut alike.
const SUBMISSION_FLOPS: u64 = 4_000_000_000;

/// Cuts steps (or turns), in order, into parts whose cost stays within `room`; a part has at least one of them.
fn cut<T>(steps: &[T], room: u64, cost: impl Fn(&T) -> u64) -> Vec<&[T]> {
    let mut parts = Vec::new();
    let (mut begin, mut sum) = (0, 0u64);
    for (i, step) in steps.iter().enumerate() {
        let cost = cost(step);
        if i > begin && sum.saturating_add(cost) > room {
            parts.push(&steps[begin..i]);
            (begin, sum) = (i, 0);
        }
        sum = sum.saturating_add(cost);
    }
    if begin < steps.len() {
        parts.push(&steps[begin..]);
    }
    parts
}

/// Steps whose entries of the table are uploaded together; a power of two.
fn table_steps(budget: &Budget, entries: usize) -> usize {
    let fitting = budget.largest() / (SLOT_BYTES * entries) as u64;
    1 << fitting.clamp(1, TABLE_STEPS as u64).ilog2()
}

fn samples(steps: &[StepUniform]) -> usize {
    steps.iter().map(|step| step.batch as usize).sum()
}

/// Checks that the order covers the steps and names samples that there are.
fn check(loaded: &Loaded, data: &DataSet<'_>, steps: &Steps<'_>) -> Result<()> {
    let network = loaded.program.name;
    let (ordered, wanted) = (steps.order.len(), samples(steps.steps));
    if ordered != wanted {
        return Err(Error::Data(format!("`{network}`: the steps take {wanted} samples, but {ordered} are ordered")));
    }
    if steps.steps.iter().any(|step| step.batch == 0) {
        return Err(Error::Data(format!("`{network}`: a batch without samples")));
    }
    let held = data.samples();
    match steps.order.iter().find(|&&sample| sample as usize >= held) {
        Some(sample) => Err(Error::Data(format!("`{network}`: sample {sample} is asked for, but there are {held}"))),
        None => Ok(()),
    }
}

/// What a run has beside the schedule's own kernels.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    /// Around the update.
    pub(super) between: Option<&'a Between>,
    /// Behind each submission.
    pub(super) watch: Option<&'a Watch>,
}

/// Plays a schedule once for each step and appends the steps' results. Where `progress` breaks, or numbers are found that are not finite, nothing more is submitted. Gives how
/// many steps were played.
pub(super) async fn play(
    loaded: &Loaded,
    track: &Track,
    steps: Steps<'_>,
    kept: &mut [f32],
    results: &mut Vec<f32>,
    beside: Beside<'_>,
    progress: Progress<'_>,
) -> Result<usize> {
    let Resident::Gpu(data) = steps.data else {
        return Err(Error::Data(format!("the data of `{}` is not on the GPU", loaded.program.name)));
    };
    check(loaded, data, &steps)?;
    let entries = track.schedule.entries();
    let floats = |step: &StepUniform| track.schedule.result_floats_of(step.batch as usize) as u64;
    let window = data.window(&loaded.budget) as u64;
    let parts = cut(steps.steps, loaded.budget.largest() / 4, floats);
    // Putting back what is frozen is no part of a resident program.
    let freezes = beside.between.is_some_and(Between::freezes);
    let residence = track.residence.as_ref().filter(|_| !freezes);
    let takes = |step: &StepUniform| residence.is_some_and(|residence| residence.takes(step));
    let largest = |resident: bool| {
        let steps = steps.steps.iter().filter(|step| takes(step) == resident);
        steps.map(|step| step.batch as usize).max().unwrap_or(0)
    };
    let (inside, outside) = (largest(true), largest(false));
    let largest = inside.max(outside);
    let most = parts.iter().map(|part| part.len()).max().unwrap_or(0);
    let most_results = parts.iter().map(|part| part.iter().map(floats).sum()).max().unwrap_or(0);
    let size = Size {
        capacity: outside.next_multiple_of(4),
        slots: most.min(table_steps(&loaded.budget, entries)).next_power_of_two() * entries,
        results: most_results,
        order: steps.order.len().min((window as usize).max(largest)),
        read: most_results.max((kept.len() as u64).min(READ_FLOATS)),
    };
    let run = track.run(loaded, size).await?;
    let source = data.source(&loaded.budget, track.schedule, track.name, &run.lane, largest).await?;
    let resident = match residence {
        Some(residence) if inside > 0 => Some(residence.bind(loaded, &run.lane, &source).await?),
        _ => None,
    };
    let between = match beside.between {
        Some(between) => between.bind(loaded, &run.lane).await?,
        None => None,
    };
    let watch = match beside.watch {
        Some(watch) => Some(watch.bind(loaded, &run.lane).await?),
        None => None,
    };
    let batch = steps.steps.first().map_or(0, |step| step.batch as usize);
    let pieces = run.kept(batch, 0..batch);
    run.place_kept(&pieces, kept);
    let (known, mut order, mut ended) = (results.len(), steps.order, 0);
    for part in parts {
        let now;
        (now, order) = order.split_at(samples(part));
        let mut heard = |steps: usize| progress(ended + steps, &[]);
        let (resident, between, watch) = (resident.as_ref(), between.as_ref(), watch.as_ref());
        let part_of = Part { run: &run, data, source: &source, residence, resident, between, watch, window };
        let (steps, played) = part_of.play(now, part, &mut heard).await?;
        results.extend(played);
        ended += steps;
        if steps < part.len() {
            break;
        }
    }
    run.take_kept(&pieces, kept).await?;
    run.end();
    // Whoever breaks here comes too late to change anything.
    let _ = progress(ended, &results[known..]);
    Ok(ended)
}

/// Steps whose results are read back together.
struct Part<'a> {
    run: &'a Run<'a>,
    data: &'a DataSet<'a>,
    source: &'a Source,
    residence: Option<&'a Residence>,
    resident: Option<&'a Bound>,
    between: Option<&'a between::Bound>,
    watch: Option<&'a watch::Bound>,
    window: u64,
}

impl Part<'_> {
    /// Gives the results of the steps that were played: all, unless `heard` breaks.
    async fn play(
        &self,
        mut order: &[u32],
        steps: &[StepUniform],
        heard: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<(usize, Vec<f32>)> {
        let Run { loaded, track, lane, .. } = self.run;
        let again = |l: &crate::program::Loop| (l.dispatches.1 - l.dispatches.0) as u64 * (l.steps as u64 - 1);
        let repeated: u64 = track.schedule.loops.iter().map(again).sum();
        let kernels = track.schedule.dispatches().count() as u64 + repeated + 1;
        let entries = track.schedule.entries();
        let cost = |turn: &Turn<'_>| {
            let flops = track.flops.saturating_mul(samples(turn.steps) as u64);
            let kernels = if turn.resident { turn.steps.len() as u64 } else { kernels };
            kernels.max(flops / (SUBMISSION_FLOPS / SUBMISSION_KERNELS))
        };
        let floats = |count: usize| -> u64 { self.floats(&steps[..count]) };
        let mut flight: VecDeque<(Pending, usize)> = VecDeque::new();
        let (mut submitted, mut ended) = (0, 0);
        // Numbers of submissions.
        let (mut next, mut oldest) = (0, 0);
        let windows = cut(steps, self.window, |step| u64::from(step.batch));
        'submitting: for section in
            windows.into_iter().flat_map(|window| window.chunks(table_steps(&loaded.budget, entries)))
        {
            let now;
            (now, order) = order.split_at(samples(section));
            let turns = turns(section, self.residence, track.flops);
            let mut first = 0;
            for together in cut(&turns, SUBMISSION_KERNELS, cost) {
                if flight.len() == IN_FLIGHT
                    && let Some((pending, steps)) = flight.pop_front()
                {
                    let is_finite = match self.watch {
                        Some(watch) => watch.is_finite(loaded, pending, oldest).await?,
                        None => loaded.gpu().finished(pending).await.map(|()| true)?,
                    };
                    oldest += 1;
                    ended += steps;
                    if heard(ended).is_break() || !is_finite {
                        let read = |encoder: &mut wgpu::CommandEncoder| {
                            lane.reader.copy(encoder, (&lane.results, 0), 0, floats(submitted));
                        };
                        flight.push_back((loaded.submit(read).await?, 0));
                        break 'submitting;
                    }
                }
                let count = together.iter().map(|turn| turn.steps.len()).sum();
                let last = submitted + count == steps.len();
                if first == 0 && !self.data.is_whole() && !flight.is_empty() {
                    loaded.counts.ahead.fetch_add(1, Relaxed);
                }
                let encode = |encoder: &mut wgpu::CommandEncoder| {
                    if first == 0 {
                        self.upload(now, &turns, floats(submitted));
                    }
                    self.encode(encoder, first, together);
                    if let Some(watch) = self.watch {
                        watch.encode(loaded, encoder, next, (first + count - 1) * entries);
                    }
                    if last {
                        lane.reader.copy(encoder, (&lane.results, 0), 0, floats(submitted + count));
                    }
                };
                flight.push_back((loaded.submit(encode).await?, count));
                next += 1;
                first += count;
                submitted += count;
            }
        }
        while let Some((pending, steps)) = flight.pop_front() {
            if flight.is_empty() {
                return Ok((submitted, loaded.finish(&lane.reader, pending, floats(submitted)).await?));
            }
            loaded.gpu().finished(pending).await?;
            ended += steps;
            // All that will be played is on its way.
            let _ = heard(ended);
        }
        Ok((0, Vec::new()))
    }

    /// Floats of these steps' results.
    fn floats(&self, steps: &[StepUniform]) -> u64 {
        steps.iter().map(|step| self.run.track.schedule.result_floats_of(step.batch as usize) as u64).sum()
    }

    /// Encodes turns, of which the first begins with the step of this number.
    fn encode(&self, encoder: &mut wgpu::CommandEncoder, mut number: usize, turns: &[Turn<'_>]) {
        record(self.run.loaded, encoder, |to| {
            for turn in turns {
                match self.resident {
                    Some(resident) if turn.resident => resident.encode(to, number),
                    _ => {
                        let entries = self.run.track.schedule.entries();
                        for (step, number) in turn.steps.iter().zip(number..) {
                            self.run.encode(to, Some(self.source), self.between, number * entries, step);
                        }
                    }
                }
                number += turn.steps.len();
            }
        });
    }

    /// Brings to the device what a section needs: its entries of the table, its order, and the records of a window.
    /// The queue keeps its own copy and writes it in its turn, so that earlier steps are not disturbed.
    fn upload(&self, order: &[u32], section: &[Turn<'_>], results_before: u64) {
        let Run { loaded, track, lane, .. } = self.run;
        let queue = loaded.gpu().queue();
        let capacity = lane.size.capacity as u32;
        let mut result = results_before as u32;
        let Source { width, columns, .. } = *self.source;
        let mut first = 0;
        let mut slots: Vec<Slot> = Vec::with_capacity(section.iter().map(|turn| turn.steps.len()).sum());
        for Turn { steps, .. } in section {
            // Where a turn begins, the resident program reads how many steps it has.
            for (step, steps) in steps.iter().zip((1..=steps.len() as u32).rev()) {
                let (width, number) = (width as u32, slots.len() as u32);
                let floats = track.schedule.result_floats_of(step.batch as usize) as u32;
                let step = StepUniform { capacity, result, ..*step };
                result += floats;
                let slot = Slot { step, first, width, number, steps, columns, unused: [0; 4] };
                slots.extend(slot.entries(track.schedule));
                first += step.batch;
            }
        }
        queue.write_buffer(&lane.slots, 0, bytemuck::cast_slice(&slots));
        if self.data.is_whole() {
            queue.write_buffer(&lane.order, 0, bytemuck::cast_slice(order));
        } else {
            let counted: Vec<u32> = (0..first).collect();
            queue.write_buffer(&lane.order, 0, bytemuck::cast_slice(&counted));
            queue.write_buffer(&self.source.records, 0, bytemuck::cast_slice(&self.data.pack(order)));
            loaded.counts.windows.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_cut_in_order_without_losing_one() {
        let steps: Vec<StepUniform> =
            [5, 5, 9, 1, 1, 30, 2].map(|batch| StepUniform { batch, ..Default::default() }).to_vec();
        let parts = cut(&steps, 10, |step| u64::from(step.batch));
        let batches: Vec<Vec<u32>> = parts.iter().map(|part| part.iter().map(|step| step.batch).collect()).collect();
        assert_eq!(batches, [vec![5, 5], vec![9, 1], vec![1], vec![30], vec![2]]);
        assert!(cut::<StepUniform>(&[], 10, |_| 1).is_empty());
    }
}
