//! Ending a run when it gets no better.

use super::callback::{Callback, Control, Event, Kept};
use super::monitor::{Monitor, Watch};
use super::{Fit, Report};
use crate::error::{Error, Result};
use crate::network::Memory;

/// Ends training when a number of the report has not become better for a while, for [`Fit::early_stopping`]: Keras's rules, with their
/// defaults.
///
/// ```
/// # use nn_runtime::private::Report;
/// # struct DigitsReport { accuracy: f64 }
/// # impl Report for DigitsReport {
/// #     fn from_measured(measured: &nn_runtime::private::Measured) -> Self { DigitsReport { accuracy: measured.numbers[1] } }
/// #     fn scalars(&self) -> Vec<(&'static str, f64)> { vec![] }
/// # }
/// use nn_runtime::{EarlyStopping, Fit};
///
/// let best = EarlyStopping::on(|report: &DigitsReport| report.accuracy).maximum().patience(3).restore_best();
/// let fit = Fit::default().epochs(100).validation_split(0.1).early_stopping(best);
/// ```
#[derive(Debug)]
pub struct EarlyStopping<R> {
    monitor: Monitor<R>,
    rules: Rules,
}

/// When to stop.
#[derive(Debug, Clone)]
struct Rules {
    min_delta: f64,
    patience: usize,
    baseline: Option<f64>,
    start_from_epoch: usize,
    restore_best: bool,
}

impl<R> EarlyStopping<R> {
    /// Watches this number: of the validation data where there is any, else of the training. Less is better, unless
    /// [`maximum`](Self::maximum) says otherwise.
    pub fn on(value: impl FnMut(&R) -> f64 + 'static) -> Self {
        let rules = Rules { min_delta: 0.0, patience: 0, baseline: None, start_from_epoch: 1, restore_best: false };
        EarlyStopping { monitor: Monitor::on(value), rules }
    }

    /// More is better.
    pub fn maximum(mut self) -> Self {
        self.monitor.maximum();
        self
    }

    /// Watches the training, also where there is validation data.
    pub fn training(mut self) -> Self {
        self.monitor.training();
        self
    }

    /// Better is what is better by more than this. Default: 0.
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.rules.min_delta = delta;
        self
    }

    /// How many epochs in a row may be no better: the run ends with the last of them. Default: 0, which is the same as 1: the first one ends it.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.rules.patience = epochs;
        self
    }

    /// Epochs that are not better than this do not count as better, whatever was before. Default: none.
    pub fn baseline(mut self, value: f64) -> Self {
        self.rules.baseline = Some(value);
        self
    }

    /// Looks at no epoch before the one of this number, counted from 1. Default: 1.
    pub fn start_from_epoch(mut self, epoch: usize) -> Self {
        self.rules.start_from_epoch = epoch;
        self
    }

    /// When training ends, for whatever reason but an error, the network gets the parameters and the optimizer's states that it had after
    /// the best epoch, bit for bit. They are kept in memory; on the GPU, they are read back after each epoch that is better than those
    /// before. Default: it stays as it is.
    pub fn restore_best(mut self) -> Self {
        self.rules.restore_best = true;
        self
    }
}

impl<'a, R: Report + 'static> Fit<'a, R> {
    /// Ends training when it gets no better. See [`EarlyStopping`].
    pub fn early_stopping(self, rules: EarlyStopping<R>) -> Self {
        let EarlyStopping { monitor, rules } = rules;
        self.callback(Stopping { watch: monitor.untyped(), rules, best: None, waited: 0, kept: None })
    }
}

/// [`EarlyStopping`] at work.
struct Stopping {
    watch: Watch,
    rules: Rules,
    best: Option<f64>,
    /// Epochs since the last better one.
    waited: usize,
    kept: Option<Kept>,
}

impl Callback for Stopping {
    fn name(&self) -> &'static str {
        "early stopping"
    }

    fn on_train_begin(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        let Rules { min_delta, baseline, .. } = self.rules;
        if !(min_delta.is_finite() && min_delta >= 0.0) {
            let rule = "but it must be a number, at least 0";
            return Err(Error::Option(format!("early stopping: min_delta is {min_delta}, {rule}")));
        }
        match baseline {
            Some(baseline) if baseline.is_nan() => {
                Err(Error::Option("early stopping: the baseline is NaN, which nothing is better than".into()))
            }
            _ => Ok(()),
        }
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        let Rules { min_delta, patience, baseline, start_from_epoch, restore_best } = self.rules;
        let Some(value) = self.watch.value(event) else { return Ok(()) };
        if event.epoch < start_from_epoch {
            return Ok(());
        }
        self.waited += 1;
        let better =
            |than: Option<f64>| than.map_or(!value.is_nan(), |than| self.watch.is_better(value, than, min_delta));
        let (is_best, beats_baseline) = (better(self.best), better(baseline));
        if is_best || (restore_best && self.kept.is_none()) {
            self.kept = if restore_best { Some(Kept::renewed(self.kept.take(), event.net()?)?) } else { None };
        }
        if is_best {
            self.best = Some(value);
            if beats_baseline {
                self.waited = 0;
            }
            return Ok(());
        }
        if self.waited >= patience {
            log::info!("no better for {} epochs: training ends after epoch {}", self.waited, event.epoch);
            control.stop = true;
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &Event<'_>, control: &mut Control) -> Result<()> {
        control.restore = self.kept.take();
        Ok(())
    }

    fn memory(&self) -> Option<Memory> {
        let vectors = self.kept.iter().flat_map(|kept| std::iter::once(&kept.parameters).chain(&kept.states));
        let updates = self.kept.as_ref().map_or(0, |kept| kept.updates);
        Some(Memory {
            text: format!("{:?} {} {updates}", self.best.unwrap_or(f64::NAN), self.waited),
            vectors: vectors.cloned().collect(),
        })
    }

    fn remember(&mut self, memory: &Memory) -> Result<()> {
        let damaged = || Error::Weights(format!("early stopping remembers `{}`: expected three numbers", memory.text));
        let words: Vec<&str> = memory.text.split(' ').collect();
        let [best, waited, updates] = words[..] else { return Err(damaged()) };
        let best: f64 = best.parse().map_err(|_| damaged())?;
        let updates = updates.parse().map_err(|_| damaged())?;
        self.best = (!best.is_nan()).then_some(best);
        self.waited = waited.parse().map_err(|_| damaged())?;
        self.kept = memory.vectors.split_first().map(|(parameters, states)| Kept {
            parameters: parameters.clone(),
            states: states.to_vec(),
            updates,
        });
        Ok(())
    }
}
