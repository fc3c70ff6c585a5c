//! What has been measured, made when somebody looks at it.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

use crate::metrics::{Combined, Measured};

/// The loss, then each metric that is one number: those of an [`Event`](crate::Event), whose [`names`](crate::Event::names) say what they are. It is read
/// like a slice, `event.train.map(|numbers| numbers[0])`.
///
/// They are made when somebody looks at them for the first time, and once for all who do. So a callback that hears of each batch costs no
/// more than the batch, also where a metric is made of all scores of the epoch so far (AUC and other curves); looking
/// at those costs a pass over all of them.
#[derive(Clone, Copy)]
pub struct Numbers<'a> {
    made: &'a OnceLock<Measured>,
    from: Option<&'a Combined>,
}

impl<'a> Numbers<'a> {
    /// Those that are made already.
    pub(super) fn made(made: &'a OnceLock<Measured>) -> Self {
        Numbers { made, from: None }
    }

    /// Those that these steps come to; `made` keeps them.
    pub(super) fn of(from: &'a Combined, made: &'a OnceLock<Measured>) -> Self {
        Numbers { made, from: Some(from) }
    }

    /// With the metrics that are no single number.
    pub(crate) fn measured(self) -> &'a Measured {
        self.made.get_or_init(|| self.from.map(Combined::values).unwrap_or_default())
    }

    /// As a slice, for as long as the event lasts.
    pub fn as_slice(self) -> &'a [f64] {
        &self.measured().numbers
    }
}

impl Deref for Numbers<'_> {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        self.as_slice()
    }
}

impl<'a> IntoIterator for Numbers<'a> {
    type Item = &'a f64;
    type IntoIter = std::slice::Iter<'a, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

/// The numbers.
impl fmt::Debug for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}
