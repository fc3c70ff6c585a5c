//! Telling those who hear of a run, and doing what they ask for.

use std::path::Path;
use std::sync::OnceLock;

use super::Loop;
use crate::error::Result;
use crate::fit::callback::{Callback, Control, Moment};
use crate::fit::callbacks::Now;
use crate::fit::numbers::Numbers;
use crate::history::Stopped;
use crate::metrics::Combined;
use crate::network::Net;

impl Loop<'_> {
    /// Ctrl-C was pressed: the run ends, and whoever writes checkpoints writes one.
    pub(super) fn interrupted(&mut self) {
        if self.stopped.is_none() {
            self.stopped = Some(Stopped::Interrupted);
            self.save = true;
        }
    }

    /// Tells everybody, and does what they ask for.
    pub(super) fn tell(&mut self, net: &mut Net, moment: Moment) -> Result<()> {
        self.tell_some(net, moment, |_| true)
    }

    /// Tells those who hear of the steps that begin or end here, after so many of the epoch.
    pub(super) fn tell_batch(&mut self, net: &mut Net, moment: Moment, ended: usize) -> Result<()> {
        let all = ended == self.sizes.len() && moment == Moment::BatchEnd;
        let concerned = |every: usize| every > 0 && (all || ended.is_multiple_of(every));
        if self.callbacks.all.iter().any(|c| concerned(c.batch_events())) {
            self.tell_some(net, moment, |callback| concerned(callback.batch_events()))?;
        }
        Ok(())
    }

    fn tell_some(&mut self, net: &mut Net, moment: Moment, concerned: impl Fn(&dyn Callback) -> bool) -> Result<()> {
        let batch = net.position.steps as usize;
        // At an epoch's end, the network stands at the beginning of the next one.
        let batch = if moment == Moment::EpochEnd { self.sizes.len() } else { batch };
        let last = (moment == Moment::BatchEnd).then(|| {
            let mut combined = Combined::new(net.program);
            combined.add(self.sizes.of(batch - 1), self.results_from(net, batch - 1));
            (combined, OnceLock::new())
        });
        let now = Now {
            net: Some(net),
            batch,
            samples: self.sizes.samples(0..batch),
            steps: net.steps,
            skipped: self.skipped,
            learning_rate: net.learning_rate,
            curve: self.curve(net),
            saved: self.saved.as_deref(),
            train: (batch > 0).then_some(Numbers::of(&self.combined, &self.known)),
            last: last.as_ref().map(|(combined, made)| Numbers::of(combined, made)),
        };
        let (control, who) = self.callbacks.tell(moment, now, concerned)?;
        self.obey(net, control, who)
    }

    /// Does what callbacks ask for.
    pub(super) fn obey(&mut self, net: &mut Net, control: Control, who: Option<&'static str>) -> Result<()> {
        net.set_learning_rate(control.learning_rate)?;
        self.save |= control.save;
        self.factor = control.factor.unwrap_or(self.factor);
        if control.interrupt {
            self.interrupted();
        }
        if let (Some(who), None) = (who, &self.stopped) {
            // Whoever writes checkpoints writes one of where the run stands.
            (self.stopped, self.save) = (Some(Stopped::Callback(who)), true);
        }
        match control.restore {
            Some(kept) => {
                // The steps up to here do not lead there.
                self.replay = None;
                kept.put_back(net)
            }
            None => Ok(()),
        }
    }

    /// Between two steps: what has been asked for is done.
    pub(super) fn settle(&mut self, net: &mut Net) -> Result<()> {
        // What is half an update is nothing that one could go on from.
        if !self.is_between_updates(net) || !std::mem::take(&mut self.save) {
            return Ok(());
        }
        net.position.memories = self.callbacks.memories();
        let batch = net.position.steps as usize;
        let now = Now {
            net: Some(net),
            batch,
            samples: self.sizes.samples(0..batch),
            steps: net.steps,
            skipped: self.skipped,
            learning_rate: net.learning_rate,
            curve: self.curve(net),
            saved: self.saved.as_deref(),
            train: None,
            last: None,
        };
        let (control, _) = self.callbacks.tell(Moment::Save, now, |_| true)?;
        if matches!(self.stopped, Some(Stopped::Interrupted)) {
            self.last_words = Some(self.how_to_go_on(net, control.saved.as_deref()));
        }
        self.saved = control.saved;
        Ok(())
    }

    /// What to tell who has pressed Ctrl-C.
    fn how_to_go_on(&self, net: &Net, saved: Option<&Path>) -> String {
        let (epochs, batch, batches) = (self.callbacks.epochs, net.position.steps, self.sizes.len());
        let ended = (net.epochs - net.position.first_epoch) as usize;
        let place = match batch {
            0 if ended == 0 => "before the first batch".to_owned(),
            0 => format!("after epoch {ended} of {epochs}"),
            _ => format!("after batch {batch} of {batches} in epoch {}", ended + 1),
        };
        let place = format!("stopped by Ctrl-C {place} (step {})", net.steps);
        match saved {
            Some(path) if ended >= epochs => format!("{place}, which was the last; saved as {}", path.display()),
            Some(path) => {
                let path = path.display();
                format!("{place}; saved as {path}: `resume` goes on from there with the same data and options")
            }
            None => format!("{place}; nothing is saved, since no checkpoints were asked for"),
        }
    }
}
