//! What training returns.

use std::fmt;

use crate::fit::NonFinite;

/// What happened in a run of [`Fit`](crate::Fit). `R` is the network's report: the loss and every metric.
#[derive(Debug, Clone, PartialEq)]
pub struct History<R> {
    /// One entry for each epoch.
    pub epochs: Vec<Epoch<R>>,
    /// The loss of each training step, in order. Steps that [`OnNonFinite::Skip`](crate::OnNonFinite::Skip) has left out have none: NaN or
    /// infinity.
    pub step_losses: Vec<f32>,
    /// Why training ended before its last epoch; `None` if it did not.
    pub stopped: Option<Stopped>,
    /// Where [`OnNonFinite::Skip`](crate::OnNonFinite::Skip) has left out an update, and what was not finite there; in order, and of this
    /// process alone.
    pub left_out: Vec<NonFinite>,
}

/// Why training ended before its last epoch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Stopped {
    /// The callback of this name asked for it.
    Callback(&'static str),
    /// Ctrl-C was pressed, and [`Fit::stop_on_ctrl_c`](crate::Fit::stop_on_ctrl_c) had been asked for, or the dashboard was open.
    Interrupted,
    /// Numbers were not finite, and [`OnNonFinite::Stop`](crate::OnNonFinite::Stop) was chosen, or the weights had been bad before.
    NonFinite(NonFinite),
}

/// `stopped by early stopping`, `stopped by Ctrl-C`, or what was not finite, and where.
impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stopped::Callback(name) => write!(f, "stopped by {name}"),
            Stopped::Interrupted => f.write_str("stopped by Ctrl-C"),
            Stopped::NonFinite(found) => found.fmt(f),
        }
    }
}

/// One pass over the training data.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch<R> {
    /// Counts from 1 within this run.
    pub number: usize,
    /// Loss and metrics as measured while training: each batch before its update, weighted by its size.
    pub train: R,
    /// Loss and metrics on the validation data after the epoch, where there are any.
    pub validation: Option<R>,
    /// The learning rate of the epoch.
    pub learning_rate: f32,
    /// Steps that have changed nothing, since numbers in them were not finite: the network skips such steps by itself (`skip_non_finite`,
    /// mixed precision), or [`OnNonFinite::Skip`](crate::OnNonFinite::Skip) has left them out.
    pub skipped: usize,
    /// How long it took, validation included.
    pub seconds: f64,
}

impl<R> History<R> {
    /// The last epoch; `None` if there was none.
    pub fn last(&self) -> Option<&Epoch<R>> {
        self.epochs.last()
    }
}

/// One line: `epoch 3: loss 0.0123, accuracy 0.9876; validation loss 0.0234, accuracy 0.9765`.
impl<R: fmt::Display> fmt::Display for Epoch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}: {}", self.number, self.train)?;
        if let Some(report) = &self.validation {
            write!(f, "; validation {report}")?;
        }
        match self.skipped {
            0 => Ok(()),
            steps => write!(f, "; {steps} skipped"),
        }
    }
}

/// One line for each epoch.
impl<R: fmt::Display> fmt::Display for History<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.epochs.iter().try_for_each(|epoch| writeln!(f, "{epoch}"))
    }
}
