//! The CPU as a [`Backend`]: runs the functions that the macro generated.

mod profile;
mod scratch;

use std::ops::Range;

use super::between::{Accumulator, Frozen};
use super::kept::Places;
use super::memory::{Arena, Floats, Pool, zeros};
use super::parallel;
use super::watch::{self, Watch, all_finite};
use super::{Pass, Update};
use crate::backend::{Backend, Columns, Gradients, Progress, Resident, Steps};
use crate::error::{Error, Result};
use crate::profile::{KernelRun, TrainKernels};
use crate::program::{Program, Schedule, StepUniform};

/// Samples that `predict` does at a time, at most.
const CHUNK: usize = 256;
/// What the activations of one chunk may take, in floats: 32 MiB.
const CHUNK_FLOATS: usize = 8 << 20;

/// What copying a float costs, in operations: it comes from far away.
const COPY: usize = 16;

/// Floats of a sample that are copied one by one.
const SHORT: usize = 8;

/// A network's memory on the CPU.
#[derive(Debug)]
pub(crate) struct CpuBackend {
    program: &'static Program,
    parameters: Floats,
    gradients: Floats,
    states: Vec<Floats>,
    arena: Arena,
    pool: Pool,
    accumulator: Accumulator,
    frozen: Frozen,
    watch: Watch,
    /// The largest batch that training was made room for.
    rehearsed: u32,
}

impl CpuBackend {
    /// Parameters are 0 until they are set; states are what the optimizer starts from.
    pub(crate) fn new(program: &'static Program) -> Result<Self> {
        let floats = program.parameter_floats;
        Ok(CpuBackend {
            program,
            parameters: Floats::filled(0.0, floats)?,
            gradients: Floats::filled(0.0, if program.train.is_some() { floats } else { 0 })?,
            states: program.states.iter().map(|&value| Floats::filled(value, floats)).collect::<Result<_>>()?,
            arena: Arena::default(),
            pool: Pool::default(),
            accumulator: Accumulator::default(),
            frozen: Frozen::default(),
            watch: Watch::default(),
            rehearsed: 0,
        })
    }

    /// Elementwise operations and multiply-adds of a batch, roughly; `passes` counts a backward pass as two.
    fn operations(&self, batch: usize, passes: usize) -> usize {
        usize::try_from(self.program.flops_per_sample / 2).unwrap_or(usize::MAX).saturating_mul(batch * passes)
    }

    /// Runs a schedule's pass on an arena that holds the batch already.
    fn pass(&self, schedule: &Schedule, step: &StepUniform, arena: &mut [f32], results: &mut [f32]) {
        (schedule.pass)(&mut Pass {
            step,
            parameters: &self.parameters,
            gradients: &mut [],
            arena,
            results,
            loop_step: 0,
        });
    }

    /// Outputs of samples `first..`, as many as the vectors' parts are for. What is kept is that of so many samples.
    fn predict_chunk(
        &self,
        fields: &[&[f32]],
        first: usize,
        step: StepUniform,
        kept: (&mut [f32], usize),
        outputs: &mut [&mut [f32]],
    ) -> Result<()> {
        let (program, schedule) = (self.program, &self.program.predict);
        let (batch, capacity) = (step.batch as usize, step.capacity as usize);
        let samples = first..first + batch;
        let (kept, batch_of_kept) = kept;
        let places = Places { program, schedule, batch: batch_of_kept, capacity, samples: samples.clone() };
        self.pool.with(|arena| {
            let arena = arena.floats(schedule, capacity)?;
            load(program, schedule, fields, capacity, samples, arena);
            places.load(kept, arena);
            self.pass(schedule, &step, arena, &mut []);
            places.store(arena, kept);
            for (output, offset) in outputs.iter_mut().zip(schedule.outputs) {
                let start = schedule.fixed_floats + capacity * offset;
                output.copy_from_slice(&arena[start..start + output.len()]);
            }
            Ok(())
        })
    }
}

impl CpuBackend {
    /// Evaluates steps of which each goes on where the one before ended.
    fn evaluate_in_turn(
        &self,
        schedule: &Schedule,
        steps: Steps<'_>,
        kept: &mut [f32],
        results: &mut [f32],
    ) -> Result<()> {
        let (program, data) = (self.program, host(steps.data)?);
        let batch = steps.steps.first().map_or(0, |step| step.batch);
        let capacity = capacity(batch);
        let places = Places { program, schedule, batch: batch as usize, capacity, samples: 0..batch as usize };
        self.pool.with(|arena| {
            let arena = arena.floats(schedule, capacity)?;
            places.load(kept, arena);
            let (mut order, mut results) = (steps.order, results);
            for step in steps.steps {
                let (now, own);
                (now, order) = order.split_at(step.batch as usize);
                (own, results) = results.split_at_mut(slot(schedule, step));
                let step = StepUniform { capacity: capacity as u32, result: 0, ..*step };
                load(program, schedule, &data.fields, capacity, now.iter().map(|&i| i as usize), arena);
                self.pass(schedule, &step, arena, own);
            }
            places.store(arena, kept);
            Ok(())
        })
    }
}

impl Backend for CpuBackend {
    fn draw_parameters(&mut self, draw: &dyn Fn(&mut [f32])) -> Result<()> {
        draw(&mut self.parameters);
        Ok(())
    }

    fn set_parameters(&mut self, values: &[f32]) -> Result<()> {
        self.parameters.copy_from_slice(values);
        Ok(())
    }

    fn parameters(&self) -> Result<Vec<f32>> {
        Ok(self.parameters.to_vec())
    }

    fn set_states(&mut self, values: &[Vec<f32>]) -> Result<()> {
        for (state, values) in self.states.iter_mut().zip(values) {
            state.copy_from_slice(values);
        }
        Ok(())
    }

    fn states(&self) -> Result<Vec<Vec<f32>>> {
        Ok(self.states.iter().map(|state| state.to_vec()).collect())
    }

    fn read_into(&self, parameters: &mut Vec<f32>, states: &mut Vec<Vec<f32>>) -> Result<()> {
        // Memory that has been used costs a third of memory that the system has to give first.
        states.resize_with(self.states.len(), Vec::new);
        let pairs = states.iter_mut().zip(&self.states);
        for (to, from) in std::iter::once((parameters, &self.parameters)).chain(pairs) {
            to.resize(from.len(), 0.0);
            watch::copy(from, to);
        }
        Ok(())
    }

    fn set_frozen(&mut self, ranges: Vec<Range<usize>>) -> Result<()> {
        self.frozen = Frozen::new(ranges);
        Ok(())
    }

    fn watch(&mut self, watched: bool) {
        self.watch.on = watched;
    }

    fn is_finite(&self) -> Result<bool> {
        Ok(all_finite(&self.parameters, &self.states))
    }

    fn note(&mut self) -> Result<()> {
        self.watch.note(&self.parameters, &self.states)
    }

    fn recall(&mut self) -> Result<()> {
        self.watch.recall(&mut self.parameters, &mut self.states);
        Ok(())
    }

    fn upload<'a>(&self, data: Columns<'a>) -> Result<Resident<'a>> {
        Ok(Resident::Host(data))
    }

    fn train(
        &mut self,
        steps: Steps<'_>,
        kept: &mut [f32],
        results: &mut Vec<f32>,
        progress: Progress<'_>,
    ) -> Result<usize> {
        let program = self.program;
        let schedule = required(program.train.as_ref(), program)?;
        let data = host(steps.data)?;
        let largest = steps.steps.iter().map(|s| s.batch).max().unwrap_or(0);
        let capacity = capacity(largest);
        let (start, mut end) = (results.len(), results.len());
        results.resize(start + steps.steps.iter().map(|step| slot(schedule, step)).sum::<usize>(), 0.0);
        if self.rehearsed < largest {
            self.reserve(schedule, largest, &mut results[start..])?;
            self.rehearsed = largest;
        }

        // Progress hears of groups of steps that take some milliseconds.
        let operations = self.operations(capacity, 3).max(1);
        let group = (512 * parallel::GRAIN / operations).clamp(1, 256);
        let arena = self.arena.floats(schedule, capacity)?;
        let (parameters, gradients, states) = (&mut self.parameters, &mut self.gradients, &mut self.states);
        let (accumulator, frozen) = (&mut self.accumulator, &mut self.frozen);
        accumulator.prepare(program, steps.steps)?;
        let batch = steps.steps.first().map_or(0, |step| step.batch as usize);
        let places = Places { program, schedule, batch, capacity, samples: 0..batch };
        places.load(kept, arena);
        frozen.note(parameters, states);
        let mut ended = 0;
        let mut order = steps.order;
        for (n, group_steps) in steps.steps.chunks(group).enumerate() {
            for step in group_steps {
                let first = end;
                end += slot(schedule, step);
                let step = StepUniform { capacity: capacity as u32, result: 0, ..*step };
                let batch;
                (batch, order) = order.split_at(step.batch as usize);
                load(program, schedule, &data.fields, capacity, batch.iter().map(|&i| i as usize), arena);
                let results = &mut results[first..end];
                (schedule.pass)(&mut Pass { step: &step, parameters, gradients, arena, results, loop_step: 0 });
                accumulator.add(program, &step, parameters, (gradients, results));
                if let (Some(update), true) = (schedule.update, step.updates()) {
                    frozen.clear(gradients);
                    update(&mut Update { step: &step, parameters, gradients, states, arena, results });
                }
                frozen.hold(parameters);
            }
            ended = n * group + group_steps.len();
            let found = self.watch.finds(group_steps.len(), parameters, states);
            if progress(ended, &results[start..end]).is_break() || found {
                results.truncate(end);
                break;
            }
        }
        places.store(arena, kept);
        frozen.hold_states(states);
        Ok(ended)
    }

    fn profile(&mut self, steps: Steps<'_>, kept: &mut [f32], kernels: TrainKernels) -> Result<Vec<KernelRun>> {
        self.play_timed(steps, kept, kernels)
    }

    fn evaluate(&self, steps: Steps<'_>, kept: &mut [f32], results: &mut Vec<f32>) -> Result<()> {
        let program = self.program;
        let schedule = required(program.evaluate.as_ref(), program)?;
        let data = host(steps.data)?;
        let start = results.len();
        results.resize(start + steps.steps.iter().map(|step| slot(schedule, step)).sum::<usize>(), 0.0);
        if !schedule.kept.is_empty() {
            return self.evaluate_in_turn(schedule, steps, kept, &mut results[start..]);
        }
        let (mut first, mut rest) = (0, &mut results[start..]);
        let mut jobs: Vec<(&StepUniform, &[u32], &mut [f32])> = vec![];
        for step in steps.steps {
            let end = first + step.batch as usize;
            let own;
            (own, rest) = rest.split_at_mut(slot(schedule, step));
            jobs.push((step, &steps.order[first..end], own));
            first = end;
        }
        let large = self.operations(first, 1) >= 2 * parallel::WORTH;
        parallel::try_each(&mut jobs, large, &|(step, order, slot): &mut (&StepUniform, &[u32], &mut [f32])| {
            let capacity = capacity(step.batch);
            let step = StepUniform { capacity: capacity as u32, result: 0, ..**step };
            self.pool.with(|arena| {
                let arena = arena.floats(schedule, capacity)?;
                load(program, schedule, &data.fields, capacity, order.iter().map(|&i| i as usize), arena);
                self.pass(schedule, &step, arena, slot);
                Ok(())
            })
        })
    }

    fn predict(&self, data: Columns<'_>, step: StepUniform, kept: &mut [f32]) -> Result<Vec<Vec<f32>>> {
        let widths = self.program.outputs.iter().map(|o| o.dims.iter().product::<usize>());
        let mut outputs = widths.map(|w| zeros(w.saturating_mul(data.samples))).collect::<Result<Vec<_>>>()?;
        let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(|o| &mut o[..]).collect();
        self.predict_into(&data.fields, data.samples, step, kept, &mut slices)?;
        Ok(outputs)
    }

    fn predict_into(
        &self,
        fields: &[&[f32]],
        samples: usize,
        step: StepUniform,
        kept: &mut [f32],
        outputs: &mut [&mut [f32]],
    ) -> Result<()> {
        let program = self.program;
        let chunk = (CHUNK_FLOATS / program.predict.sample_floats.max(1)).clamp(4, CHUNK) / 4 * 4;
        let of = |batch: usize| StepUniform { batch: batch as u32, capacity: capacity(batch as u32) as u32, ..step };
        if samples <= chunk {
            return match samples {
                0 => Ok(()),
                _ => self.predict_chunk(fields, 0, of(samples), (kept, samples), outputs),
            };
        }
        // One job for each chunk, with its part of every output.
        let widths = program.outputs.iter().map(|o| o.dims.iter().product::<usize>());
        let mut parts: Vec<_> = outputs.iter_mut().zip(widths).map(|(o, w)| o.chunks_mut(w * chunk)).collect();
        let mut jobs: Vec<(usize, Vec<&mut [f32]>)> = (0..samples)
            .step_by(chunk)
            .map(|first| (first, parts.iter_mut().filter_map(Iterator::next).collect()))
            .collect();
        if !program.predict.kept.is_empty() {
            // They share the vector of what is kept.
            return jobs.iter_mut().try_for_each(|(first, parts)| {
                self.predict_chunk(fields, *first, of(chunk.min(samples - *first)), (kept, samples), parts)
            });
        }
        let large = self.operations(samples, 1) >= 2 * parallel::WORTH;
        parallel::try_each(&mut jobs, large, &|(first, parts): &mut (usize, Vec<&mut [f32]>)| {
            self.predict_chunk(fields, *first, of(chunk.min(samples - *first)), (&mut [], samples), parts)
        })
    }

    fn step(&mut self, fields: &[&[f32]], step: StepUniform, is_first: bool, outputs: &mut [&mut [f32]]) -> Result<()> {
        let (program, schedule) = (self.program, &self.program.predict);
        let (batch, capacity) = (step.batch as usize, capacity(step.batch));
        let step = StepUniform { capacity: capacity as u32, ..step };
        let arena = self.arena.floats(schedule, capacity)?;
        if is_first {
            Places { program, schedule, batch, capacity, samples: 0..batch }.clear(arena);
        }
        load(program, schedule, fields, capacity, 0..batch, arena);
        let (parameters, gradients, results) = (&self.parameters[..], &mut [][..], &mut [][..]);
        (schedule.pass)(&mut Pass { step: &step, parameters, gradients, arena, results, loop_step: 0 });
        for (output, offset) in outputs.iter_mut().zip(schedule.outputs) {
            let start = schedule.fixed_floats + capacity * offset;
            output.copy_from_slice(&arena[start..start + output.len()]);
        }
        Ok(())
    }

    fn scratch(&self, schedule: &Schedule, batch: usize) -> Result<usize> {
        scratch::bytes(self.program, schedule, batch)
    }

    fn gradients(&self, data: Columns<'_>, step: StepUniform, kept: &[f32]) -> Result<Gradients> {
        let program = self.program;
        let schedule = required(program.gradients.as_ref(), program)?;
        let batch = data.samples;
        let capacity = capacity(step.batch);
        let step = StepUniform { capacity: capacity as u32, result: 0, ..step };
        let mut parameters = zeros(program.parameter_floats)?;
        let mut results = vec![0.0; schedule.result_floats_of(batch)];
        let fields = self.pool.with(|arena| {
            let arena = arena.floats(schedule, capacity)?;
            load(program, schedule, &data.fields, capacity, 0..batch, arena);
            Places { program, schedule, batch, capacity, samples: 0..batch }.load(kept, arena);
            let (gradients, results) = (&mut parameters[..], &mut results[..]);
            (schedule.pass)(&mut Pass {
                step: &step,
                parameters: &self.parameters,
                gradients,
                arena,
                results,
                loop_step: 0,
            });
            let field = |&(field, offset): &(usize, usize)| {
                let start = schedule.fixed_floats + capacity * offset;
                (field, arena[start..start + batch * width(program, field)].to_vec())
            };
            Ok(schedule.field_gradients.iter().map(field).collect())
        })?;
        Ok(Gradients { loss: results[0], parameters, fields })
    }
}

/// Floats of a step's results.
fn slot(schedule: &Schedule, step: &StepUniform) -> usize {
    schedule.result_floats_of(step.batch as usize)
}

/// The arena's capacity for a batch.
fn capacity(batch: u32) -> usize {
    (batch as usize).next_multiple_of(4)
}

/// Floats of one sample of a field.
fn width(program: &Program, field: usize) -> usize {
    program.fields[field].dims.iter().product()
}

/// Puts samples into the arena, where the schedule reads them.
fn load(
    program: &Program,
    schedule: &Schedule,
    fields: &[&[f32]],
    capacity: usize,
    samples: impl ExactSizeIterator<Item = usize> + Clone + Sync,
    arena: &mut [f32],
) {
    for &(field, offset) in schedule.fields {
        let width = width(program, field);
        let start = schedule.fixed_floats + capacity * offset;
        let (from, to) = (fields[field], &mut arena[start..start + samples.len() * width]);
        if width == 1 {
            to.iter_mut().zip(samples.clone()).for_each(|(to, sample)| *to = from[sample]);
            continue;
        }
        parallel::split_rows(samples.len(), width * COPY, 1, [(to, width)], &|first, _, [to]| {
            for (to, sample) in to.chunks_exact_mut(width).zip(samples.clone().skip(first)) {
                let from = &from[sample * width..(sample + 1) * width];
                // What is short is copied before a call would have begun.
                if width < SHORT {
                    to.iter_mut().zip(from).for_each(|(to, x)| *to = *x);
                } else {
                    to.copy_from_slice(from);
                }
            }
        });
    }
}

/// The data, which [`CpuBackend::upload`] left on the host.
fn host<'a>(data: &'a Resident<'_>) -> Result<&'a Columns<'a>> {
    match data {
        Resident::Host(columns) => Ok(columns),
        #[cfg(feature = "gpu")]
        Resident::Gpu(_) => Err(Error::Data("these data live on a GPU, but the network lives on the CPU".into())),
    }
}

/// A schedule that the network may not have.
fn required<'a>(schedule: Option<&'a Schedule>, program: &Program) -> Result<&'a Schedule> {
    schedule.ok_or_else(|| {
        Error::Option(format!("`{}` has no program for this: it declares no loss or no optimizer", program.name))
    })
}

#[cfg(test)]
mod tests;
