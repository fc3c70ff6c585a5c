//! What happens while `fit` runs, and who hears of it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::numbers::Numbers;
use crate::error::{Error, Result};
use crate::metrics;
use crate::network::{Memory, Net};
use crate::program::Program;

/// Hears what happens while [`fit`](crate::Fit) runs. Whatever `fit` shows, writes or decides beside the steps themselves is one of
/// these: the progress bar, logs, early stopping, checkpoints. [`Fit::callback`](crate::Fit::callback) takes your own; closures for
/// single events are quicker to write ([`Fit::on_epoch`](crate::Fit::on_epoch), [`Fit::on_batch_end`](crate::Fit::on_batch_end), …).
///
/// The order is Keras's:
///
/// ```text
/// on_train_begin
///   on_epoch_begin
///     on_batch_begin, on_batch_end            for each step, where batch_events() is 1
///     on_progress                             now and then
///   on_validation_begin, on_validation_end    where the epoch is validated
///   on_epoch_end
/// on_train_end
/// ```
///
/// Those who hear of the same event hear of it in the order in which they were given to `Fit`. An epoch that is broken off in
/// its middle has no `on_epoch_end`; `on_train_end` comes after every run but one that ends with an error. An error that a callback
/// returns ends the run.
///
/// ```
/// use nn_runtime::{Callback, Control, Event, Result};
///
/// /// Halves the learning rate whenever an epoch's loss has grown.
/// #[derive(Default)]
/// struct Careful {
///     last: Option<f64>,
/// }
///
/// impl Callback for Careful {
///     fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
///         let loss = event.train.map(|values| values[0]);
///         if self.last.zip(loss).is_some_and(|(last, loss)| loss > last) {
///             control.learning_rate /= 2.0;
///         }
///         self.last = loss;
///         Ok(())
///     }
/// }
/// ```
#[allow(unused_variables)] // the names say what is handed over
pub trait Callback {
    /// What [`Stopped::Callback`](crate::Stopped::Callback) says, and under which name checkpoints keep its [`memory`](Self::memory).
    fn name(&self) -> &'static str {
        "a callback"
    }

    /// Of which batches it hears: of every n-th of each epoch and of the last one. 0, which is the default, is none. With gradient
    /// accumulation, n is rounded up to a multiple of it.
    ///
    /// On the GPU each of those costs a readback, since the results of the steps before it are brought to the host; without, nothing
    /// is read back inside an epoch.
    fn batch_events(&self) -> usize {
        0
    }

    /// Whether it draws on the whole terminal, so that `fit` shows nothing by itself.
    fn takes_screen(&self) -> bool {
        false
    }

    /// The run begins. Where it goes on from a checkpoint, [`Event::resumed`] says so.
    fn on_train_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// An epoch begins, or goes on from a checkpoint in its middle.
    fn on_epoch_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// The steps up to the next `on_batch_end` begin: one, if [`batch_events`](Self::batch_events) is 1.
    fn on_batch_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// Those steps have ended: [`Event::train`] is the epoch so far, [`Event::last`] the last step alone.
    fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// Steps have ended; at most ten times a second, and never at the price of a readback: on the GPU, nothing but their number is
    /// known. Where it takes long to make the numbers (curves are made of all scores so far), not each of these events has them. The network is at work, and cannot be looked at. What is asked for happens within some milliseconds.
    fn on_progress(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// All steps of an epoch have ended, and validation begins.
    fn on_validation_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// Validation has ended.
    fn on_validation_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// The epoch has ended. What is set here counts for the next one.
    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// Somebody has asked for a checkpoint ([`Control::save`]), and all have heard of the event at which it was asked for. Comes between
    /// two steps.
    fn on_save(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// The run has ended.
    fn on_train_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// What a checkpoint has to keep, so that a resumed run goes on as if it had never stopped.
    fn memory(&self) -> Option<Memory> {
        None
    }

    /// Takes what [`memory`](Self::memory) gave, in a run that is resumed; before `on_train_begin`.
    ///
    /// # Errors
    /// If it makes no sense of it.
    fn remember(&mut self, memory: &Memory) -> Result<()> {
        Ok(())
    }
}

/// Something that happens while `fit` runs: where training stands.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The epoch, counted from 1; at `on_train_begin` the one that comes, at `on_train_end` the last one.
    pub epoch: usize,
    /// The number of the run's last epoch.
    pub epochs: usize,
    /// Steps of this epoch that have ended.
    pub batch: usize,
    /// Steps in an epoch.
    pub batches: usize,
    /// Samples that they have seen.
    pub samples: usize,
    /// Steps of the network so far, whichever run they belonged to; during `on_progress`, up to the last event of another kind.
    pub steps: u64,
    /// How many steps of this epoch, as far as they are known, have changed nothing, since numbers in them were not finite: the network
    /// skips such steps by itself (`skip_non_finite`, mixed precision), or [`OnNonFinite::Skip`](crate::OnNonFinite::Skip) leaves them out.
    pub skipped: usize,
    /// The loss, then each metric that is one number, over the steps of this epoch as far as they are known: each as measured before
    /// its update. [`names`](Self::names) has their names. During `on_progress` there are none now and then: computing them takes at
    /// most a hundredth of the time.
    pub train: Option<Numbers<'a>>,
    /// Those of the last step alone; in `on_batch_end`.
    pub last: Option<Numbers<'a>>,
    /// Those of the validation data; from `on_validation_end` to `on_epoch_end`.
    pub validation: Option<Numbers<'a>>,
    /// The learning rate of the last step; before the first one of the run, that of the network.
    pub learning_rate: f32,
    /// Where the last checkpoint of this run was written, if one was in this process.
    pub saved: Option<&'a Path>,
    /// Since the epoch began, or went on in this process.
    pub seconds: f64,
    /// Whether the run goes on from a checkpoint.
    pub resumed: bool,
    /// Whether there is validation data, for this epoch or others.
    pub validates: bool,
    /// What is known of the curve that the learning rate follows, if it follows one.
    pub(crate) curve: Option<Curve>,
    /// Epochs of the run that have ended.
    pub(crate) ended: usize,
    pub(crate) program: &'static Program,
    pub(crate) net: Option<&'a Net>,
}

/// A curve of learning rates that a run follows, as it is in an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Curve {
    /// What it is multiplied by.
    pub(crate) factor: f64,
    /// Whether it warms up.
    pub(crate) warms_up: bool,
}

impl<'a> Event<'a> {
    /// `loss`, then the names of the metrics that are one number: what the numbers in [`train`](Self::train) and [`validation`](Self::validation) are.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        metrics::names(self.program)
    }

    /// The network, as it is between two steps.
    ///
    /// # Errors
    /// In `on_progress`, when it is at work.
    pub(crate) fn net(&self) -> Result<&'a Net> {
        self.net.ok_or_else(|| Error::Option("the network cannot be looked at while its steps run".into()))
    }

    /// A parameter's numbers, row-major.
    ///
    /// # Errors
    /// In `on_progress`, when the network is at work; if there is no such parameter, or if the device fails.
    pub fn parameter(&self, name: &str) -> Result<Vec<f32>> {
        self.net()?.parameter(name)
    }

    /// The names of all parameters, in order of declaration.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.program.parameters.iter().map(|p| p.name)
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { epoch, epochs, batch, batches, train, validation, .. } = self;
        write!(f, "epoch {epoch} of {epochs}, batch {batch} of {batches}: {train:?}, validation {validation:?}")
    }
}

/// What a callback can change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Control {
    /// The learning rate of all steps to come.
    pub learning_rate: f32,
    /// Whether training ends here: after an epoch, or between two steps.
    pub stop: bool,
    /// Whether those who write checkpoints are to write one now.
    pub save: bool,
    /// Where the last checkpoint was written; for those who write them to set.
    pub saved: Option<PathBuf>,
    /// Parameters and optimizer's states that the network is to have.
    pub(crate) restore: Option<Kept>,
    /// What the curve that the learning rate follows is to be multiplied by from here on.
    pub(crate) factor: Option<f64>,
    /// Whether Ctrl-C was pressed, where it comes as a key and not as a signal.
    pub(crate) interrupt: bool,
    /// For how many seconds a user has let the run wait.
    pub(crate) waited: f64,
}

impl Control {
    pub(super) fn new(learning_rate: f32) -> Self {
        Control {
            learning_rate,
            stop: false,
            save: false,
            saved: None,
            restore: None,
            factor: None,
            interrupt: false,
            waited: 0.0,
        }
    }

    /// Whether the run goes on as if nobody had heard of it, at this rate.
    pub(super) fn asks_for_nothing(&self, learning_rate: f32) -> bool {
        *self == Control { waited: self.waited, ..Control::new(learning_rate) }
    }
}

/// What training has made of a network's numbers at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// The vector of all parameters.
    pub parameters: Vec<f32>,
    /// The optimizer's vectors.
    pub states: Vec<Vec<f32>>,
    /// How many updates they have seen.
    pub updates: u64,
}

impl Kept {
    /// Of a network as it is now, in the memory of another one if there is one.
    pub(super) fn renewed(old: Option<Self>, net: &Net) -> Result<Self> {
        let (mut parameters, mut states) = old.map_or_else(Default::default, |old| (old.parameters, old.states));
        net.backend.read_into(&mut parameters, &mut states)?;
        Ok(Kept { parameters, states, updates: net.updates })
    }

    pub(super) fn put_back(&self, net: &mut Net) -> Result<()> {
        net.backend.set_parameters(&self.parameters)?;
        net.updates = self.updates;
        if self.states.is_empty() { Ok(()) } else { net.backend.set_states(&self.states) }
    }
}

/// A callback that is looked at after the run.
impl<C: Callback + ?Sized> Callback for &mut C {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn batch_events(&self) -> usize {
        (**self).batch_events()
    }
    fn takes_screen(&self) -> bool {
        (**self).takes_screen()
    }
    fn on_train_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_train_begin(event, control)
    }
    fn on_epoch_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_epoch_begin(event, control)
    }
    fn on_batch_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_batch_begin(event, control)
    }
    fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_batch_end(event, control)
    }
    fn on_progress(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_progress(event, control)
    }
    fn on_validation_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_validation_begin(event, control)
    }
    fn on_validation_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_validation_end(event, control)
    }
    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_epoch_end(event, control)
    }
    fn on_save(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_save(event, control)
    }
    fn on_train_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (**self).on_train_end(event, control)
    }
    fn memory(&self) -> Option<Memory> {
        (**self).memory()
    }
    fn remember(&mut self, memory: &Memory) -> Result<()> {
        (**self).remember(memory)
    }
}

/// Where in a run something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    TrainBegin,
    EpochBegin,
    BatchBegin,
    BatchEnd,
    Progress,
    ValidationBegin,
    ValidationEnd,
    EpochEnd,
    Save,
    TrainEnd,
}

impl Moment {
    /// Tells a callback.
    pub(super) fn tell(self, callback: &mut dyn Callback, event: &Event<'_>, control: &mut Control) -> Result<()> {
        match self {
            Moment::TrainBegin => callback.on_train_begin(event, control),
            Moment::EpochBegin => callback.on_epoch_begin(event, control),
            Moment::BatchBegin => callback.on_batch_begin(event, control),
            Moment::BatchEnd => callback.on_batch_end(event, control),
            Moment::Progress => callback.on_progress(event, control),
            Moment::ValidationBegin => callback.on_validation_begin(event, control),
            Moment::ValidationEnd => callback.on_validation_end(event, control),
            Moment::EpochEnd => callback.on_epoch_end(event, control),
            Moment::Save => callback.on_save(event, control),
            Moment::TrainEnd => callback.on_train_end(event, control),
        }
    }
}
