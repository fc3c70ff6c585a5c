//! The options of `fit` that do not depend on the network, and whether they make sense.

use std::collections::BTreeMap;

use super::finite::OnNonFinite;
use super::run::Part;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::learning_rate::LearningRate;
use crate::network::{check_count, no_samples};
use crate::program::Program;

/// What `fit` shows while it runs, on standard error; see [`Fit::verbosity`](crate::Fit::verbosity).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verbosity {
    /// A bar for each epoch on a terminal; elsewhere a line now and then, about twenty in a long run.
    #[default]
    Auto,
    /// Nothing.
    Quiet,
    /// A bar for each epoch, and its line above the next one. Where there is no terminal, lines.
    Bar,
    /// A line for each epoch.
    Lines,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) epochs: usize,
    pub(super) initial_epoch: usize,
    pub(super) batch_size: usize,
    pub(super) steps_per_epoch: Option<usize>,
    pub(super) drop_last: bool,
    /// Steps whose gradients make one update.
    pub(super) accumulate: usize,
    pub(super) learning_rate: Option<LearningRate>,
    /// Whether it was asked for, or said that there is none.
    pub(super) shuffle: Option<bool>,
    pub(super) seed: Option<u64>,
    pub(super) validation_split: f64,
    pub(super) validation_every: usize,
    pub(super) verbosity: Verbosity,
    pub(super) workers: Option<usize>,
    pub(super) stop_on_interrupt: bool,
    pub(super) on_non_finite: OnNonFinite,
    pub(super) weights: Weights,
    /// Whether the run goes on where the network's position says, instead of beginning there.
    pub(super) resume: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            epochs: 1,
            initial_epoch: 0,
            batch_size: 32,
            steps_per_epoch: None,
            drop_last: false,
            accumulate: 1,
            learning_rate: None,
            shuffle: None,
            seed: None,
            validation_split: 0.0,
            validation_every: 1,
            verbosity: Verbosity::Auto,
            workers: None,
            stop_on_interrupt: false,
            on_non_finite: OnNonFinite::Ignore,
            weights: Weights::default(),
            resume: false,
        }
    }
}

impl Options {
    /// Checks what can be checked without data.
    pub(super) fn check(&self) -> Result<()> {
        let at_least_one = |what: &str, value: usize, why: &str| match value {
            0 => Err(Error::Option(format!("{what} is 0, but {why}"))),
            _ => Ok(()),
        };
        at_least_one("batch_size", self.batch_size, "a step needs at least one sample")?;
        at_least_one("steps_per_epoch", self.steps_per_epoch.unwrap_or(1), "an epoch needs at least one step")?;
        at_least_one("validation_every", self.validation_every, "it counts epochs: 1 validates after each")?;
        at_least_one("accumulate", self.accumulate, "an update needs the gradients of at least one batch")?;
        if self.initial_epoch > self.epochs {
            let Options { initial_epoch, epochs, .. } = self;
            return Err(Error::Option(format!(
                "initial_epoch is {initial_epoch}, but the last epoch is {epochs}: `epochs` counts those before, too"
            )));
        }
        self.learning_rate.as_ref().map_or(Ok(()), LearningRate::check)
    }

    /// What is trained on, and what is validated on; both with at least one sample.
    ///
    /// Of a network that goes on from batch to batch, whole batches are split off: each stream's last windows.
    pub(super) fn split<'a>(
        &self,
        program: &Program,
        data: Part<'a>,
        validation: Option<Part<'a>>,
    ) -> Result<(Part<'a>, Option<Part<'a>>)> {
        let fraction = self.validation_split;
        if !(0.0..1.0).contains(&fraction) {
            return Err(Error::Option(format!(
                "validation_split is {fraction}, but it must be at least 0 and less than 1"
            )));
        }
        if self.shuffle == Some(true) && !data.has_places() {
            return Err(Error::Option(
                "shuffle(true), but batches of an iterator come in its order: shuffle where they are made, by the epoch's number".into(),
            ));
        }
        if fraction > 0.0 && !data.has_places() {
            return Err(Error::Option(
                "validation_split cannot take batches of an iterator apart: give validation_data instead".into(),
            ));
        }
        let samples = data.samples();
        if samples == 0 {
            return Err(no_samples());
        }
        check_count(samples)?;
        let Some(validation) = validation else {
            // As Keras rounds; the summand is for fractions that are no binary numbers, such as 0.9.
            let middle = (samples as f64 * (1.0 - fraction) + 1e-9) as usize;
            let (middle, samples) = match fraction > 0.0 && !program.kept.is_empty() {
                true => self.split_batches(program, middle, samples)?,
                false => (middle, samples),
            };
            let kept = samples - middle;
            if middle == 0 || (fraction > 0.0 && kept == 0) {
                let what = if middle == 0 { "trained on" } else { "validated" };
                return Err(Error::Option(format!(
                    "validation_split {fraction} of {samples} samples takes {kept} of them: nothing would be {what}"
                )));
            }
            let (train, validation) = data.split_at(middle);
            return Ok((train, (kept > 0).then(|| validation.split_at(kept).0)));
        };
        if fraction > 0.0 {
            return Err(Error::Option("validation_split and validation_data are both set: choose one of them".into()));
        }
        if validation.samples() == 0 {
            return Err(Error::Data("the validation data has no samples".into()));
        }
        check_count(validation.samples())?;
        let left_over = validation.samples() % self.batch_size.max(1);
        if !program.kept.is_empty() && left_over > 0 {
            return Err(smaller_batch("the validation data's last batch", left_over, self.batch_size, program.name));
        }
        Ok((data, Some(validation)))
    }

    /// Where whole batches are split, and where they end.
    fn split_batches(&self, program: &Program, middle: usize, samples: usize) -> Result<(usize, usize)> {
        let size = self.batch_size.max(1);
        let left_over = samples % size;
        if left_over > 0 && !self.drop_last {
            return Err(smaller_batch("the last batch", left_over, size, program.name));
        }
        if middle < size {
            return Err(Error::Option(format!(
                "validation_split {} of {samples} samples leaves {middle} to train on, fewer than a batch of {size}, but `{}` goes on where \
                 the batch before ended, so whole batches are split off",
                self.validation_split, program.name
            )));
        }
        Ok((middle - middle % size, samples - left_over))
    }

    /// The sizes of an epoch's batches, over so many samples.
    pub(super) fn batches(&self, samples: usize) -> Result<Vec<usize>> {
        let size = self.batch_size.min(samples);
        let mut batches: Vec<usize> = (0..samples).step_by(size.max(1)).map(|s| size.min(samples - s)).collect();
        if self.drop_last && samples < self.batch_size {
            return Err(Error::Option(format!(
                "drop_last leaves nothing to train on: there are {samples} samples, fewer than a batch of {}",
                self.batch_size
            )));
        }
        if self.drop_last && batches.last().is_some_and(|&last| last < size) {
            batches.pop();
        }
        match self.steps_per_epoch {
            Some(steps) if steps > batches.len() => Err(Error::Option(format!(
                "steps_per_epoch is {steps}, but {samples} samples are only {} batches of {size}",
                batches.len()
            ))),
            Some(steps) => {
                batches.truncate(steps);
                Ok(batches)
            }
            None => Ok(batches),
        }
    }

    /// Whether each epoch has an order of its own: not where batches go on where those before have ended.
    pub(super) fn shuffles(&self, program: &Program) -> bool {
        self.shuffle.unwrap_or(program.kept.is_empty())
    }

    /// Checks what networks that go on from batch to batch need.
    pub(super) fn check_streams(
        &self,
        program: &Program,
        batches: &[usize],
        streams: [Option<usize>; 2],
    ) -> Result<()> {
        let (name, size) = (program.name, self.batch_size);
        if program.kept.is_empty() {
            return Ok(());
        }
        if self.shuffle == Some(true) {
            return Err(Error::Option(format!(
                "shuffle(true), but `{name}` goes on where the batch before ended: in another order, a sequence would be continued by \
                 another one. Leave it out"
            )));
        }
        if let Some(streams) = streams.into_iter().flatten().find(|&streams| streams != size) {
            return Err(Error::Option(format!(
                "batch_size is {size}, but the data was put into {streams} streams: `{name}` needs one sample of each in a batch"
            )));
        }
        match batches.iter().find(|&&batch| batch != size) {
            Some(&last) => Err(smaller_batch("the last batch", last, size, name)),
            None => Ok(()),
        }
    }

    /// How many batches a stream has to hold together: those of an update, where it may have to be played again.
    pub(super) fn together(&self) -> usize {
        if self.on_non_finite == OnNonFinite::Ignore { 1 } else { self.accumulate }
    }

    /// What a run that goes on from a checkpoint must have in common with the one that wrote it, so that its bits are the same.
    pub(super) fn conditions(&self, program: &Program, samples: usize) -> BTreeMap<String, String> {
        let Options { batch_size, drop_last, accumulate, steps_per_epoch, .. } = self;
        let all = steps_per_epoch.map_or("all".to_owned(), |steps| steps.to_string());
        let named = [
            ("samples", samples.to_string()),
            ("batch_size", batch_size.to_string()),
            ("drop_last", drop_last.to_string()),
            ("accumulate", accumulate.to_string()),
            ("shuffle", self.shuffles(program).to_string()),
            ("steps_per_epoch", all),
        ]
        .into_iter()
        .chain(self.seed.map(|seed| ("seed", seed.to_string())))
        .chain(self.weights.conditions());
        named.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether the run can go on: the first argument is what it was begun with.
    ///
    /// # Errors
    /// Names everything that is different.
    pub(super) fn check_conditions(began: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Result<()> {
        let none = "not known".to_owned();
        let names: std::collections::BTreeSet<&String> = began.keys().chain(now.keys()).collect();
        let different: Vec<String> = names
            .into_iter()
            .map(|name| (name, began.get(name).unwrap_or(&none), now.get(name).unwrap_or(&none)))
            .filter(|(_, began, now)| began != now)
            .map(|(name, began, now)| format!("\n  {name} was {began}, and is {now}"))
            .collect();
        if different.is_empty() {
            return Ok(());
        }
        let list = different.concat();
        Err(Error::Option(format!(
            "the run cannot go on as if it had never stopped, since it was begun otherwise:{list}"
        )))
    }

    /// Says something about the run, unless it is to be quiet.
    pub(super) fn say(&self, what: &str) {
        if self.verbosity == Verbosity::Quiet {
            log::info!("{what}");
        } else {
            eprintln!("{what}");
        }
    }
}

/// A batch that cannot go on where the one before has ended.
fn smaller_batch(which: &str, samples: usize, size: usize, network: &str) -> Error {
    Error::Option(format!(
        "{which} has {samples} samples of {size}, but `{network}` goes on where the batch before ended, so all need the same number: \
         `drop_last(true)` leaves it out of what is trained on, and data of `in_streams({size})` has none"
    ))
}
