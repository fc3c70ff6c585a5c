//! What happens when numbers are not finite.

use super::Loop;
use crate::error::Result;
use crate::fit::finite::{NonFinite, OnNonFinite, Replay};
use crate::history::Stopped;
use crate::metrics::{self, Combined};
use crate::network::Net;

impl Loop<'_> {
    /// Says that the epoch's loss is no number, where nobody else does.
    pub(super) fn warn(&self, net: &Net) {
        if let (OnNonFinite::Ignore, Some(first)) = (self.options.on_non_finite, self.first_bad(net, 0)) {
            let (network, epoch) = (net.program.name, self.callbacks.epoch);
            log::warn!("`{network}`: the loss of epoch {epoch} is not finite, first in batch {}", first + 1);
        }
    }

    /// The first of the epoch's steps from this one on whose loss is not finite, counted from there.
    pub(super) fn first_bad(&self, net: &Net, first: usize) -> Option<usize> {
        let mut losses =
            metrics::losses(net.program, self.batches[first..].iter().copied(), self.results_from(net, first));
        losses.position(|loss| !loss.is_finite())
    }

    pub(super) fn is_non_finite(&self) -> bool {
        matches!(self.stopped, Some(Stopped::NonFinite(_)))
    }

    /// Numbers are not finite: those of the step that began it are said, and then the run ends before it, or goes on without its update.
    pub(super) fn blame(&mut self, net: &mut Net, replay: &mut Replay<'_>, bad: Option<usize>) -> Result<()> {
        let updates = replay.updates();
        let culprit = replay.find(net, bad)?;
        net.updates = updates + culprit.step as u64;
        // Those behind it have not been.
        let back = replay.len() - culprit.step;
        net.steps -= back as u64;
        net.position.steps -= back as u64;
        let batch = net.position.steps as usize;
        let known = self.combined.floats(&self.batches[..batch]);
        let own = self.combined.floats(&self.batches[batch..=batch]);
        let results: Vec<f32> = net.position.results.drain(known..).take(own).collect();
        self.losses.truncate(self.losses.len() - back);
        let found = NonFinite {
            epoch: self.callbacks.epoch,
            batch: batch + 1,
            loss: results.first().copied().unwrap_or(f32::NAN),
            place: culprit.place,
        };
        if self.options.on_non_finite == OnNonFinite::Skip && culprit.was_good {
            self.options.say(&format!("{found}; its update is left out"));
            net.position.results.extend(&results);
            self.losses.push(found.loss);
            net.steps += 1;
            net.updates += 1;
            net.position.steps += 1;
            replay.restart(net, culprit.step + 1)?;
        } else {
            self.options.say(&format!("{found}; training ends with the weights from before it"));
            self.stopped = Some(Stopped::NonFinite(found));
        }
        (self.combined, self.counted) = (Combined::new(net.program), 0);
        self.count(&net.position.results, 0);
        Ok(())
    }
}
