//! The curves, as formulas of time.

use std::f64::consts::PI;

use crate::error::{Error, Result};

/// A learning rate as a function of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Curve {
    Constant(f64),
    Step { rate: f64, every: u64, gamma: f64 },
    MultiStep { rate: f64, milestones: Vec<u64>, gamma: f64 },
    Polynomial { from: f64, to: f64, length: u64, power: f64 },
    Cosine { rate: f64, minimum: f64, length: u64, restart: Option<u64> },
    OneCycle { rate: f64, length: u64 },
    WarmUp { length: u64, curve: Box<Curve> },
    Then { first: Box<Curve>, length: u64, next: Box<Curve> },
}

impl Curve {
    pub(super) fn at(&self, t: u64) -> f64 {
        match self {
            Curve::Constant(rate) => *rate,
            Curve::Step { rate, every, gamma } => rate * gamma.powf((t / (*every).max(1)) as f64),
            Curve::MultiStep { rate, milestones, gamma } => {
                rate * gamma.powf(milestones.iter().filter(|m| **m <= t).count() as f64)
            }
            Curve::Polynomial { from, to, length, power } => to + (from - to) * left(t, *length).powf(*power),
            Curve::Cosine { rate, minimum, length, restart: None } => anneal(*rate, *minimum, 1.0 - left(t, *length)),
            Curve::Cosine { rate, minimum, length, restart: Some(factor) } => {
                let (t, length) = since_restart(t, *length, *factor);
                anneal(*rate, *minimum, 1.0 - left(t, length))
            }
            Curve::OneCycle { rate, length } => one_cycle(*rate, t, *length),
            Curve::WarmUp { length, curve } if t < *length => curve.at(0) * (t + 1) as f64 / *length as f64,
            Curve::WarmUp { length, curve } => curve.at(t - length),
            Curve::Then { first, length, .. } if t < *length => first.at(t),
            Curve::Then { length, next, .. } => next.at(t - length),
        }
    }

    /// Whether this is a time of a warm-up.
    pub(super) fn warms_up(&self, t: u64) -> bool {
        match self {
            Curve::WarmUp { length, curve } => t < *length || curve.warms_up(t - length),
            Curve::Then { first, length, .. } if t < *length => first.warms_up(t),
            Curve::Then { length, next, .. } => next.warms_up(t - length),
            _ => false,
        }
    }

    /// The curve behind warm-ups and earlier ones: the one that was named last.
    pub(super) fn last(&mut self) -> &mut Curve {
        match self {
            Curve::WarmUp { curve, .. } => curve.last(),
            Curve::Then { next, .. } => next.last(),
            other => other,
        }
    }

    /// Every rate must be a number that an optimizer can use.
    pub(super) fn check(&self) -> Result<()> {
        let rate = |what: &str, value: f64| match value.is_finite() && value >= 0.0 {
            true => Ok(()),
            false => Err(wrong(what, value, "it must be a number, at least 0")),
        };
        let long = |what: &str, value: u64| match value {
            0 => Err(wrong(what, value, "it must be at least 1")),
            _ => Ok(()),
        };
        match self {
            Curve::Constant(value) => rate("the rate", *value),
            Curve::Step { rate: value, every, gamma } => {
                rate("the rate", *value)?;
                long("`every`", *every)?;
                rate("`gamma`", *gamma)
            }
            Curve::MultiStep { rate: value, gamma, .. } => {
                rate("the rate", *value)?;
                rate("`gamma`", *gamma)
            }
            Curve::Polynomial { from, to, length, power } => {
                rate("`from`", *from)?;
                rate("`to`", *to)?;
                long("the length", *length)?;
                rate("`power`", *power)
            }
            Curve::Cosine { rate: value, minimum, length, restart } => {
                rate("the rate", *value)?;
                rate("the minimum", *minimum)?;
                long("the length", *length)?;
                long("the factor of restarts", restart.unwrap_or(1))
            }
            Curve::OneCycle { rate: value, length } => {
                rate("the rate", *value)?;
                long("the length", *length)
            }
            Curve::WarmUp { curve, .. } => curve.check(),
            Curve::Then { first, next, .. } => first.check().and_then(|()| next.check()),
        }
    }
}

fn wrong(what: &str, value: impl std::fmt::Display, rule: &str) -> Error {
    Error::Option(format!("learning rate: {what} is {value}, but {rule}"))
}

/// What is left of a length: from 1 down to 0.
fn left(t: u64, length: u64) -> f64 {
    1.0 - t.min(length) as f64 / length.max(1) as f64
}

/// Half a cosine between two rates, for a part from 0 to 1.
fn anneal(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * part).cos()) / 2.0
}

/// The time since the last restart, and the length of the cycle that began with it.
fn since_restart(t: u64, length: u64, factor: u64) -> (u64, u64) {
    let (mut t, mut length) = (t, length.max(1));
    if factor <= 1 {
        return (t % length, length);
    }
    while t >= length {
        t -= length;
        length = length.saturating_mul(factor);
    }
    (t, length)
}

/// PyTorch's `OneCycleLR`, which begins to fall a step before the 30 % are over.
fn one_cycle(rate: f64, t: u64, length: u64) -> f64 {
    let (first, last) = (rate / 25.0, rate / 25.0 / 1e4);
    let end = length.saturating_sub(1) as f64;
    let top = (0.3 * length as f64 - 1.0).max(0.0);
    let t = (t as f64).min(end);
    if t <= top && top > 0.0 {
        anneal(first, rate, t / top)
    } else {
        anneal(rate, last, (t - top) / (end - top).max(1.0))
    }
}
