//! Training with a clock around each kernel.

use std::time::Instant;

use super::{CpuBackend, capacity, host, load, required};
use crate::backend::Steps;
use crate::cpu::kept::Places;
use crate::cpu::{Pass, Update};
use crate::error::Result;
use crate::profile::{KernelRun, Ran, TrainKernels};
use crate::program::{Schedule, StepUniform};

impl CpuBackend {
    /// Plays `train` kernel by kernel; a step for each of `steps`.
    pub(super) fn play_timed(
        &mut self,
        steps: Steps<'_>,
        kept: &mut [f32],
        kernels: TrainKernels,
    ) -> Result<Vec<KernelRun>> {
        let program = self.program;
        let schedule = required(program.train.as_ref(), program)?;
        let data = host(steps.data)?;
        let capacity = capacity(steps.steps.iter().map(|s| s.batch).max().unwrap_or(0));
        let arena = self.arena.floats(schedule, capacity)?;
        let batch = steps.steps.first().map_or(0, |step| step.batch as usize);
        let places = Places { program, schedule, batch, capacity, samples: 0..batch };
        places.load(kept, arena);
        let (parameters, gradients, states) = (&mut self.parameters, &mut self.gradients, &mut self.states);
        let results = &mut vec![0.0; schedule.result_floats_of(capacity)][..];
        let whole = kernels.pass.len() <= 1 && kernels.update.len() <= 1;
        let begun = Instant::now();
        let mut runs = vec![];
        let mut timed = |kernel: Ran, run: &mut dyn FnMut()| {
            let start = begun.elapsed();
            run();
            let milliseconds = (begun.elapsed() - start).as_secs_f64() * 1e3;
            runs.push(KernelRun { kernel, start: start.as_secs_f64() * 1e3, milliseconds });
        };
        let played = order_of_kernels(schedule, kernels.pass.len(), whole);
        let mut order = steps.order;
        for step in steps.steps {
            let step = StepUniform { capacity: capacity as u32, result: 0, ..*step };
            let batch;
            (batch, order) = order.split_at(step.batch as usize);
            load(program, schedule, &data.fields, capacity, batch.iter().map(|&i| i as usize), arena);
            for &(i, loop_step) in &played {
                let (ran, kernel) = (if whole { Ran::Pass } else { Ran::Number(i) }, kernels.pass[i]);
                timed(ran, &mut || kernel(&mut Pass { step: &step, parameters, gradients, arena, results, loop_step }));
            }
            for (i, kernel) in kernels.update.iter().enumerate() {
                let ran = if whole { Ran::Update } else { Ran::Number(kernels.pass.len() + i) };
                timed(ran, &mut || kernel(&mut Update { step: &step, parameters, gradients, states, arena, results }));
            }
        }
        places.store(arena, kept);
        Ok(runs)
    }
}

/// The kernels of a pass in the order in which they are played, each with the step of its loop. A pass that is one function has its
/// loops in it.
fn order_of_kernels(schedule: &Schedule, kernels: usize, whole: bool) -> Vec<(usize, usize)> {
    let mut order = vec![];
    let mut next = 0;
    while next < kernels {
        let around = schedule.loops.iter().find(|l| l.kernels.0 == next && !whole);
        let (end, steps) = around.map_or((next + 1, 1), |l| (l.kernels.1, l.steps));
        order.extend((0..steps).flat_map(|step| (next..end).map(move |kernel| (kernel, step))));
        next = end;
    }
    order
}
