//! What happens when numbers are not finite.

use super::{Loop, Samples};
use crate::error::Result;
use crate::fit::finite::{NonFinite, OnNonFinite, Replay};
use crate::history::Stopped;
use crate::metrics;
use crate::network::Net;
use crate::program::StepUniform;

/// Steps after which a new state to go back to is noted: rarely enough to cost nothing, so often that going back takes seconds.
const NOTED: usize = 1024;

/// Numbers that are not finite: in the loss of the step of this number among those that can be played again, or in what training has
/// changed up to now.
pub(super) struct Wrong(Option<usize>);

impl Loop<'_> {
    /// Says that the epoch's loss or a gradient is no number, where nobody else does.
    pub(super) fn warn(&self, net: &Net) {
        if let (OnNonFinite::Ignore, Some(first)) = (self.options.on_non_finite, self.first_bad(net, 0)) {
            let (network, epoch) = (net.program.name, self.callbacks.epoch);
            let is_loss = self.results_from(net, first).first().is_none_or(|loss| !loss.is_finite());
            let what = if is_loss { "the loss" } else { "a gradient" };
            log::warn!("`{network}`: {what} of epoch {epoch} is not finite, first in batch {}", first + 1);
        }
    }

    /// Whether a step of the epoch has raised the flag that its results have at this place. It is the update that does, so steps that
    /// only add their gradients to others' have none.
    fn has_flag(&self, flag: Option<usize>, step: usize, results: &[f32]) -> bool {
        let raised = flag.and_then(|at| results.get(at)).is_some_and(|flag| *flag == 1.0);
        raised && self.updates(step)
    }

    /// Whether a step's results say that the device has left out its update.
    fn is_skipped_on_device(&self, step: usize, results: &[f32]) -> bool {
        self.has_flag(self.callbacks.program.skipped, step, results)
    }

    /// Whether a step has changed nothing, by its results: those that were left out have no loss.
    pub(super) fn is_skipped(&self, step: usize, results: &[f32]) -> bool {
        let left_out = self.options.on_non_finite == OnNonFinite::Skip && !results[0].is_finite();
        left_out || self.is_skipped_on_device(step, results)
    }

    /// Whether something has to be done about a step's results.
    pub(super) fn is_bad(&self, step: usize, results: &[f32]) -> bool {
        let stops = self.options.on_non_finite == OnNonFinite::Stop;
        let bad_loss = !results[0].is_finite() && (stops || !self.is_skipped_on_device(step, results));
        bad_loss || self.has_flag(self.callbacks.program.non_finite, step, results)
    }

    /// The first of the epoch's steps from this one on whose loss is not finite, counted from there.
    fn first_bad(&self, net: &Net, first: usize) -> Option<usize> {
        let results = metrics::slots(net.program, self.sizes.from(first), self.results_from(net, first));
        (first..).zip(results).position(|(step, (_, results))| self.is_bad(step, results))
    }

    /// Before steps on samples that `stay` for all epochs, or do not.
    pub(super) fn guard(&mut self, net: &mut Net, stay: bool) -> Result<()> {
        match &mut self.replay {
            _ if self.options.on_non_finite == OnNonFinite::Ignore => {}
            Some(replay) if stay && replay.len() < NOTED => {}
            Some(replay) => replay.restart(net)?,
            None => self.replay = Some(Replay::new(net)?),
        }
        Ok(())
    }

    /// Behind a segment from this step of the epoch on, which may have ended before its time.
    pub(super) fn look(
        &mut self,
        net: &Net,
        first: usize,
        steps: &[StepUniform],
        order: &[u32],
        early: bool,
    ) -> Result<Option<Wrong>> {
        let bad = if self.replay.is_some() { self.first_bad(net, first) } else { None };
        let Some(replay) = &mut self.replay else { return Ok(None) };
        let known = replay.len();
        replay.push(steps, order);
        match bad {
            Some(step) => Ok(Some(Wrong(Some(known + step)))),
            // It may be that the device has found something.
            None if early && !net.backend.is_finite()? => Ok(Some(Wrong(None))),
            None => Ok(None),
        }
    }

    /// Behind all steps on some samples.
    pub(super) fn last_look(&mut self, net: &Net) -> Result<Option<Wrong>> {
        let is_over = matches!(self.stopped, Some(Stopped::NonFinite(_)));
        let Some(replay) = self.replay.as_mut().filter(|replay| !is_over && !replay.is_known()) else {
            return Ok(None);
        };
        if !net.backend.is_finite()? {
            return Ok(Some(Wrong(None)));
        }
        replay.all_good();
        Ok(None)
    }

    /// Numbers are not finite: those of the step that began it are said, and then the run ends before it, or goes on without its update.
    pub(super) fn blame(&mut self, net: &mut Net, samples: Samples<'_>, wrong: Wrong) -> Result<()> {
        let Some(mut replay) = self.replay.take() else { return Ok(()) };
        let culprit = replay.find(net, samples, wrong.0)?;
        net.updates = replay.updates_before(culprit.first);
        // Those behind it have not been.
        let back = replay.len() - culprit.first;
        net.steps -= back as u64;
        net.position.steps -= back as u64;
        self.losses.truncate(self.losses.len() - back);
        let update = self.update_of(net.position.steps as usize);
        let mut results = net.position.results.split_off(self.floats(0..update.start));
        let step = update.start + culprit.step - culprit.first;
        let found = NonFinite {
            epoch: self.callbacks.epoch,
            batch: step + 1,
            loss: results.get(self.floats(update.start..step)).copied().unwrap_or(f32::NAN),
            place: culprit.place,
        };
        if self.options.on_non_finite == OnNonFinite::Skip && culprit.was_good {
            self.options.say(&format!("{found}; its update is left out"));
            results.resize(self.floats(update.clone()), f32::NAN);
            for step in update.clone() {
                let loss = &mut results[self.floats(update.start..step)];
                *loss = if loss.is_finite() { f32::NAN } else { *loss };
                self.losses.push(*loss);
            }
            net.position.results.extend(results);
            net.steps += update.len() as u64;
            net.position.steps += update.len() as u64;
            net.updates += 1;
            self.left_out.push(found);
            replay.restart(net)?;
        } else {
            self.options.say(&format!("{found}; training ends with the weights from before it"));
            self.stopped = Some(Stopped::NonFinite(found));
        }
        self.replay = Some(replay);
        self.count_anew(net);
        Ok(())
    }
}
