//! Keeping what training has made, while it runs: when a checkpoint is written, and how a run goes on from one.

mod writer;

use std::path::{Path, PathBuf};

use self::writer::{Job, Writer};
use super::callback::{Callback, Control, Event};
use super::clock::Clock;
use super::monitor::{Monitor, Watch};
use super::run::Part;
use super::{Dataset, Fit, Report};
use crate::checkpoint::Store;
use crate::error::{Error, Result};
use crate::history::History;
use crate::network::{Memory, Net};

/// Writes checkpoints while `fit` runs, for [`Fit::checkpoints`]: `step-000000001200.safetensors` in a folder, the newest three of
/// them.
///
/// Each is written under another name, synced, and then renamed; older ones go only after that. So whenever a process is killed, the
/// folder has a checkpoint that is whole, and `net.resume` goes on from it with the bits of a run that has never stopped. There is
/// one when a run begins, one after its last epoch, and one where a callback or Ctrl-C ends it early.
///
/// Training waits for the first of them, and otherwise for nothing but a copy of its numbers in memory: a thread writes it, one file after
/// another. The last one is written when `fit` returns. What goes wrong with a file ends the run, with an error that names it.
///
/// ```
/// # use nn_runtime::private::Report;
/// # struct DigitsReport { accuracy: f64 }
/// # impl Report for DigitsReport {
/// #     fn from_measured(measured: &nn_runtime::private::Measured) -> Self { DigitsReport { accuracy: measured.numbers[1] } }
/// #     fn scalars(&self) -> Vec<(&'static str, f64)> { vec![] }
/// # }
/// use nn_runtime::{Checkpoints, Fit};
///
/// let checkpoints = Checkpoints::to("runs/digits").every_minutes(10).best(|report: &DigitsReport| report.accuracy).maximum();
/// let fit = Fit::default().epochs(100).validation_split(0.1).checkpoints(checkpoints);
/// ```
#[derive(Debug)]
#[must_use]
pub struct Checkpoints<R> {
    rules: Rules,
    best: Option<Monitor<R>>,
    maximum: bool,
}

/// When, where and how many.
#[derive(Debug, Clone)]
struct Rules {
    folder: PathBuf,
    epochs: Option<usize>,
    steps: Option<usize>,
    minutes: Option<f64>,
    keep: usize,
}

impl<R> Checkpoints<R> {
    /// Into this folder, which is made if it is not there. A folder is for one run.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        let rules = Rules { folder: folder.into(), epochs: None, steps: None, minutes: None, keep: 3 };
        Checkpoints { rules, best: None, maximum: false }
    }

    /// One after every so many epochs. Default: after each, if neither minutes nor steps are asked for.
    pub fn every_epochs(mut self, epochs: usize) -> Self {
        self.rules.epochs = Some(epochs);
        self
    }

    /// One after every so many minutes, wherever in an epoch that is.
    pub fn every_minutes(mut self, minutes: impl Into<f64>) -> Self {
        self.rules.minutes = Some(minutes.into());
        self
    }

    /// One after every so many steps of each epoch.
    pub fn every_steps(mut self, steps: usize) -> Self {
        self.rules.steps = Some(steps);
        self
    }

    /// Keeps the newest so many; the best one, if it is asked for, is beside them. Default: 3.
    pub fn keep(mut self, files: usize) -> Self {
        self.rules.keep = files;
        self
    }

    /// Keeps the best one, too, as `best.safetensors`: that of the epoch with the least of this number, which is looked at after each
    /// epoch; of the validation data where there is any, else of the training.
    pub fn best(mut self, value: impl FnMut(&R) -> f64 + 'static) -> Self {
        self.best = Some(Monitor::on(value));
        self
    }

    /// The best one is that with the most of its number.
    pub fn maximum(mut self) -> Self {
        self.maximum = true;
        self
    }
}

impl Checkpoints<()> {
    /// The newest checkpoint of a folder that is whole, if there is one: where `net.resume` goes on. Files that a crash or a disk has
    /// damaged are passed over, with a warning in the log.
    ///
    /// # Errors
    /// If the folder is there but cannot be read.
    pub fn newest(folder: impl Into<PathBuf>) -> Result<Option<PathBuf>> {
        Store::new(folder).newest().map(|newest| newest.path)
    }
}

impl<'a, R: Report + 'static> Fit<'a, R> {
    /// Writes checkpoints. See [`Checkpoints`].
    pub fn checkpoints(self, checkpoints: Checkpoints<R>) -> Self {
        let Checkpoints { rules, best, maximum } = checkpoints;
        let unmonitored = maximum && best.is_none();
        let best = best.map(|mut monitor| {
            if maximum {
                monitor.maximum();
            }
            monitor.untyped()
        });
        let store = Store::new(&rules.folder);
        self.callback(Saving {
            store,
            rules,
            unmonitored,
            watch: best,
            best: None,
            is_best: false,
            clock: Clock::start(),
            writer: Writer::default(),
            waits: true,
        })
    }
}

/// [`Checkpoints`] at work.
struct Saving {
    store: Store,
    rules: Rules,
    /// Whether more of a number is better that nobody has named.
    unmonitored: bool,
    watch: Option<Watch>,
    best: Option<f64>,
    /// Whether the epoch that has just ended is the best one so far.
    is_best: bool,
    /// Runs since the last one was written.
    clock: Clock,
    writer: Writer,
    /// Whether the run has to wait for the next one: no other is there yet, or the run is over.
    waits: bool,
}

impl Rules {
    fn check(&self) -> Result<()> {
        let Rules { epochs, steps, minutes, keep, .. } = self;
        for (what, number) in [("every_epochs", *epochs), ("every_steps", *steps), ("keep", Some(*keep))] {
            if number == Some(0) {
                return Err(Error::Option(format!("checkpoints: {what} is 0, but it must be at least 1")));
            }
        }
        match minutes {
            Some(minutes) if *minutes <= 0.0 || minutes.is_nan() => {
                Err(Error::Option(format!("checkpoints: every_minutes is {minutes}, but it must be more than 0")))
            }
            _ => Ok(()),
        }
    }

    /// After how many epochs there is one, at least.
    fn epochs(&self) -> Option<usize> {
        self.epochs.or((self.steps.is_none() && self.minutes.is_none()).then_some(1))
    }
}

impl Callback for Saving {
    fn name(&self) -> &'static str {
        "checkpoints"
    }

    fn batch_events(&self) -> usize {
        self.rules.steps.unwrap_or(0)
    }

    fn on_train_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        self.rules.check()?;
        if self.unmonitored {
            return Err(Error::Option(
                "checkpoints: `maximum` is about the number of `best`, which is not there".into(),
            ));
        }
        self.store.begin(event.steps)?;
        self.clock = Clock::start();
        let is_there = event.resumed && self.store.path(event.steps).exists();
        (self.waits, control.save) = (!is_there, control.save || !is_there);
        Ok(())
    }

    fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        control.save |= self.rules.steps.is_some_and(|steps| event.batch.is_multiple_of(steps));
        Ok(())
    }

    fn on_progress(&mut self, _: &Event<'_>, control: &mut Control) -> Result<()> {
        self.writer.look()?;
        control.save |= self.rules.minutes.is_some_and(|minutes| self.clock.seconds() >= 60.0 * minutes);
        Ok(())
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        self.writer.look()?;
        if let Some(watch) = &mut self.watch
            && let Some(value) = watch.value(event)
            && self.best.map_or(!value.is_nan(), |best| watch.is_better(value, best, 0.0))
        {
            (self.best, self.is_best) = (Some(value), true);
        }
        let due = self.rules.epochs().is_some_and(|epochs| event.epoch.is_multiple_of(epochs));
        control.save |= due || self.is_best || event.epoch == event.epochs;
        Ok(())
    }

    fn on_save(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        let net = event.net()?;
        let (store, keep) = (self.store.clone(), self.rules.keep);
        let is_best = std::mem::take(&mut self.is_best);
        let job = Job { program: net.program, state: net.state()?, store, is_best, keep };
        control.saved = Some(self.writer.begin(job)?);
        if std::mem::take(&mut self.waits) {
            self.writer.wait()?;
        }
        self.clock = Clock::start();
        Ok(())
    }

    fn on_train_end(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        self.waits = true;
        self.writer.wait()
    }

    fn memory(&self) -> Option<Memory> {
        let text = self.best.map(|best| format!("{best:?}")).unwrap_or_default();
        self.watch.as_ref().map(|_| Memory { text, vectors: Vec::new() })
    }

    fn remember(&mut self, memory: &Memory) -> Result<()> {
        let wrong = |_| Error::Weights(format!("checkpoints remember `{}`: expected a number", memory.text));
        self.best = if memory.text.is_empty() { None } else { Some(memory.text.parse().map_err(wrong)?) };
        Ok(())
    }
}

impl Net {
    /// Goes on with a run of [`Fit`] from a checkpoint, or from the newest one of a folder, as if the run had never stopped: with the
    /// same bits, in the middle of an epoch too. `fit` is what the run was begun with; its `epochs` counts those before.
    /// Options that decide how samples make steps must be the same; epochs, learning rates, validation data and callbacks may be others, and the
    /// run goes on with those.
    ///
    /// # Errors
    /// If there is no checkpoint that is whole, or if it is one of another network, other data or other options, all of which are
    /// named; the network is then as it was. Besides, as `fit`.
    pub fn resume<D: Dataset>(&mut self, data: &D, from: &Path, fit: Fit<'_, D::Report>) -> Result<History<D::Report>> {
        let path = if from.is_dir() { newest(from)? } else { from.to_owned() };
        let size = fit.options.batch_size;
        let validation = fit.validation.map(|data| Part::of(data, size));
        let (train, _) = fit.options.split(self.program, Part::of(data.data(), size), validation)?;
        self.load_state(&path, Some(&fit.options.conditions(self.program, train.samples())))?;
        log::info!("`{}` goes on from {} at step {}", self.program.name, path.display(), self.steps());
        self.fit(data, fit.resumed())
    }
}

/// The newest checkpoint of a folder; there must be one.
fn newest(folder: &Path) -> Result<PathBuf> {
    let newest = Store::new(folder).newest()?;
    newest.path.ok_or_else(|| {
        let folder = folder.display();
        let list: String = newest.damaged.iter().map(|problem| format!("\n  {problem}")).collect();
        match list.is_empty() {
            true => Error::Option(format!("{folder} has no checkpoint to go on from: `fit` begins a run")),
            false => Error::Weights(format!("{folder} has no checkpoint that is whole:{list}")),
        }
    })
}
