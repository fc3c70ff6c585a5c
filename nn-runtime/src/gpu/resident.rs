//! Resident programs: whole steps inside one workgroup, many in one dispatch.
//!
//! A step that fits takes no kernels of its own. Whether it fits depends on itself alone, its number of samples and whether its gradients
//! are summed with those of others, never on the steps beside it, so that a run's bits do not depend on how it is cut.

use std::sync::Mutex;

use super::data_set::Source;
use super::lane::{Lane, SLOT_BYTES};
use super::loaded::{Loaded, lock};
use super::pipelines::{self, RESIDENT};
use super::recording::Recording;
use crate::error::Result;
use crate::program::{Binding, Resident, Schedule, StepUniform};

/// Arithmetic operations in one dispatch: a workgroup does a billion in a second even on a slow device, and drivers lose
/// patience after two.
const DISPATCH_FLOPS: u64 = 1 << 27;

/// A schedule's resident program on a device.
#[derive(Debug)]
pub(super) struct Residence {
    program: Resident,
    /// Made when a step needs it for the first time.
    pipeline: Mutex<Option<wgpu::ComputePipeline>>,
}

/// A resident program with the memory of a run.
pub(super) struct Bound {
    name: &'static str,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
}

/// Steps that are encoded together: several that a resident program plays, or one that takes a dispatch for each kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn<'s> {
    pub(super) steps: &'s [StepUniform],
    pub(super) resident: bool,
}

impl Residence {
    /// The schedule's program, if it has one that the device can run.
    pub(super) fn new(loaded: &Loaded, schedule: &Schedule) -> Option<Self> {
        let program = schedule.resident?;
        loaded.budget.shader(&program.shader).ok()?;
        Some(Self { program, pipeline: Mutex::default() })
    }

    /// Whether it plays this step. What sums gradients comes between the pass and the update, and is no part of it.
    pub(super) fn takes(&self, step: &StepUniform) -> bool {
        step.batch as usize <= self.program.capacity && !step.accumulates()
    }

    /// Prepares it for a run.
    pub(super) async fn bind(&self, loaded: &Loaded, lane: &Lane, source: &Source) -> Result<Bound> {
        let known = lock(&self.pipeline).clone();
        let pipeline = match known {
            Some(pipeline) => pipeline,
            // Two threads may both get here; they make the same.
            None => {
                let made = pipelines::compile_resident(loaded.gpu(), &self.program).await?;
                lock(&self.pipeline).insert(made).clone()
            }
        };
        let [state0, state1, state2] = &loaded.states;
        let buffer = |binding| match binding {
            Binding::Parameters => &loaded.parameters,
            Binding::State0 => state0,
            Binding::State1 => state1,
            Binding::State2 => state2,
            Binding::Records => &source.records,
            Binding::Order => &lane.order,
            Binding::Steps => &lane.slots,
            _ => &lane.results,
        };
        let head =
            wgpu::BufferBinding { buffer: &lane.slots, offset: 0, size: wgpu::BufferSize::new(SLOT_BYTES as u64) };
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: Binding::Step as u32, resource: wgpu::BindingResource::Buffer(head) }];
        entries.extend(RESIDENT.map(|(binding, _)| wgpu::BindGroupEntry {
            binding: binding as u32,
            resource: buffer(binding).as_entire_binding(),
        }));
        let make = || {
            loaded.gpu().device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("resident"),
                layout: &loaded.gpu().layouts().resident_group,
                entries: &entries,
            })
        };
        let group = loaded.gpu().scoped("a bind group", make).await?;
        Ok(Bound { name: self.program.shader.name, pipeline, group })
    }
}

impl Bound {
    /// Encodes the turn that begins with this entry of the table.
    pub(super) fn encode(&self, to: &mut Recording<'_, '_>, first: usize) {
        to.bind(&self.group, (first * SLOT_BYTES) as u32);
        to.dispatch(self.name, &self.pipeline, (1, 1));
    }
}

/// Cuts steps into turns; `flops` is what a sample costs.
pub(super) fn turns<'s>(steps: &'s [StepUniform], residence: Option<&Residence>, flops: u64) -> Vec<Turn<'s>> {
    let takes = |step: &StepUniform| residence.is_some_and(|residence| residence.takes(step));
    cut(steps, takes, residence.map_or(1, |residence| residence.program.steps), flops)
}

fn cut(mut steps: &[StepUniform], takes: impl Fn(&StepUniform) -> bool, most: usize, flops: u64) -> Vec<Turn<'_>> {
    let mut turns = vec![];
    while let Some(first) = steps.first() {
        let resident = takes(first);
        let mut sum = 0u64;
        let fits = |step: &&StepUniform| {
            sum = sum.saturating_add(flops.saturating_mul(u64::from(step.batch)));
            resident && takes(step) && sum <= DISPATCH_FLOPS
        };
        let count = steps.iter().take(most).take_while(fits).count().max(1);
        let turn;
        (turn, steps) = steps.split_at(count);
        turns.push(Turn { steps: turn, resident });
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_lose_no_step_and_stay_within_their_bounds() {
        let batches = [vec![8; 600], vec![9, 64, 8, 8, 64]].concat();
        let steps: Vec<StepUniform> =
            batches.iter().map(|&batch| StepUniform { batch, ..Default::default() }).collect();
        let lengths = |flops| {
            let turns = cut(&steps, |step| step.batch <= 9, 256, flops);
            assert!(turns.iter().flat_map(|turn| turn.steps).eq(&steps));
            turns.iter().map(|turn| (turn.steps.len(), turn.resident)).collect::<Vec<_>>()
        };
        let few = [(256, true), (256, true), (89, true), (1, false), (2, true), (1, false)];
        assert_eq!(lengths(1), few);
        assert_eq!(lengths(u64::MAX).len(), steps.len());
        assert_eq!(lengths((1 << 27) / 80)[0], (10, true));
    }
}
