//! Normalizations, beside their formulas.

use super::*;

#[test]
fn batch_norm_trains_with_the_batch_and_predicts_with_what_it_remembers() {
    for (dims, batch) in [(vec![2, 3, 2], 4), (vec![2, 3, 2], 1), (vec![2], 5)] {
        let (mut n, x) = network(&dims);
        let options = BatchNorm { momentum: 0.3, eps: 0.01, affine: true };
        let y = batch_norm(&mut n, "batch_norm", x, &options).unwrap();
        let declared: Vec<(&str, bool)> = n.parameters.iter().map(|p| (p.name.as_str(), p.trainable)).collect();
        let expected = [
            ("batch_norm.weight", true),
            ("batch_norm.bias", true),
            ("batch_norm.running_mean", false),
            ("batch_norm.running_var", false),
        ];
        assert_eq!(declared, expected);
        let starts: Vec<Initializer> = n.parameters.iter().map(|p| p.init).collect();
        assert_eq!(starts, [1.0, 0.0, 0.0, 1.0].map(Initializer::Constant));

        let size: usize = dims.iter().product();
        let (values, positions) = (numbers(batch * size, 2), size / 2);
        let parameters = [vec![2.0, -0.5], vec![0.25, 1.0], vec![1.5, -4.0], vec![9.0, 0.5]];
        let of_channel = |c: usize| -> Vec<f64> {
            (0..batch * size).filter(|i| i / positions % 2 == c).map(|i| values[i]).collect()
        };
        let statistics = [moments(&of_channel(0)), moments(&of_channel(1))];
        let normalized = |statistics: [(f64, f64); 2]| -> Vec<f64> {
            (0..batch * size)
                .map(|i| {
                    let c = i / positions % 2;
                    let (mean, variance) = statistics[c];
                    (values[i] - mean) / (variance + 0.01).sqrt() * parameters[0][c] + parameters[1][c]
                })
                .collect()
        };
        close(&run(&n, y, &values, &parameters, true), &normalized(statistics));
        close(&run(&n, y, &values, &parameters, false), &normalized([(1.5, 9.0), (-4.0, 0.5)]));

        let count = (batch * positions) as f64;
        let moved = |i: usize, new: f64, c: usize| 0.7 * parameters[i][c] + 0.3 * new;
        let expected = [
            [0, 1].map(|c| moved(2, statistics[c].0, c)),
            [0, 1].map(|c| moved(3, statistics[c].1 * count / (count - 1.0), c)),
        ];
        assert_eq!(n.updates.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [2, 3]);
        for ((_, value), expected) in n.updates.iter().zip(expected) {
            close(&run(&n, *value, &values, &parameters, true), &expected);
        }
    }
}

#[test]
fn batch_norm_of_a_single_value_stays_finite() {
    let (mut n, x) = network(&[2]);
    let y = batch_norm(&mut n, "batch_norm", x, &BatchNorm { affine: false, ..BatchNorm::default() }).unwrap();
    let buffers = [vec![0.0; 2], vec![1.0; 2]];
    assert_eq!(run(&n, y, &[3.0, -1.0], &buffers, true), [0.0, 0.0]);
    close(&run(&n, n.updates[1].1, &[3.0, -1.0], &buffers, true), &[0.9, 0.9]);
    let (mut n, x) = network(&[]);
    assert!(matches!(batch_norm(&mut n, "a", x, &BatchNorm::default()), Err(Fact::TooFewAxes { .. })));
    let (mut n, x) = network(&[2]);
    let options = BatchNorm { eps: 0.0, ..BatchNorm::default() };
    assert!(matches!(batch_norm(&mut n, "a", x, &options), Err(Fact::Option { name: "eps", .. })));
    assert!(n.parameters.is_empty());
}

/// Normalizes each run of `length` numbers.
fn standardized(x: &[f64], length: usize, eps: f64) -> Vec<f64> {
    x.chunks(length)
        .flat_map(|run| {
            let (mean, variance) = moments(run);
            run.iter().map(move |x| (x - mean) / (variance + eps).sqrt())
        })
        .collect()
}

#[test]
fn norms_of_samples_are_their_formulas() {
    let x = numbers(24, 6);
    let scaled = |y: Vec<f64>, f: &dyn Fn(usize) -> (f64, f64)| -> Vec<f64> {
        y.into_iter().enumerate().map(|(i, y)| y * f(i).0 + f(i).1).collect()
    };
    type Norm = fn(&mut Network, NodeId) -> Result<NodeId, Fact>;
    let check = |f: Norm, parameters: &[(&str, &[usize])], expected: &dyn Fn(&[Vec<f64>]) -> Vec<f64>| {
        let (mut n, node) = network(&[4, 3, 2]);
        let y = f(&mut n, node).unwrap();
        let declared: Vec<(&str, &[usize])> = n.parameters.iter().map(|p| (p.name.as_str(), &p.dims[..])).collect();
        assert_eq!(declared, parameters);
        let values: Vec<Vec<f64>> =
            n.parameters.iter().enumerate().map(|(i, p)| numbers(p.dims.iter().product(), i + 7)).collect();
        close(&run(&n, y, &x, &values, false), &expected(&values));
    };
    check(|n, x| layer_norm(n, "norm", x, None, 0.1, true), &[("norm.weight", &[2]), ("norm.bias", &[2])], &|p| {
        scaled(standardized(&x, 2, 0.1), &|i| (p[0][i % 2], p[1][i % 2]))
    });
    check(
        |n, x| layer_norm(n, "norm", x, Some(&[0, 1, 2]), 0.1, true),
        &[("norm.weight", &[4, 3, 2]), ("norm.bias", &[4, 3, 2])],
        &|p| scaled(standardized(&x, 24, 0.1), &|i| (p[0][i], p[1][i])),
    );
    check(|n, x| layer_norm(n, "norm", x, Some(&[-2, -1]), 0.1, false), &[], &|_| standardized(&x, 6, 0.1));
    check(|n, x| rms_norm(n, "norm", x, None, 0.1, true), &[("norm.weight", &[2])], &|p| {
        let divided = x.chunks(2).flat_map(|r| {
            let root = ((r[0] * r[0] + r[1] * r[1]) / 2.0 + 0.1).sqrt();
            [r[0] / root, r[1] / root]
        });
        scaled(divided.collect(), &|i| (p[0][i % 2], 0.0))
    });
    check(|n, x| group_norm(n, "norm", x, 2, 0.1, true), &[("norm.weight", &[4]), ("norm.bias", &[4])], &|p| {
        scaled(standardized(&x, 12, 0.1), &|i| (p[0][i / 6], p[1][i / 6]))
    });
    check(|n, x| instance_norm(n, "norm", x, 0.1, false), &[], &|_| standardized(&x, 6, 0.1));
    check(|n, x| instance_norm(n, "norm", x, 0.1, true), &[("norm.weight", &[4]), ("norm.bias", &[4])], &|p| {
        scaled(standardized(&x, 6, 0.1), &|i| (p[0][i / 6], p[1][i / 6]))
    });
    // Over the channels of each position, the weight is one of channels.
    check(
        |n, x| layer_norm(n, "norm", x, Some(&[0]), 0.1, true),
        &[("norm.weight", &[4]), ("norm.bias", &[4])],
        &|p| {
            let columns: Vec<f64> = (0..24).map(|i| x[i % 4 * 6 + i / 4]).collect();
            let y = standardized(&columns, 4, 0.1);
            (0..24).map(|i| y[i % 6 * 4 + i / 6] * p[0][i / 6] + p[1][i / 6]).collect()
        },
    );
}

#[test]
fn local_response_norm_divides_by_neighbouring_channels() {
    let x = numbers(5 * 2, 3);
    for size in [1, 2, 3, 4, 7] {
        let (_, found) = on(&[5, 2], &x, |g, x| local_response_norm(g, x, size, 0.5, 0.75, 2.0));
        let expected: Vec<f64> = (0..10)
            .map(|i| {
                let (c, position) = (i / 2, i % 2);
                // PyTorch pads size / 2 channels before and (size - 1) / 2 behind.
                let sum: f64 = (0..5)
                    .filter(|n| n + size / 2 >= c && *n <= c + (size - 1) / 2)
                    .map(|n| x[n * 2 + position].powi(2))
                    .sum();
                x[i] / (2.0 + 0.5 * sum / size as f64).powf(0.75)
            })
            .collect();
        close(&found, &expected);
    }
}
