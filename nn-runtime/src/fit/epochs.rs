//! A run's epochs, cut into segments: steps between which the host has something to do.

mod blame;
mod sizes;
mod telling;

use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::OnceLock;

use self::sizes::Sizes;
use super::callback::{Callback, Control, Curve, Moment};
use super::callbacks::{Callbacks, Now};
use super::clock::{Clock, REFRESH};
use super::finite::{NonFinite, OnNonFinite, Replay};
use super::interrupt::Interrupt;
use super::numbers::Numbers;
use super::options::Options;
use super::run::Validation;
use crate::backend::{Columns, Resident, Steps};
use crate::error::Result;
use crate::history::Stopped;
use crate::metrics::{self, Combined, Measured};
use crate::network::{Net, Stops};
use crate::program::{Part, StepUniform};

/// Looking at what is known takes at most one part of so many of the time.
const LOOK_SHARE: f64 = 100.0;

/// Trains the rest of an epoch: what of it has not been trained on yet, wherever its samples come from.
pub(super) type Pass<'a> = dyn FnMut(&mut Net, &mut Loop<'_>) -> Result<()> + 'a;

/// Samples to train on.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    /// Where the device finds them.
    pub(super) data: &'a Resident<'a>,
    /// The same on the host.
    pub(super) columns: &'a Columns<'a>,
    /// Their numbers, in the order of the steps.
    pub(super) order: &'a [u32],
    /// Whether all epochs have the same ones, and not only these steps.
    pub(super) stay: bool,
}

/// What a run leaves behind the network.
pub(super) struct Ran {
    /// The loss of each step.
    pub(super) losses: Vec<f32>,
    /// Why it ended early.
    pub(super) stopped: Option<Stopped>,
    /// What was not finite in updates that were left out.
    pub(super) left_out: Vec<NonFinite>,
}

/// A run in progress.
pub(super) struct Loop<'r> {
    options: &'r Options,
    callbacks: Callbacks<'r>,
    /// Samples of each step of an epoch.
    sizes: Sizes,
    /// What the current epoch has measured so far, from how many of its steps, and how many of them have changed nothing.
    combined: Combined,
    counted: usize,
    skipped: usize,
    /// The steps since the last state that can be gone back to, where numbers have to be finite.
    replay: Option<Replay>,
    left_out: Vec<NonFinite>,
    /// The numbers of a segment's steps, in memory that stays.
    uniforms: Vec<StepUniform>,
    /// What the curve of learning rates is multiplied by.
    factor: f64,
    /// Why the run ends before its last epoch.
    stopped: Option<Stopped>,
    /// Whether somebody has asked for a checkpoint that has not been written yet.
    save: bool,
    interrupt: Option<Interrupt>,
    /// What is said when everything is saved.
    last_words: Option<String>,
    /// What `combined` comes to, where somebody has looked at it.
    known: OnceLock<Measured>,
    /// When callbacks were told of progress for the last time.
    shown: Clock,
    /// When they could look at what is known for the last time, and how long they wait until they can again.
    looked: Clock,
    rest: f64,
    /// Where the last checkpoint of this process was written.
    saved: Option<PathBuf>,
    losses: Vec<f32>,
}

impl<'r> Loop<'r> {
    /// The loop of a run whose epochs have these batches. The network's position is where the run begins.
    pub(super) fn new(
        net: &Net,
        options: &'r Options,
        callbacks: Vec<&'r mut dyn Callback>,
        batches: Vec<usize>,
    ) -> Self {
        let program = net.program;
        let callbacks = Callbacks {
            all: callbacks,
            program,
            epochs: options.epochs,
            batches: batches.len(),
            epoch: 0,
            ended: 0,
            resumed: options.resume,
            validates: false,
            clock: Clock::start(),
            validated: None,
        };
        let combined = Combined::new(program);
        Loop {
            options,
            callbacks,
            sizes: Sizes::new(batches),
            combined,
            counted: 0,
            skipped: 0,
            replay: None,
            left_out: Vec::new(),
            uniforms: Vec::new(),
            factor: 1.0,
            stopped: None,
            save: false,
            interrupt: None,
            last_words: None,
            known: OnceLock::new(),
            shown: Clock::start(),
            looked: Clock::start(),
            rest: REFRESH,
            saved: None,
            losses: Vec::new(),
        }
    }

    /// Plays the run: the epochs that are left of it.
    pub(super) fn play(
        mut self,
        net: &mut Net,
        pass: &mut Pass<'_>,
        validation: Option<&Validation<'_>>,
    ) -> Result<Ran> {
        net.backend.watch(self.options.on_non_finite != OnNonFinite::Ignore);
        self.interrupt = if self.options.stop_on_interrupt { Some(Interrupt::listen()?) } else { None };
        self.callbacks.validates = validation.is_some();
        self.number(net);
        self.callbacks.remember(net)?;
        self.tell(net, Moment::TrainBegin)?;
        self.settle(net)?;
        while self.stopped.is_none() && self.number(net) < self.options.epochs {
            self.epoch(net, pass, validation)?;
        }
        self.callbacks.validated = None;
        self.tell(net, Moment::TrainEnd)?;
        self.settle(net)?;
        if let Some(words) = self.last_words.take() {
            self.options.say(&words);
        }
        Ok(Ran { losses: self.losses, stopped: self.stopped, left_out: self.left_out })
    }

    /// Whether somebody has ended the run. It ends between two updates, never among the steps of one.
    pub(super) fn is_stopped(&self, net: &Net) -> bool {
        self.stopped.is_some() && self.is_between_updates(net)
    }

    fn is_between_updates(&self, net: &Net) -> bool {
        let ended = net.position.steps as usize;
        ended.is_multiple_of(self.options.accumulate) || ended == self.sizes.len()
    }

    /// Whether this step of an epoch is the last one of its update.
    fn updates(&self, step: usize) -> bool {
        (step + 1).is_multiple_of(self.options.accumulate) || step + 1 == self.sizes.len()
    }

    /// The steps of the update that a step of an epoch is a part of.
    fn update_of(&self, step: usize) -> Range<usize> {
        let every = self.options.accumulate;
        let first = step / every * every;
        first..first.saturating_add(every).min(self.sizes.len())
    }

    /// Which part of its update a step of an epoch is, and its share of the update's samples.
    fn part(&self, step: usize) -> (Part, f32) {
        let update = self.update_of(step);
        let part = match (step == update.start, self.updates(step)) {
            (true, true) => Part::Whole,
            (true, false) => Part::First,
            (false, false) => Part::Middle,
            (false, true) => Part::Last,
        };
        let share = match self.callbacks.program.weight_in_update() {
            Some(_) => ((step - update.start) % 2) as f32,
            None => (self.sizes.of(step) as f64 / self.sizes.samples(update) as f64) as f32,
        };
        (part, share)
    }

    /// How many epochs of the run have ended. The next one gets its number.
    fn number(&mut self, net: &Net) -> usize {
        let ended = (net.epochs - net.position.first_epoch) as usize;
        (self.callbacks.epoch, self.callbacks.ended) = ((ended + 1).min(self.options.epochs), ended);
        ended
    }

    /// An epoch, or what is left of one.
    fn epoch(&mut self, net: &mut Net, pass: &mut Pass<'_>, validation: Option<&Validation<'_>>) -> Result<()> {
        self.callbacks.clock = Clock::start();
        self.callbacks.validated = None;
        if net.position.steps == 0 {
            net.reset_states();
        }
        self.count_anew(net);
        self.tell(net, Moment::EpochBegin)?;
        self.settle(net)?;
        if self.stopped.is_none() {
            pass(net, self)?;
        }
        if self.counted < self.sizes.len() || matches!(self.stopped, Some(Stopped::Interrupted)) {
            return Ok(());
        }
        let number = self.callbacks.epoch;
        if let Some(validation) = validation
            && (number.is_multiple_of(self.options.validation_every.max(1)) || number == self.options.epochs)
        {
            self.tell(net, Moment::ValidationBegin)?;
            let pressed = || self.interrupt.as_ref().is_some_and(Interrupt::has_come);
            let stops: Stops<'_> = if self.interrupt.is_some() { Some(&pressed) } else { None };
            let Some(measured) = validation.measure(net, self.options, stops)? else {
                // The epoch has not ended: who goes on validates first.
                self.interrupted();
                return self.settle(net);
            };
            self.callbacks.validated = Some(measured.into());
            self.tell(net, Moment::ValidationEnd)?;
        }
        self.warn(net);
        // From here on the network stands at the beginning of the next epoch.
        net.epochs += 1;
        net.position.steps = 0;
        net.position.results.clear();
        self.tell(net, Moment::EpochEnd)?;
        if self.interrupt.as_ref().is_some_and(Interrupt::has_come) {
            self.interrupted();
        }
        self.settle(net)
    }

    /// Trains on the next batches of the epoch, whose samples are these.
    pub(super) fn steps(&mut self, net: &mut Net, samples: Samples<'_>, count: usize) -> Result<()> {
        let all = samples.order;
        let mut order = all;
        let begin = net.position.steps as usize;
        let end = begin + count;
        self.guard(net, samples.stay)?;
        // Where one step went wrong, others may: segments begin small again.
        let mut careful = usize::MAX;
        loop {
            let first = net.position.steps as usize;
            let wrong;
            let going = first < end && !self.is_stopped(net);
            if going {
                // A run that ends plays the rest of its update, and no more.
                let last = if self.stopped.is_some() { self.update_of(first).end } else { end };
                let segment = self.segment(first).min(last.min(end) - first).min(careful);
                let uniforms = self.uniforms(net, first, segment);
                self.tell_batch(net, Moment::BatchBegin, first)?;
                let ended = self.segment_of(net, samples.data, order, &uniforms)?;
                let now;
                (now, order) = order.split_at(self.sizes.samples(first..first + ended));
                wrong = self.look(net, first, &uniforms[..ended], now, ended < segment)?;
                careful = careful.saturating_mul(2);
                self.uniforms = uniforms;
                if wrong.is_none() && ended > 0 {
                    self.tell_batch(net, Moment::BatchEnd, first + ended)?;
                }
            } else {
                wrong = self.last_look(net)?;
            }
            match wrong {
                Some(wrong) => {
                    self.blame(net, samples, wrong)?;
                    order = &all[self.sizes.samples(begin..net.position.steps as usize)..];
                    careful = 1;
                }
                None if going => self.settle(net)?,
                None => return Ok(()),
            }
        }
    }

    /// How many steps there are, after this many of the epoch, until somebody wants to hear of one.
    fn segment(&self, ended: usize) -> usize {
        let every = self.callbacks.all.iter().map(|c| c.batch_events()).filter(|&every| every > 0);
        every.map(|every| every - ended % every).min().unwrap_or(usize::MAX)
    }

    /// The numbers of the next steps, at the rates of the curve if there is one.
    fn uniforms(&mut self, net: &mut Net, first: usize, count: usize) -> Vec<StepUniform> {
        let mut uniforms = std::mem::take(&mut self.uniforms);
        uniforms.clear();
        uniforms.reserve(count);
        let mut updates = 0;
        for (step, ahead) in (first..first + count).zip(0..) {
            self.set_rate(net, updates);
            let (part, share) = self.part(step);
            let uniform = net.step(self.sizes.of(step), ahead, updates);
            uniforms.push(StepUniform { part: part as u32, share, ..uniform });
            updates += u64::from(self.updates(step));
        }
        uniforms
    }

    /// Sets the learning rate of the update after `ahead` others.
    fn set_rate(&self, net: &mut Net, ahead: u64) {
        if let Some(rate) = &self.options.learning_rate {
            let time = if rate.is_per_step() { net.updates + ahead } else { net.epochs };
            net.learning_rate = (rate.at(time) * self.factor) as f32;
        }
    }

    /// The curve of learning rates, if there is one, at the last step.
    fn curve(&self, net: &Net) -> Option<Curve> {
        let rate = self.options.learning_rate.as_ref()?;
        let epoch = net.position.first_epoch + self.callbacks.epoch.saturating_sub(1) as u64;
        let time = if rate.is_per_step() { net.updates.saturating_sub(1) } else { epoch };
        Some(Curve { factor: self.factor, warms_up: rate.warms_up(time) })
    }

    /// Plays steps in one go. Gives how many have been done: fewer where somebody wanted the host's attention.
    fn segment_of(
        &mut self,
        net: &mut Net,
        data: &Resident<'_>,
        order: &[u32],
        uniforms: &[StepUniform],
    ) -> Result<usize> {
        let first = net.position.steps as usize;
        let samples: usize = uniforms.iter().map(|step| step.batch as usize).sum();
        let mut results = std::mem::take(&mut net.position.results);
        // So that steps allocate nothing.
        results.reserve(self.floats(first..first + uniforms.len()));
        self.losses.reserve(uniforms.len());
        let (steps, learning_rate) = (net.steps, net.learning_rate);
        let guarded = self.replay.is_some();
        // Steps whose losses have been looked at, and the floats of their results.
        let (program, mut looked, mut floats) = (net.program, 0, 0);
        let mut asked: Result<Option<(Control, Option<&'static str>)>> = Ok(None);
        let mut heard = |ended: usize, results: &[f32]| {
            if self.interrupt.as_ref().is_some_and(Interrupt::has_come) {
                return ControlFlow::Break(());
            }
            if guarded {
                for (_, results) in metrics::slots(program, self.sizes.from(first + looked), &results[floats..]) {
                    if self.is_bad(first + looked, results) {
                        return ControlFlow::Break(());
                    }
                    (looked, floats) = (looked + 1, floats + results.len());
                }
            }
            if self.shown.seconds() < REFRESH || matches!(asked, Ok(Some(_)) | Err(_)) {
                return ControlFlow::Continue(());
            }
            self.shown = Clock::start();
            // Curves are made of all scores so far: steps must not wait for those who look.
            let looks = self.looked.seconds() >= self.rest;
            if looks {
                self.count(results, first);
            }
            let train = (looks && self.counted > first).then_some(Numbers::of(&self.combined, &self.known));
            let (batch, skipped) = (first + ended, self.skipped);
            let samples = self.sizes.samples(0..batch);
            let (curve, saved) = (None, self.saved.as_deref());
            let now = Now { net: None, batch, samples, steps, skipped, learning_rate, curve, train, last: None, saved };
            asked = self.callbacks.tell(Moment::Progress, now, |_| true).map(Some);
            if looks {
                let waited =
                    asked.as_ref().map_or(0.0, |asked| asked.as_ref().map_or(0.0, |(control, _)| control.waited));
                self.rest = REFRESH.max(LOOK_SHARE * (self.shown.seconds() - waited));
                self.looked = Clock::start();
            }
            self.shown = Clock::start();
            match &asked {
                Ok(Some((control, _))) if control.asks_for_nothing(learning_rate) => {
                    asked = Ok(None);
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            }
        };
        let steps = Steps { data, order: &order[..samples], steps: uniforms };
        let ended = net.train_steps(steps, &mut results, &mut heard);
        net.position.results = results;
        let ended = ended?;
        if ended > 0 && ended < uniforms.len() {
            let before = (first..first + ended - 1).filter(|&step| self.updates(step)).count();
            self.set_rate(net, before as u64);
        }
        net.steps += ended as u64;
        net.updates += (first..first + ended).filter(|&step| self.updates(step)).count() as u64;
        net.position.steps += ended as u64;
        let new = self.results_from(net, first);
        self.count(new, first);
        self.losses.extend(metrics::losses(net.program, self.sizes.from(first), new));
        if let Some((control, who)) = asked? {
            self.obey(net, control, who)?;
        }
        if self.interrupt.as_ref().is_some_and(Interrupt::has_come) {
            self.interrupted();
        }
        Ok(ended)
    }

    /// Counts what the epoch has measured so far.
    fn count_anew(&mut self, net: &Net) {
        (self.combined, self.counted, self.skipped) = (Combined::new(net.program), 0, 0);
        self.known = OnceLock::new();
        self.count(&net.position.results, 0);
    }

    /// Adds what steps have measured, from the `first` of the epoch on, as far as it has not been added yet.
    fn count(&mut self, results: &[f32], first: usize) {
        let known = self.floats(first..self.counted);
        let new = results.get(known..).unwrap_or_default();
        for (batch, results) in metrics::slots(self.callbacks.program, self.sizes.from(self.counted), new) {
            let skipped = self.is_skipped(self.counted, results);
            self.counted += 1;
            self.known.take();
            self.skipped += usize::from(skipped);
            // A step that was left out has measured nothing, unless the device has.
            if !skipped || results[0].is_finite() {
                self.combined.add(batch, results);
            }
        }
    }

    /// Floats of the results of some of the epoch's steps.
    fn floats(&self, steps: Range<usize>) -> usize {
        self.combined.floats(steps.len(), self.sizes.samples(steps))
    }

    /// The results of the epoch's steps from the `first` on.
    fn results_from<'n>(&self, net: &'n Net, first: usize) -> &'n [f32] {
        net.position.results.get(self.floats(0..first)..).unwrap_or_default()
    }
}
