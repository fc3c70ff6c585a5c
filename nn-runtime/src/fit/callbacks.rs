//! Those who hear of a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use super::callback::{Callback, Control, Curve, Event, Moment};
use super::clock::Clock;
use super::numbers::Numbers;
use crate::error::Result;
use crate::metrics::Measured;
use crate::network::{Memory, Net, Position};
use crate::program::Program;

/// Those who hear of a run, and what does not change between two events.
pub(super) struct Callbacks<'r> {
    pub(super) all: Vec<&'r mut dyn Callback>,
    pub(super) program: &'static Program,
    pub(super) epochs: usize,
    pub(super) batches: usize,
    pub(super) epoch: usize,
    /// Epochs of the run that have ended.
    pub(super) ended: usize,
    pub(super) resumed: bool,
    pub(super) validates: bool,
    pub(super) clock: Clock,
    pub(super) validated: Option<OnceLock<Measured>>,
}

/// What is known when something happens, beside what [`Callbacks`] has.
#[derive(Clone, Copy)]
pub(super) struct Now<'a> {
    pub(super) net: Option<&'a Net>,
    pub(super) batch: usize,
    pub(super) samples: usize,
    pub(super) steps: u64,
    pub(super) skipped: usize,
    pub(super) learning_rate: f32,
    pub(super) curve: Option<Curve>,
    pub(super) saved: Option<&'a Path>,
    pub(super) train: Option<Numbers<'a>>,
    pub(super) last: Option<Numbers<'a>>,
}

impl Callbacks<'_> {
    /// Tells all who are concerned. Says who, if anybody, has asked for an end.
    pub(super) fn tell(
        &mut self,
        moment: Moment,
        now: Now<'_>,
        concerned: impl Fn(&dyn Callback) -> bool,
    ) -> Result<(Control, Option<&'static str>)> {
        let Now { net, batch, samples, steps, skipped, learning_rate, curve, saved, train, last } = now;
        let event = Event {
            epoch: self.epoch,
            epochs: self.epochs,
            ended: self.ended,
            batch,
            batches: self.batches,
            samples,
            steps,
            skipped,
            train,
            last,
            validation: self.validated.as_ref().map(Numbers::made),
            learning_rate,
            curve,
            saved,
            seconds: self.clock.seconds(),
            resumed: self.resumed,
            validates: self.validates,
            program: self.program,
            net,
        };
        let (mut control, mut who) = (Control::new(learning_rate), None);
        for callback in &mut self.all {
            if concerned(&**callback) {
                moment.tell(&mut **callback, &event, &mut control)?;
                if control.stop && who.is_none() {
                    who = Some(callback.name());
                }
            }
        }
        Ok((control, who))
    }

    /// What callbacks know, each under its name; a second one of a name gets a number.
    pub(super) fn memories(&self) -> BTreeMap<String, Memory> {
        let mut memories = BTreeMap::new();
        for (key, callback) in self.keys().into_iter().zip(&self.all) {
            if let Some(memory) = callback.memory() {
                memories.insert(key, memory);
            }
        }
        memories
    }

    /// The keys of the callbacks' memories.
    fn keys(&self) -> Vec<String> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let key = |callback: &&mut dyn Callback| {
            let name = callback.name();
            let count = seen.entry(name).and_modify(|n| *n += 1).or_default();
            if *count == 0 { name.to_owned() } else { format!("{name} {count}") }
        };
        self.all.iter().map(key).collect()
    }

    /// Gives callbacks what they knew when the run that goes on was saved.
    pub(super) fn remember(&mut self, net: &Net) -> Result<()> {
        let Position { memories, .. } = &net.position;
        let keys = self.keys();
        for (key, callback) in keys.iter().zip(&mut self.all) {
            if let Some(memory) = memories.get(key) {
                callback.remember(memory)?;
            }
        }
        Ok(())
    }
}
