//! How the results of steps become one report: exactly, whatever the batch sizes.

use std::fmt;

use crate::program::{Metric, MetricKind};

/// Combines the results of steps: the mean loss first, then the metrics' statistics.
#[derive(Debug, Clone)]
pub(crate) struct Combined {
    metrics: &'static [Metric],
    samples: f64,
    loss: f64,
    states: Vec<State>,
}

/// What is known of a metric so far.
#[derive(Debug, Clone)]
enum State {
    Mean(f64),
    R2(Vec<Column>),
    /// For each column, both sums.
    Ratio(Vec<[f64; 2]>),
}

/// What is known of one column of an R2.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    /// Mean squared error.
    error: f64,
    /// Mean of the target.
    mean: f64,
    /// Sum of the target's squared deviations from its mean.
    deviation: f64,
}

impl Combined {
    /// Nothing yet.
    pub(crate) fn new(metrics: &'static [Metric]) -> Self {
        let state = |m: &Metric| match m.kind {
            MetricKind::Mean => State::Mean(0.0),
            MetricKind::R2 => State::R2(vec![Column::default(); m.len / 3]),
            MetricKind::Ratio => State::Ratio(vec![[0.0; 2]; m.len / 2]),
        };
        Combined { metrics, samples: 0.0, loss: 0.0, states: metrics.iter().map(state).collect() }
    }

    /// Adds the results of one step over `batch` samples.
    pub(crate) fn add(&mut self, batch: usize, results: &[f32]) {
        let n = batch as f64;
        let total = self.samples + n;
        if total == 0.0 {
            return;
        }
        let part = n / total;
        let mean = |mean: &mut f64, value: f32| *mean += (f64::from(value) - *mean) * part;
        if let Some(&loss) = results.first() {
            mean(&mut self.loss, loss);
        }
        for (metric, state) in self.metrics.iter().zip(&mut self.states) {
            let Some(statistics) = results.get(metric.offset..metric.offset + metric.len) else { continue };
            match state {
                State::Mean(value) => statistics.iter().take(1).for_each(|&s| mean(value, s)),
                State::R2(columns) => {
                    let count = columns.len();
                    for (i, column) in columns.iter_mut().enumerate() {
                        let [error, target, deviation] = [0, 1, 2].map(|k| statistics[k * count + i]);
                        mean(&mut column.error, error);
                        // Chan, Golub and LeVeque: two sets' deviations, and that of their means.
                        let delta = f64::from(target) - column.mean;
                        column.deviation += f64::from(deviation) * n + delta * delta * self.samples * part;
                        column.mean += delta * part;
                    }
                }
                State::Ratio(columns) => {
                    let count = columns.len();
                    for (i, column) in columns.iter_mut().enumerate() {
                        column[0] += f64::from(statistics[i]);
                        column[1] += f64::from(statistics[count + i]);
                    }
                }
            }
        }
        self.samples = total;
    }

    /// Adds steps one after another: `stride` floats of results for each.
    pub(crate) fn add_all(&mut self, batches: impl IntoIterator<Item = usize>, results: &[f32], stride: usize) {
        for (batch, results) in batches.into_iter().zip(results.chunks_exact(stride.max(1))) {
            self.add(batch, results);
        }
    }

    /// The loss, then each metric.
    pub(crate) fn values(&self) -> Vec<f64> {
        let value = |state: &State| match state {
            State::Mean(value) => *value,
            State::R2(columns) => columns.iter().map(|c| c.r2(self.samples)).sum::<f64>() / columns.len().max(1) as f64,
            State::Ratio(columns) => {
                let present: Vec<f64> = columns.iter().filter(|c| c[1] != 0.0).map(|c| c[0] / c[1]).collect();
                present.iter().sum::<f64>() / present.len().max(1) as f64
            }
        };
        std::iter::once(self.loss).chain(self.states.iter().map(value)).collect()
    }
}

impl Column {
    /// As scikit-learn's `r2_score`, which gives 1 or 0 where the target is constant.
    fn r2(&self, samples: f64) -> f64 {
        let errors = self.error * samples;
        match (errors, self.deviation) {
            (0.0, 0.0) => 1.0,
            (_, 0.0) => 0.0,
            (errors, deviation) => 1.0 - errors / deviation,
        }
    }
}

/// A number with four or five significant digits, short for tables and progress bars.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e5).contains(&size) {
        let magnitude = if size >= 1.0 { size.log10() as usize } else { 0 };
        let zeros = if size > 0.0 && size < 0.1 { -size.log10() as usize } else { 0 };
        format!("{value:.*}", (4 + zeros).saturating_sub(magnitude))
    } else if value.is_finite() {
        format!("{value:.3e}")
    } else {
        format!("{value}")
    }
}

/// Writes `loss 0.0123, accuracy 0.9876`.
pub fn display(f: &mut fmt::Formatter<'_>, values: &[(&str, f64)]) -> fmt::Result {
    for (i, (name, value)) in values.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{name} {}", short(*value))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_count_by_their_true_size() {
        let metrics: &[Metric] = &[Metric { name: "accuracy", kind: MetricKind::Mean, offset: 1, len: 1 }];
        let mut combined = Combined::new(metrics);
        combined.add_all([64, 16], &[1.0, 0.5, 2.0, 1.0], 2);
        let expected = [(64.0 + 2.0 * 16.0) / 80.0, (32.0 + 16.0) / 80.0];
        assert!(combined.values().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
    }

    /// Statistics as the device computes them for one batch of (prediction, target).
    fn statistics(batch: &[(f32, f32)]) -> [f32; 4] {
        let n = batch.len() as f64;
        let mean =
            |f: &dyn Fn(f64, f64) -> f64| batch.iter().map(|&(p, t)| f(f64::from(p), f64::from(t))).sum::<f64>() / n;
        let target = mean(&|_, t| t);
        let error = mean(&|p, t| (p - t).powi(2));
        [0.0, error as f32, target as f32, mean(&|_, t| (t - target).powi(2)) as f32]
    }

    #[test]
    fn r2_of_uneven_batches_is_the_r2_of_the_whole() {
        let metrics: &[Metric] = &[Metric { name: "r2", kind: MetricKind::R2, offset: 1, len: 3 }];
        // Far from zero, where a sum of squares would cancel.
        let pairs: Vec<(f32, f32)> =
            (0..100).map(|i| (1000.0 + i as f32 * 0.99, 1000.0 + i as f32 + (i % 7) as f32 * 0.1)).collect();
        let r2 = |sizes: &[usize]| {
            let mut combined = Combined::new(metrics);
            let mut rest = &pairs[..];
            for &size in sizes {
                let (batch, others) = rest.split_at(size);
                combined.add(size, &statistics(batch));
                rest = others;
            }
            combined.values()[1]
        };
        let mean = pairs.iter().map(|&(_, t)| f64::from(t)).sum::<f64>() / 100.0;
        let errors: f64 = pairs.iter().map(|&(p, t)| (f64::from(p) - f64::from(t)).powi(2)).sum();
        let deviations: f64 = pairs.iter().map(|&(_, t)| (f64::from(t) - mean).powi(2)).sum();
        let expected = 1.0 - errors / deviations;
        for sizes in [&[100][..], &[1, 99], &[33, 33, 33, 1], &[50, 49, 1]] {
            assert!((r2(sizes) - expected).abs() < 1e-5, "{} for {sizes:?}, expected {expected}", r2(sizes));
        }
    }

    #[test]
    fn r2_averages_over_columns_and_survives_constant_targets() {
        let metrics: &[Metric] = &[Metric { name: "r2", kind: MetricKind::R2, offset: 1, len: 6 }];
        let mut combined = Combined::new(metrics);
        // Errors 0.5 and 0, means 1 and 2, deviations 1 and 0: 1 - 0.5 and 1.
        combined.add(4, &[0.0, 0.5, 0.0, 1.0, 2.0, 1.0, 0.0]);
        assert_eq!(combined.values()[1], 0.75);
        let mut constant = Combined::new(metrics);
        constant.add(4, &[0.0, 0.5, 0.0, 1.0, 2.0, 0.0, 0.0]);
        assert_eq!(constant.values()[1], 0.5, "0 for a missed constant, 1 for a met one");
    }

    #[test]
    fn ratios_are_those_of_the_sums_and_absent_columns_do_not_count() {
        let metrics: &[Metric] = &[Metric { name: "iou", kind: MetricKind::Ratio, offset: 1, len: 6 }];
        let mut combined = Combined::new(metrics);
        assert_eq!(combined.values()[1], 0.0, "nothing yet");
        combined.add(2, &[0.0, 3.0, 1.0, 0.0, 4.0, 4.0, 0.0]);
        combined.add(1, &[0.0, 0.0, 2.0, 0.0, 2.0, 2.0, 0.0]);
        assert_eq!(combined.values()[1], 0.5, "the mean of 3 / 6 and 3 / 6; the third column is absent");
    }

    #[test]
    fn no_steps_and_no_samples_are_no_panic() {
        let mut combined = Combined::new(&[]);
        combined.add(0, &[1.0]);
        assert_eq!(combined.values(), [0.0]);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 1.0, 0.987_654, 0.012_345_6, 0.001_234_56].map(short);
        assert_eq!(shown, ["0.0000", "1.0000", "0.9877", "0.01235", "0.001235"]);
        let shown = [123.456_7, 99_999.4, 1e-5, 1e6, f64::NAN].map(short);
        assert_eq!(shown, ["123.46", "99999", "1.000e-5", "1.000e6", "NaN"]);
    }
}
