//! Closures for single events, and what brings them the network's own report type.

use super::callback::{Callback, Control, Event};
use super::numbers::Numbers;
use super::{Fit, Report};
use crate::error::Result;
use crate::history::Epoch;

/// What [`Fit::on_batch_end`] hears.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Batch<'a, R> {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The step within the epoch, counted from 1.
    pub number: usize,
    /// Steps in an epoch.
    pub batches: usize,
    /// Loss and metrics of this step, as measured before its update.
    pub report: R,
    /// The step's learning rate.
    pub learning_rate: f32,
    train: Numbers<'a>,
}

impl<R: Report> Batch<'_, R> {
    /// Loss and metrics over the epoch so far. Where a metric is made of all scores (AUC and other curves), this is a pass over all of them.
    pub fn epoch_so_far(&self) -> R {
        R::from_measured(self.train.measured())
    }
}

impl<'a, R: Report + 'a> Fit<'a, R> {
    /// Calls this before the first epoch.
    pub fn on_train_begin(self, call: impl FnMut(&Event<'_>, &mut Control) + 'a) -> Self {
        self.callback(TrainBegin(call))
    }

    /// Calls this before each epoch.
    pub fn on_epoch_begin(self, call: impl FnMut(&Event<'_>, &mut Control) + 'a) -> Self {
        self.callback(EpochBegin(call))
    }

    /// Calls this before each step. As [`on_batch_end`](Self::on_batch_end), it costs a readback for each step on the GPU.
    pub fn on_batch_begin(self, call: impl FnMut(&Event<'_>, &mut Control) + 'a) -> Self {
        self.callback(BatchBegin(call))
    }

    /// Calls this after each step. On the GPU, each of them then costs a readback; [`on_batch_end_every`](Self::on_batch_end_every) has fewer.
    pub fn on_batch_end(self, call: impl FnMut(&Batch<'_, R>, &mut Control) + 'a) -> Self {
        self.on_batch_end_every(1, call)
    }

    /// Calls this after every so many steps of an epoch, and after its last one; 0 is never.
    pub fn on_batch_end_every(self, steps: usize, mut call: impl FnMut(&Batch<'_, R>, &mut Control) + 'a) -> Self {
        let call = move |event: &Event<'_>, control: &mut Control| {
            let Event { epoch, batch, batches, learning_rate, .. } = *event;
            if let (Some(last), Some(train)) = (event.last, event.train) {
                let report = R::from_measured(last.measured());
                let batch = Batch { epoch, number: batch, batches, report, learning_rate, train };
                call(&batch, control);
            }
        };
        self.callback(BatchEnd { every: steps, call })
    }

    /// Calls this after each validation, with what it measured.
    pub fn on_validation_end(self, mut call: impl FnMut(&R, &mut Control) + 'a) -> Self {
        self.callback(ValidationEnd(move |event: &Event<'_>, control: &mut Control| {
            if let Some(validation) = event.validation {
                call(&R::from_measured(validation.measured()), control);
            }
        }))
    }

    /// Calls this after each epoch; it can set the learning rate of the next one, or stop the training:
    /// `|epoch, control| control.stop = epoch.train.loss < 1e-4`.
    pub fn on_epoch(self, mut call: impl FnMut(&Epoch<R>, &mut Control) + 'a) -> Self {
        self.callback(EpochEnd(move |event: &Event<'_>, control: &mut Control| {
            if let Some(epoch) = epoch(event) {
                call(&epoch, control);
            }
        }))
    }

    /// The same as [`on_epoch`](Self::on_epoch), under the name that it has elsewhere.
    pub fn on_epoch_end(self, call: impl FnMut(&Epoch<R>, &mut Control) + 'a) -> Self {
        self.on_epoch(call)
    }

    /// Calls this when training has ended, for whatever reason but an error.
    pub fn on_train_end(self, call: impl FnMut(&Event<'_>, &mut Control) + 'a) -> Self {
        self.callback(TrainEnd(call))
    }
}

/// An epoch that has ended, as the history has it.
fn epoch<R: Report>(event: &Event<'_>) -> Option<Epoch<R>> {
    Some(Epoch {
        number: event.epoch,
        train: R::from_measured(event.train?.measured()),
        validation: event.validation.map(|validation| R::from_measured(validation.measured())),
        learning_rate: event.learning_rate,
        skipped: event.skipped,
        seconds: event.seconds,
    })
}

/// Collects the epochs for the history.
pub(super) struct Record<R> {
    pub(super) epochs: Vec<Epoch<R>>,
}

impl<R> Default for Record<R> {
    fn default() -> Self {
        Record { epochs: Vec::new() }
    }
}

impl<R: Report> Callback for Record<R> {
    fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        self.epochs.extend(epoch(event));
        Ok(())
    }
}

/// Callbacks of one closure each: the type's name, its event, its name for users.
macro_rules! closures {
    ($($name:ident $event:ident;)*) => {$(
        struct $name<F>(F);

        impl<F: FnMut(&Event<'_>, &mut Control)> Callback for $name<F> {
            fn name(&self) -> &'static str {
                stringify!($event)
            }
            fn $event(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
                (self.0)(event, control);
                Ok(())
            }
        }
    )*};
}

closures! {
    TrainBegin on_train_begin;
    EpochBegin on_epoch_begin;
    ValidationEnd on_validation_end;
    EpochEnd on_epoch_end;
    TrainEnd on_train_end;
}

/// A closure before each step.
struct BatchBegin<F>(F);

impl<F: FnMut(&Event<'_>, &mut Control)> Callback for BatchBegin<F> {
    fn name(&self) -> &'static str {
        "on_batch_begin"
    }
    fn batch_events(&self) -> usize {
        1
    }
    fn on_batch_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (self.0)(event, control);
        Ok(())
    }
}

/// A closure after every so many steps.
struct BatchEnd<F> {
    every: usize,
    call: F,
}

impl<F: FnMut(&Event<'_>, &mut Control)> Callback for BatchEnd<F> {
    fn name(&self) -> &'static str {
        "on_batch_end"
    }
    fn batch_events(&self) -> usize {
        self.every
    }
    fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        (self.call)(event, control);
        Ok(())
    }
}
