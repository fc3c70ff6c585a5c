//! A learning rate that falls when training gets no better.

use super::callback::{Callback, Control, Event};
use super::monitor::{Monitor, Watch};
use super::{Fit, Report};
use crate::error::{Error, Result};
use crate::network::Memory;

/// Multiplies the learning rate by a factor when a number of the report has not become better for a while, for
/// [`Fit::reduce_on_plateau`]: PyTorch's `ReduceLROnPlateau`, with its formula and its defaults.
///
/// ```
/// # use nn_runtime::private::Report;
/// # struct DigitsReport { loss: f64 }
/// # impl Report for DigitsReport {
/// #     fn from_measured(measured: &nn_runtime::private::Measured) -> Self { DigitsReport { loss: measured.numbers[0] } }
/// #     fn scalars(&self) -> Vec<(&'static str, f64)> { vec![] }
/// # }
/// use nn_runtime::{Fit, ReduceOnPlateau};
///
/// let plateau = ReduceOnPlateau::on(|report: &DigitsReport| report.loss).factor(0.5).patience(2).minimum_rate(1e-5);
/// let fit = Fit::default().epochs(100).validation_split(0.1).reduce_on_plateau(plateau);
/// ```
#[derive(Debug)]
pub struct ReduceOnPlateau<R> {
    monitor: Monitor<R>,
    rules: Rules,
}

#[derive(Debug, Clone)]
struct Rules {
    factor: f64,
    patience: usize,
    threshold: f64,
    absolute: bool,
    cooldown: usize,
    minimum_rate: f64,
}

impl<R> ReduceOnPlateau<R> {
    /// Watches this number: of the validation data where there is any, else of the training. Less is better, unless
    /// [`maximum`](Self::maximum) says otherwise.
    pub fn on(value: impl FnMut(&R) -> f64 + 'static) -> Self {
        let rules =
            Rules { factor: 0.1, patience: 10, threshold: 1e-4, absolute: false, cooldown: 0, minimum_rate: 0.0 };
        ReduceOnPlateau { monitor: Monitor::on(value), rules }
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

    /// What the rate is multiplied by, less than 1. Default: 0.1.
    pub fn factor(mut self, factor: f64) -> Self {
        self.rules.factor = factor;
        self
    }

    /// How many epochs in a row may be no better; the next such one lowers the rate. Default: 10.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.rules.patience = epochs;
        self
    }

    /// Better is what is less than `best * (1 - threshold)`, or more than `best * (1 + threshold)`. Default: 1e-4.
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.rules.threshold = threshold;
        self
    }

    /// Better is what is less than `best - threshold`, or more than `best + threshold`.
    pub fn absolute(mut self) -> Self {
        self.rules.absolute = true;
        self
    }

    /// For how many epochs after the rate has been lowered nothing counts against them. Default: 0.
    pub fn cooldown(mut self, epochs: usize) -> Self {
        self.rules.cooldown = epochs;
        self
    }

    /// The rate is not lowered below this. Default: 0.
    pub fn minimum_rate(mut self, rate: f64) -> Self {
        self.rules.minimum_rate = rate;
        self
    }
}

impl<'a, R: Report + 'static> Fit<'a, R> {
    /// Lowers the learning rate when training gets no better. See [`ReduceOnPlateau`]. Together with
    /// [`learning_rate`](Self::learning_rate) it multiplies the curve's rates: `LearningRate::constant(1e-3).warm_up(5)` warms up, and then falls
    /// on plateaus. Epochs of a warm-up do not count.
    pub fn reduce_on_plateau(self, rules: ReduceOnPlateau<R>) -> Self {
        let ReduceOnPlateau { monitor, rules } = rules;
        self.callback(Plateau {
            watch: monitor.untyped(),
            rules,
            rate: None,
            factor: 1.0,
            best: None,
            waited: 0,
            cooling: 0,
        })
    }
}

/// [`ReduceOnPlateau`] at work.
struct Plateau {
    watch: Watch,
    rules: Rules,
    /// The rate in full precision, as long as nobody else sets it.
    rate: Option<f64>,
    /// What a curve is multiplied by, where the rate follows one.
    factor: f64,
    best: Option<f64>,
    /// Epochs that were no better, in a row.
    waited: usize,
    /// Epochs of cooling down that are left.
    cooling: usize,
}

impl Plateau {
    /// An epoch has ended with this value, at this rate. Gives the next rate.
    fn step(&mut self, value: f64, rate: f64) -> f64 {
        let Rules { factor, patience, threshold, absolute, cooldown, minimum_rate } = self.rules;
        // The least change of a rate that is worth one.
        const LEAST: f64 = 1e-8;
        let better = |best: f64| {
            if absolute {
                self.watch.is_better(value, best, threshold)
            } else if self.watch.is_maximum() {
                value > best * (1.0 + threshold)
            } else {
                value < best * (1.0 - threshold)
            }
        };
        if self.best.map_or(!value.is_nan(), better) {
            self.best = Some(value);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.waited = 0;
        }
        if self.waited <= patience {
            return rate;
        }
        (self.cooling, self.waited) = (cooldown, 0);
        let lower = (rate * factor).max(minimum_rate);
        if rate - lower > LEAST { lower } else { rate }
    }
}

impl Callback for Plateau {
    fn name(&self) -> &'static str {
        "reduce on plateau"
    }

    fn on_train_begin(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        let Rules { factor, threshold, minimum_rate, .. } = self.rules;
        let wrong = |what: &str, value: f64, rule: &str| {
            Err(Error::Option(format!("reduce_on_plateau: {what} is {value}, but it must be {rule}")))
        };
        if !(0.0..1.0).contains(&factor) {
            return wrong("the factor", factor, "at least 0 and less than 1");
        }
        for (what, value) in [("the threshold", threshold), ("the minimum rate", minimum_rate)] {
            if !(value.is_finite() && value >= 0.0) {
                return wrong(what, value, "a number, at least 0");
            }
        }
        control.factor = event.curve.map(|_| self.factor);
        Ok(())
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        let Some(value) = self.watch.value(event) else { return Ok(()) };
        if event.curve.is_some_and(|curve| curve.warms_up) {
            return Ok(());
        }
        let now = control.learning_rate;
        let rate = self.rate.filter(|&rate| rate as f32 == now).unwrap_or(f64::from(now));
        let next = self.step(value, rate);
        self.rate = Some(next);
        if next < rate {
            log::info!("no better than {:?}: the learning rate falls to {next}", self.best);
            control.learning_rate = next as f32;
            if let Some(curve) = event.curve {
                self.factor = curve.factor * next / rate;
                control.factor = Some(self.factor);
            }
        }
        Ok(())
    }

    fn memory(&self) -> Option<Memory> {
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let (rate, best) = (number(self.rate), number(self.best));
        let text = format!("{rate:?} {best:?} {} {} {:?}", self.waited, self.cooling, self.factor);
        Some(Memory { text, vectors: Vec::new() })
    }

    fn remember(&mut self, memory: &Memory) -> Result<()> {
        let damaged =
            || Error::Weights(format!("reduce_on_plateau remembers `{}`: expected five numbers", memory.text));
        let words: Vec<&str> = memory.text.split(' ').collect();
        let [rate, best, waited, cooling, factor] = words[..] else { return Err(damaged()) };
        let number =
            |word: &str| word.parse::<f64>().map(|value| (!value.is_nan()).then_some(value)).map_err(|_| damaged());
        let count = |word: &str| word.parse().map_err(|_| damaged());
        (self.rate, self.best) = (number(rate)?, number(best)?);
        (self.waited, self.cooling) = (count(waited)?, count(cooling)?);
        self.factor = number(factor)?.unwrap_or(1.0);
        Ok(())
    }
}
