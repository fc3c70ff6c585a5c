//! What is done when a loss, a gradient or a parameter is no finite number.
//!
//! The loss of each step is read back with the epoch's results anyway, and parameters are looked at when an epoch (or a portion of a
//! stream) has ended, so no step is slower for it. Where it began is found afterwards: steps repeat bit for bit, so they are played
//! again from the last state that was good, in ever smaller numbers, up to the one after which a parameter is not finite; its
//! gradients then say which tensor was the first.

use std::fmt;

use super::callback::Kept;
use crate::backend::{Columns, Resident, Steps, unheard};
use crate::checkpoint;
use crate::error::Result;
use crate::network::Net;
use crate::program::{Parameter, Program, StepUniform};

/// What `fit` does when a loss, a gradient or a parameter becomes NaN or infinite: [`Fit::on_non_finite`](crate::Fit::on_non_finite).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnNonFinite {
    /// Goes on, with a warning in the log for each epoch whose loss is no number.
    #[default]
    Ignore,
    /// Ends the run. The network gets the parameters and the optimizer's states back that it had before that step, which are good.
    Stop,
    /// Leaves out the update of that step, and goes on with the next one.
    Skip,
}

/// A step whose numbers were not all finite, and where that began.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NonFinite {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The step within the epoch, counted from 1.
    pub batch: usize,
    /// The loss of the step.
    pub loss: f32,
    /// The first tensor of the step with such numbers: `` the gradient of `h.dense.weight`: 3 of 64 numbers, the first is NaN ``.
    pub place: String,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NonFinite { epoch, batch, loss, place } = self;
        write!(f, "batch {batch} of epoch {epoch}, whose loss is {loss}, is not finite, first in {place}")
    }
}

/// Steps that can be played again: those since the last state that is known to be good.
pub(super) struct Replay<'a> {
    data: &'a Resident<'a>,
    /// The same on the host.
    columns: &'a Columns<'a>,
    order: &'a [u32],
    good: Kept,
    played: Vec<StepUniform>,
}

/// Where a step went wrong.
pub(super) struct Culprit {
    /// Its number among the steps since the last good state.
    pub(super) step: usize,
    pub(super) place: String,
    /// Whether all parameters were finite before it.
    pub(super) was_good: bool,
}

impl<'a> Replay<'a> {
    /// Steps from here on, over these samples.
    pub(super) fn new(net: &Net, data: &'a Resident<'a>, columns: &'a Columns<'a>, order: &'a [u32]) -> Result<Self> {
        Ok(Replay { data, columns, order, good: Kept::of(net)?, played: Vec::new() })
    }

    /// How many updates there had been before the first of them; each step makes one.
    pub(super) fn updates(&self) -> u64 {
        self.good.updates
    }

    /// How many steps have been played.
    pub(super) fn len(&self) -> usize {
        self.played.len()
    }

    /// Steps that have been played.
    pub(super) fn push(&mut self, steps: &[StepUniform]) {
        self.played.extend_from_slice(steps);
    }

    /// Begins anew from here, behind this many steps.
    pub(super) fn restart(&mut self, net: &Net, steps: usize) -> Result<()> {
        self.order = &self.order[samples(&self.played[..steps])..];
        self.good = Kept::of(net)?;
        self.played.clear();
        Ok(())
    }

    /// Whether all parameters are finite.
    pub(super) fn is_good(net: &Net) -> Result<bool> {
        Ok(net.backend.parameters()?.iter().all(|value| value.is_finite()))
    }

    /// Brings the network to where it was after this many steps. Says whether all parameters are finite there.
    fn go_to(&self, net: &mut Net, steps: usize) -> Result<bool> {
        self.good.put_back(net)?;
        if steps > 0 {
            let (order, steps) = (&self.order[..samples(&self.played[..steps])], &self.played[..steps]);
            net.backend.train(Steps { data: self.data, order, steps }, &mut Vec::new(), &mut unheard)?;
        }
        Self::is_good(net)
    }

    /// Finds the step with which it began, and leaves the network as it was before it. `bad` is the first one whose loss is not finite.
    pub(super) fn find(&self, net: &mut Net, bad: Option<usize>) -> Result<Culprit> {
        // All is well after `low` steps, and not after `high`.
        let (mut low, mut high) = (0, bad.unwrap_or(self.played.len()));
        if !self.good.parameters.iter().all(|value| value.is_finite()) {
            high = 0;
        } else if bad.is_some() && self.go_to(net, high)? {
            // The step's own forward pass is to blame.
            low = high;
        } else {
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                *(if self.go_to(net, middle)? { &mut low } else { &mut high }) = middle;
            }
        }
        let step = low.min(high).min(self.played.len().saturating_sub(1));
        let was_good = self.go_to(net, step)?;
        Ok(Culprit { step, place: self.place(net, step)?, was_good })
    }

    /// The first tensor with numbers that are not finite, in the step that comes next.
    fn place(&self, net: &mut Net, step: usize) -> Result<String> {
        let program = net.program;
        let before = net.backend.parameters()?;
        if let Some(place) = parameter(program, &before) {
            return Ok(format!("{place}, before the step"));
        }
        let uniform = self.played[step];
        let first = samples(&self.played[..step]);
        let order = &self.order[first..first + uniform.batch as usize];
        let fields = self.batch(program, order);
        for (field, values) in program.fields.iter().zip(&fields) {
            let width = values.len() / order.len().max(1);
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let sample = order[at / width.max(1)];
                return Ok(format!("the data: `{}` of sample {sample} has {}", field.name, values[at]));
            }
        }
        if program.gradients.is_some() {
            let columns = Columns { fields: fields.iter().map(Vec::as_slice).collect(), samples: order.len() };
            let gradients = net.backend.gradients(columns, uniform)?;
            if let Some(place) = trained(program, &gradients.parameters) {
                return Ok(format!("the gradient of {place}"));
            }
            if !gradients.loss.is_finite() {
                return Ok("the loss itself, which has finite gradients".into());
            }
        }
        // The update, then: of a rate that is too high, say.
        let steps = Steps { data: self.data, order, steps: &[uniform] };
        net.backend.train(steps, &mut Vec::new(), &mut unheard)?;
        let after = net.backend.parameters()?;
        self.go_to(net, step)?;
        Ok(match parameter(program, &after) {
            Some(place) => format!("the update of {place}"),
            None => "the loss itself".into(),
        })
    }

    /// The samples of a batch, field by field.
    fn batch(&self, program: &Program, order: &[u32]) -> Vec<Vec<f32>> {
        let field = |(field, values): (&crate::program::Field, &&[f32])| {
            let width: usize = field.dims.iter().product();
            order.iter().flat_map(|&sample| &values[sample as usize * width..][..width]).copied().collect()
        };
        program.fields.iter().zip(&self.columns.fields).map(field).collect()
    }
}

fn samples(steps: &[StepUniform]) -> usize {
    steps.iter().map(|step| step.batch as usize).sum()
}

/// The first parameter whose part of this vector is not finite.
fn parameter(program: &'static Program, values: &[f32]) -> Option<String> {
    first(program.parameters.iter(), values)
}

/// The first one of those that are trained.
fn trained(program: &'static Program, values: &[f32]) -> Option<String> {
    first(program.parameters.iter().filter(|parameter| parameter.trainable), values)
}

fn first(mut parameters: impl Iterator<Item = &'static Parameter>, values: &[f32]) -> Option<String> {
    parameters.find_map(|parameter| {
        let values = checkpoint::slice(parameter, values);
        let first = values.iter().find(|value| !value.is_finite())?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        Some(format!("`{}`: {count} of {} numbers, the first is {first}", parameter.name, values.len()))
    })
}
