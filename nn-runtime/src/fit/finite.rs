//! What is done when a loss, a gradient or a parameter is no finite number.
//!
//! The loss of each step is read back with the epoch's results anyway, and parameters are looked at now and then, also within an epoch.
//! A gradient that is not finite shows in them for ever, unless it is clipped or a constraint hides it: such networks raise a flag in
//! the step's results. So no step is slower for it. Where it began is found afterwards: steps repeat bit for bit, so they are played
//! again from the last state that was good, in ever smaller numbers, up to the one after which a parameter is not finite; its
//! gradients then say which tensor was the first.

use std::fmt;
use std::ops::Range;

use super::epochs::Samples;
use crate::backend::{Columns, Resident, Steps, unheard};
use crate::checkpoint;
use crate::error::Result;
use crate::network::{Kept, Net};
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

/// Steps that can be played again: those since the last state that the device has noted.
pub(super) struct Replay {
    /// Updates before the first of them.
    updates: u64,
    played: Vec<StepUniform>,
    /// What the network remembers before them.
    kept: Kept,
    /// Their samples, one after another.
    order: Vec<u32>,
    /// After so many of them, all numbers are known to be finite; an update has ended there. 0 says nothing.
    good: usize,
}

/// Where an update went wrong.
pub(super) struct Culprit {
    /// The update's first step.
    pub(super) first: usize,
    /// The step of the update that began it.
    pub(super) step: usize,
    pub(super) place: String,
    /// Whether all numbers were finite before it.
    pub(super) was_good: bool,
}

impl Replay {
    /// Of steps from here on, between two updates.
    pub(super) fn new(net: &mut Net) -> Result<Self> {
        let mut replay = Replay { updates: 0, played: Vec::new(), kept: Kept::default(), order: Vec::new(), good: 0 };
        replay.restart(net)?;
        Ok(replay)
    }

    /// Begins anew from here.
    pub(super) fn restart(&mut self, net: &mut Net) -> Result<()> {
        net.backend.note()?;
        (self.updates, self.good) = (net.updates, 0);
        self.kept = net.kept_mut().clone();
        self.played.clear();
        self.order.clear();
        Ok(())
    }

    /// How many steps have been played.
    pub(super) fn len(&self) -> usize {
        self.played.len()
    }

    /// Steps on these samples have been played.
    pub(super) fn push(&mut self, steps: &[StepUniform], order: &[u32]) {
        self.played.extend_from_slice(steps);
        self.order.extend_from_slice(order);
    }

    /// All numbers are finite up to here.
    pub(super) fn all_good(&mut self) {
        self.good = self.played.len();
    }

    /// Whether that is known.
    pub(super) fn is_known(&self) -> bool {
        self.good == self.played.len()
    }

    /// Updates of the network before this step.
    pub(super) fn updates_before(&self, step: usize) -> u64 {
        self.updates + self.played[..step].iter().filter(|step| step.updates()).count() as u64
    }

    /// Brings the network to where it was after this many steps. Says whether all numbers are finite there.
    fn go_to(&self, net: &mut Net, data: &Resident<'_>, steps: usize) -> Result<bool> {
        net.backend.recall()?;
        *net.kept_mut() = self.kept.clone();
        if steps > 0 {
            let (order, steps) = (&self.order[..samples(&self.played[..steps])], &self.played[..steps]);
            net.train_steps(Steps { data, order, steps }, &mut Vec::new(), &mut unheard)?;
        }
        net.backend.is_finite()
    }

    /// Finds the update with which it began, and leaves the network as it was before it. `bad` is the first step whose loss is not finite.
    pub(super) fn find(&self, net: &mut Net, samples: Samples<'_>, bad: Option<usize>) -> Result<Culprit> {
        // Nobody else looks meanwhile, so that all steps are played.
        net.backend.watch(false);
        let found = self.search(net, samples, bad);
        net.backend.watch(true);
        found
    }

    fn search(&self, net: &mut Net, at: Samples<'_>, bad: Option<usize>) -> Result<Culprit> {
        // Where updates begin, and where the steps end.
        let ends = (1..self.len()).filter(|&end| self.played[end - 1].updates());
        let bounds: Vec<usize> = std::iter::once(0).chain(ends).chain([self.len()]).collect();
        let update_of = |step: usize| bounds.partition_point(|&bound| bound <= step) - 1;
        // All is well at the `low` bound, and not at the `high` one.
        let mut low = update_of(self.good);
        let mut high = bad.map_or(bounds.len() - 1, update_of);
        if self.good == 0 && !self.go_to(net, at.data, 0)? {
            high = 0;
        } else if bad.is_some() && (high == low || self.go_to(net, at.data, bounds[high])?) {
            // The update's own forward pass is to blame.
            low = high;
        } else {
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                *(if self.go_to(net, at.data, bounds[middle])? { &mut low } else { &mut high }) = middle;
            }
        }
        let update = low.min(high);
        let (first, end) = (bounds[update], bounds[update + 1]);
        let was_good = self.go_to(net, at.data, first)?;
        let (step, place) = self.place(net, at, first..end)?;
        Ok(Culprit { first, step, place, was_good })
    }

    /// The first tensor with numbers that are not finite, in the steps of the update that comes next; and the step.
    fn place(&self, net: &mut Net, at: Samples<'_>, steps: Range<usize>) -> Result<(usize, String)> {
        let program = net.program;
        let vectors = |net: &Net| changed(program, &net.backend.parameters()?, &net.backend.states()?);
        if let Some(place) = vectors(net)? {
            return Ok((steps.start, format!("{place}, before the step")));
        }
        let mut first = samples(&self.played[..steps.start]);
        let begin = first;
        for step in steps.clone() {
            let uniform = self.played[step];
            let order = &self.order[first..first + uniform.batch as usize];
            first += order.len();
            if let Some(place) = Self::place_in(net, at.columns, order, uniform)? {
                return Ok((step, place));
            }
        }
        // The update, then: of a rate that is too high, say.
        let played = Steps { data: at.data, order: &self.order[begin..first], steps: &self.played[steps.clone()] };
        net.train_steps(played, &mut Vec::new(), &mut unheard)?;
        let place = vectors(net)?;
        self.go_to(net, at.data, steps.start)?;
        let else_in = if steps.len() > 1 { "the sum of the gradients of its batches" } else { "the loss itself" };
        let place = place.map_or(else_in.to_owned(), |place| format!("the update of {place}"));
        Ok((steps.end - 1, place))
    }

    /// The first tensor with such numbers in a step's own samples, gradients and loss.
    fn place_in(net: &Net, columns: &Columns<'_>, order: &[u32], uniform: StepUniform) -> Result<Option<String>> {
        let program = net.program;
        let fields = batch(program, columns, order);
        for (field, values) in program.fields.iter().zip(&fields) {
            let width = values.len() / order.len().max(1);
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let sample = order[at / width.max(1)];
                return Ok(Some(format!("the data: `{}` of sample {sample} has {}", field.name, values[at])));
            }
        }
        if program.gradients.is_none() {
            return Ok(None);
        }
        let columns = Columns { fields: fields.iter().map(Vec::as_slice).collect(), samples: order.len() };
        let mut kept = net.kept().clone();
        let gradients = net.backend.gradients(columns, uniform, kept.of(program, order.len())?)?;
        let trained = program.parameters.iter().filter(|parameter| parameter.trainable);
        if let Some(place) = first(trained, &gradients.parameters) {
            return Ok(Some(format!("the gradient of {place}")));
        }
        let is_loss = !gradients.loss.is_finite();
        Ok(is_loss.then(|| "the loss itself, which has finite gradients".into()))
    }
}

/// The samples of a batch, field by field.
fn batch(program: &Program, columns: &Columns<'_>, order: &[u32]) -> Vec<Vec<f32>> {
    let field = |(field, values): (&crate::program::Field, &&[f32])| {
        let width: usize = field.dims.iter().product();
        order.iter().flat_map(|&sample| &values[sample as usize * width..][..width]).copied().collect()
    };
    program.fields.iter().zip(&columns.fields).map(field).collect()
}

fn samples(steps: &[StepUniform]) -> usize {
    steps.iter().map(|step| step.batch as usize).sum()
}

/// The first parameter that is not finite, or of which the optimizer's states are not.
fn changed(program: &'static Program, parameters: &[f32], states: &[Vec<f32>]) -> Result<Option<String>> {
    let all = || program.parameters.iter();
    let of_state =
        || states.iter().find_map(|state| first(all(), state)).map(|place| format!("the optimizer's state of {place}"));
    Ok(first(all(), parameters).or_else(of_state))
}

fn first(mut parameters: impl Iterator<Item = &'static Parameter>, values: &[f32]) -> Option<String> {
    parameters.find_map(|parameter| {
        let values = checkpoint::slice(parameter, values);
        let first = values.iter().find(|value| !value.is_finite())?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        Some(format!("`{}`: {count} of {} numbers, the first is {first}", parameter.name, values.len()))
    })
}
