//! Learning rates that change while training runs.

mod curve;

use self::curve::Curve;
use crate::error::{Error, Result};

/// A learning rate over time, for [`Fit::learning_rate`](crate::Fit::learning_rate).
///
/// Time is counted in epochs, or in steps after [`per_step`](Self::per_step), from the network's first ever: a second `fit` goes on
/// where the first one ended. The formulas are those of `torch.optim.lr_scheduler`, with one call of its `step` for each epoch (or step);
/// where a curve has an end, its last value stays.
///
/// ```
/// use nn_runtime::LearningRate;
///
/// // 2 epochs of warm-up, then a cosine over the next 18.
/// let rate = LearningRate::cosine(1e-3, 18).warm_up(2);
/// assert_eq!(rate.at(0), 0.5e-3);
/// assert_eq!(rate.at(2), 1e-3);
/// assert!(rate.at(20) < 1e-9);
///
/// // One cycle over 10,000 steps.
/// let rate = LearningRate::one_cycle(0.1, 10_000).per_step();
/// assert!((rate.at(0) - 0.004).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LearningRate {
    curve: Curve,
    per_step: bool,
    /// An option that the curve has no use for: an error as soon as it is to be followed.
    misplaced: Option<&'static str>,
}

impl LearningRate {
    fn new(curve: Curve) -> Self {
        LearningRate { curve, per_step: false, misplaced: None }
    }

    /// Always `rate`.
    pub fn constant(rate: f64) -> Self {
        Self::new(Curve::Constant(rate))
    }

    /// `rate * gamma^floor(t / every)`: times `gamma` after every so many epochs. PyTorch's `StepLR`, whose `gamma` is 0.1 by default.
    pub fn step(rate: f64, every: u64, gamma: f64) -> Self {
        Self::new(Curve::Step { rate, every, gamma })
    }

    /// Times `gamma` at each of the milestones, which may come in any order. PyTorch's `MultiStepLR`.
    pub fn multi_step(rate: f64, milestones: impl Into<Vec<u64>>, gamma: f64) -> Self {
        Self::new(Curve::MultiStep { rate, milestones: milestones.into(), gamma })
    }

    /// `rate * gamma^t`. PyTorch's `ExponentialLR`.
    pub fn exponential(rate: f64, gamma: f64) -> Self {
        Self::new(Curve::Step { rate, every: 1, gamma })
    }

    /// In a straight line from one rate to another over `length` epochs. PyTorch's `LinearLR`.
    pub fn linear(from: f64, to: f64, length: u64) -> Self {
        Self::new(Curve::Polynomial { from, to, length, power: 1.0 })
    }

    /// `to + (from - to) * (1 - t / length)^power`. PyTorch's `PolynomialLR` (whose `to` is 0), Keras's `PolynomialDecay`.
    pub fn polynomial(from: f64, to: f64, length: u64, power: f64) -> Self {
        Self::new(Curve::Polynomial { from, to, length, power })
    }

    /// `rate * (1 + cos(pi * t / length)) / 2`: half a cosine from `rate` to 0. PyTorch's `CosineAnnealingLR`. See
    /// [`minimum`](Self::minimum) and [`restarts`](Self::restarts). From Loshchilov and Hutter, SGDR (2017).
    pub fn cosine(rate: f64, length: u64) -> Self {
        Self::new(Curve::Cosine { rate, minimum: 0.0, length, restart: None })
    }

    /// Up to `rate` and down to almost nothing over `length`: from `rate / 25` by half a cosine during the first 30 %, then by
    /// another one down to `rate / 250,000`. PyTorch's `OneCycleLR` and its defaults. Usually [`per_step`](Self::per_step). From
    /// Smith and Topin, Super-Convergence (2018).
    pub fn one_cycle(rate: f64, length: u64) -> Self {
        Self::new(Curve::OneCycle { rate, length })
    }

    /// A cosine ends at this rate instead of 0. For any other curve, `fit` refuses it.
    pub fn minimum(mut self, rate: f64) -> Self {
        match self.curve.last() {
            Curve::Cosine { minimum, .. } => *minimum = rate,
            _ => self.misplaced = Some("minimum"),
        }
        self
    }

    /// A cosine starts anew when it has ended, each time `factor` times as long as before (1 for equal ones). PyTorch's
    /// `CosineAnnealingWarmRestarts`. For any other curve, `fit` refuses it.
    pub fn restarts(mut self, factor: u64) -> Self {
        match self.curve.last() {
            Curve::Cosine { restart, .. } => *restart = Some(factor),
            _ => self.misplaced = Some("restarts"),
        }
        self
    }

    /// Rises in a straight line during the first `length` epochs: the i-th of them, counted from 1, has i / `length` of the rate with
    /// which the curve begins. The curve itself begins behind them.
    pub fn warm_up(mut self, length: u64) -> Self {
        self.curve = Curve::WarmUp { length, curve: Box::new(self.curve) };
        self
    }

    /// This curve for `length` epochs, then another one from its own beginning. PyTorch's `SequentialLR`. Time is counted as here,
    /// whatever `next` says.
    pub fn then(mut self, length: u64, next: LearningRate) -> Self {
        self.curve = Curve::Then { first: Box::new(self.curve), length, next: Box::new(next.curve) };
        self.misplaced = self.misplaced.or(next.misplaced);
        self
    }

    /// Counts time in steps instead of epochs, in all of the curve.
    pub fn per_step(mut self) -> Self {
        self.per_step = true;
        self
    }

    /// Whether time is counted in steps.
    pub fn is_per_step(&self) -> bool {
        self.per_step
    }

    /// The rate of an epoch (or step), counted from 0.
    pub fn at(&self, time: u64) -> f64 {
        self.curve.at(time)
    }

    /// Whether it warms up in this epoch (or step), counted from 0.
    pub(crate) fn warms_up(&self, time: u64) -> bool {
        self.curve.warms_up(time)
    }

    /// Whether every rate that the curve can give is a finite number, at least 0, and all options belong to it.
    ///
    /// # Errors
    /// Says which number of the curve is at fault.
    pub(crate) fn check(&self) -> Result<()> {
        match self.misplaced {
            Some(option) => Err(Error::Option(format!(
                "learning rate: `{option}` is an option of `cosine`, but it was given to another curve"
            ))),
            None => self.curve.check(),
        }
    }
}

#[cfg(test)]
mod tests;
