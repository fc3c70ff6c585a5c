//! One number of a report, watched over epochs.

use std::fmt;

use super::Report;
use super::callback::Event;
use crate::metrics::Measured;

/// What is watched, and which way is better.
pub(super) struct Monitor<R> {
    value: Box<dyn FnMut(&R) -> f64>,
    maximum: bool,
    training: bool,
}

impl<R> Monitor<R> {
    pub(super) fn on(value: impl FnMut(&R) -> f64 + 'static) -> Self {
        Monitor { value: Box::new(value), maximum: false, training: false }
    }

    pub(super) fn maximum(&mut self) {
        self.maximum = true;
    }

    pub(super) fn training(&mut self) {
        self.training = true;
    }
}

impl<R: Report + 'static> Monitor<R> {
    /// Without the type of the report.
    pub(super) fn untyped(self) -> Watch {
        let Monitor { mut value, maximum, training } = self;
        Watch { value: Box::new(move |measured| value(&R::from_measured(measured))), maximum, training }
    }
}

/// The number among those of a report.
type Value = Box<dyn FnMut(&Measured) -> f64>;

/// A [`Monitor`] of numbers.
pub(super) struct Watch {
    value: Value,
    maximum: bool,
    training: bool,
}

impl Watch {
    /// The number of an epoch that has ended: of its validation if there is any in the run, else of its training. Epochs that were
    /// not validated in a run with validation have none.
    pub(super) fn value(&mut self, event: &Event<'_>) -> Option<f64> {
        let numbers = if self.training || !event.validates { event.train } else { event.validation };
        numbers.map(|numbers| (self.value)(numbers.measured()))
    }

    /// Whether more is better.
    pub(super) fn is_maximum(&self) -> bool {
        self.maximum
    }

    /// Whether `value` is better than `other` by more than `delta`. What is no number is never better.
    pub(super) fn is_better(&self, value: f64, other: f64, delta: f64) -> bool {
        if self.maximum { value > other + delta } else { value < other - delta }
    }
}

impl<R> fmt::Debug for Monitor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = if self.maximum { "the most of" } else { "the least of" };
        write!(f, "{which} {}", if self.training { "training" } else { "validation" })
    }
}
