use super::*;

#[test]
fn batches_count_by_their_true_size() {
    let metrics: &[Metric] =
        &[Metric { name: "accuracy", kind: MetricKind::Mean, offset: 1, len: 1, sample_offset: 0, sample_len: 0 }];
    let mut combined = Combined::of(metrics, (2, 0), &[]);
    combined.add_all([64, 16], &[1.0, 0.5, 2.0, 1.0]);
    let expected = [(64.0 + 2.0 * 16.0) / 80.0, (32.0 + 16.0) / 80.0];
    assert!(combined.values().numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15));
}

/// Statistics as the device computes them for one batch of (prediction, target).
fn statistics(batch: &[(f32, f32)]) -> [f32; 4] {
    let n = batch.len() as f64;
    let mean = |f: &dyn Fn(f64, f64) -> f64| batch.iter().map(|&(p, t)| f(f64::from(p), f64::from(t))).sum::<f64>() / n;
    let target = mean(&|_, t| t);
    let error = mean(&|p, t| (p - t).powi(2));
    [0.0, error as f32, target as f32, mean(&|_, t| (t - target).powi(2)) as f32]
}

#[test]
fn r2_of_uneven_batches_is_the_r2_of_the_whole() {
    let metrics: &[Metric] =
        &[Metric { name: "r2", kind: MetricKind::R2, offset: 1, len: 3, sample_offset: 0, sample_len: 0 }];
    // Far from zero, where a sum of squares would cancel.
    let pairs: Vec<(f32, f32)> =
        (0..100).map(|i| (1000.0 + i as f32 * 0.99, 1000.0 + i as f32 + (i % 7) as f32 * 0.1)).collect();
    let r2 = |sizes: &[usize]| {
        let mut combined = Combined::of(metrics, (2, 0), &[]);
        let mut rest = &pairs[..];
        for &size in sizes {
            let (batch, others) = rest.split_at(size);
            combined.add(size, &statistics(batch));
            rest = others;
        }
        combined.values().numbers[1]
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
    let metrics: &[Metric] =
        &[Metric { name: "r2", kind: MetricKind::R2, offset: 1, len: 6, sample_offset: 0, sample_len: 0 }];
    let mut combined = Combined::of(metrics, (2, 0), &[]);
    // Errors 0.5 and 0, means 1 and 2, deviations 1 and 0: 1 - 0.5 and 1.
    combined.add(4, &[0.0, 0.5, 0.0, 1.0, 2.0, 1.0, 0.0]);
    assert_eq!(combined.values().numbers[1], 0.75);
    let mut constant = Combined::of(metrics, (2, 0), &[]);
    constant.add(4, &[0.0, 0.5, 0.0, 1.0, 2.0, 0.0, 0.0]);
    assert_eq!(constant.values().numbers[1], 0.5, "0 for a missed constant, 1 for a met one");
    // The mean of 1.5 thirty times is no 1.5 in f32, and that of all is another one.
    let mut rounded = Combined::of(metrics, (2, 0), &[]);
    let mean = 1.5 + f32::EPSILON;
    rounded.add(30, &[0.0, 0.5, 0.0, mean, 2.0, f32::EPSILON * f32::EPSILON, 0.0]);
    rounded.add(30, &[0.0, 0.5, 0.0, 1.5, 2.0, 0.0, 0.0]);
    assert_eq!(rounded.values().numbers[1], 0.5);
}

#[test]
fn ratios_are_those_of_the_sums_and_absent_columns_do_not_count() {
    let metrics: &[Metric] =
        &[Metric { name: "iou", kind: MetricKind::Ratio, offset: 1, len: 6, sample_offset: 0, sample_len: 0 }];
    let mut combined = Combined::of(metrics, (2, 0), &[]);
    assert_eq!(combined.values().numbers[1], 0.0, "nothing yet");
    combined.add(2, &[0.0, 3.0, 1.0, 0.0, 4.0, 4.0, 0.0]);
    combined.add(1, &[0.0, 0.0, 2.0, 0.0, 2.0, 2.0, 0.0]);
    assert_eq!(combined.values().numbers[1], 0.5, "the mean of 3 / 6 and 3 / 6; the third column is absent");
}

#[test]
fn a_step_counts_as_much_as_it_says() {
    let mut combined = Combined::of(&[], (2, 0), &[LossTerm { value: 0, weight: 1 }]);
    // Nothing has counted yet: what the loss has beside its mean stands.
    combined.add(4, &[0.25, 0.0]);
    assert_eq!(combined.values().numbers, [0.25]);
    combined.add(4, &[1.0, 3.0]);
    combined.add(4, &[9.0, 0.0]);
    combined.add(2, &[2.0, 9.0]);
    assert_eq!(combined.values().numbers, [1.75]);
    // A mean of what counts, beside a mean over samples.
    let mut combined = Combined::of(&[], (3, 0), &[LossTerm { value: 1, weight: 2 }]);
    combined.add(1, &[1.5, 0.5, 3.0]);
    combined.add(3, &[7.5, 2.5, 1.0]);
    assert_eq!(combined.values().numbers, [1.0 + 4.0]);
    combined.add(1, &[f32::INFINITY, f32::INFINITY, 1.0]);
    assert!(!combined.values().numbers[0].is_finite());
}

#[test]
fn no_steps_and_no_samples_are_no_panic() {
    let mut combined = Combined::of(&[], (1, 0), &[]);
    combined.add(0, &[1.0]);
    assert_eq!(combined.values().numbers, [0.0]);
}

#[test]
fn numbers_are_short() {
    let shown = [0.0, 1.0, 0.987_654, 0.012_345_6, 0.001_234_56].map(short);
    assert_eq!(shown, ["0.0000", "1.0000", "0.9877", "0.01235", "0.001235"]);
    let shown = [123.456_7, 99_999.4, 1e-5, 1e6, f64::NAN].map(short);
    assert_eq!(shown, ["123.46", "99999", "1.000e-5", "1.000e6", "NaN"]);
}

#[test]
fn r2_of_numbers_that_count_differently_is_weighted() {
    // One column; then one of which nothing counts.
    let metrics: &[Metric] =
        &[Metric { name: "r2", kind: MetricKind::WeightedR2, offset: 1, len: 8, sample_offset: 0, sample_len: 0 }];
    let mut combined = Combined::of(metrics, (9, 0), &[]);
    // t = 1, 3 with weights 1, 3 and errors 0.5, 0; then t = 5 with weight 2 and error 1.
    combined.add(2, &[0.0, 0.25 / 4.0, 0.0, 2.5, 0.0, 0.75, 0.0, 4.0, 0.0]);
    combined.add(1, &[0.0, 1.0, 0.0, 5.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
    let mean = (1.0 + 9.0 + 10.0) / 6.0;
    let deviation = (1.0 - mean) * (1.0 - mean) + 3.0 * (3.0 - mean) * (3.0 - mean) + 2.0 * (5.0 - mean) * (5.0 - mean);
    let expected: f64 = 1.0 - (0.25 + 2.0) / deviation;
    assert!((combined.values().numbers[1] - expected).abs() < 1e-12);
}
