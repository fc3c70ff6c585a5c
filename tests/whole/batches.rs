//! Any number of samples gives exact results.

use nn::Fit;
use nn_tests::networks::{Branches, Cnn, Plain};
use nn_tests::{assert_close, data, on_each_device};

/// Batches that are no multiple of anything, and more than a player's first capacity.
const SIZES: [usize; 8] = [1, 2, 3, 5, 8, 33, 64, 301];

/// Epochs of 23 samples in batches of 7 are the steps on these batches, and report samples instead of batches.
macro_rules! steps_of_an_epoch {
    ($network:ident, $data:expr, $device:expr) => {{
        let all = $data;
        let mut fitted = $network::new($device, 3).unwrap();
        let options = Fit::default().epochs(2).batch_size(7).shuffle(false).quiet();
        let history = fitted.fit(&all, options).unwrap();
        let mut stepped = $network::new($device, 3).unwrap();
        for epoch in 0..2 {
            let mut loss = 0.0;
            for part in [0..7, 7..14, 14..21, 21..23] {
                let n = part.len() as f64;
                loss += stepped.train_batch(&all.slice(part)).unwrap().loss * n / 23.0;
            }
            let reported = history.epochs[epoch].train.loss;
            assert!((reported - loss).abs() <= 1e-6 * loss, "epoch {epoch}: {reported} instead of {loss}");
        }
        for p in stepped.parameters() {
            let (a, b) = (fitted.parameter(p.name).unwrap(), stepped.parameter(p.name).unwrap());
            assert_eq!(a, b, "{}", p.name);
        }
    }};
}

on_each_device! {
    fn a_prediction_does_not_depend_on_its_neighbours(device) {
        let net = Plain::new(device, 7).unwrap();
        let all = data::plain(301, 1).unwrap();
        let together = net.predict(all.x()).unwrap();
        for n in SIZES {
            let some = net.predict(&all.x()[..n]).unwrap();
            assert_eq!(some.len(), n);
            assert_close(&format!("the first {n}"), some.as_flattened(), together[..n].as_flattened(), 1e-6);
        }
        for (i, x) in all.x().iter().enumerate().step_by(37) {
            let one = net.predict(&[*x]).unwrap();
            assert_close(&format!("sample {i} alone"), &one[0], &together[i], 1e-6);
        }
        assert!(net.predict(&all.x()[..0]).unwrap().is_empty());
    }

    fn more_samples_than_any_capacity_go_in_chunks(device) {
        let net = Plain::new(device, 7).unwrap();
        let all = data::plain(20_011, 1).unwrap();
        let together = net.predict(all.x()).unwrap();
        assert_eq!(together.len(), all.len());
        for i in [0, 1, 1023, 1024, 4096, 16_383, 16_384, 20_010] {
            let one = net.predict(&[all.x()[i]]).unwrap();
            assert_close(&format!("sample {i}"), &one[0], &together[i], 1e-6);
        }
        // 20,011 is a prime: no chunk size divides it, so the last chunk is partial.
        let whole = net.evaluate(&all).unwrap();
        let (mut loss, mut mse) = (0.0, 0.0);
        for start in (0..all.len()).step_by(1000) {
            let part = all.slice(start..all.len().min(start + 1000));
            let report = net.evaluate(&part).unwrap();
            loss += report.loss * part.len() as f64 / all.len() as f64;
            mse += report.mse * part.len() as f64 / all.len() as f64;
        }
        assert!((whole.loss - loss).abs() < 1e-6 * loss, "{} {loss}", whole.loss);
        assert!((whole.mse - mse).abs() < 1e-6 * mse, "{} {mse}", whole.mse);
    }

    fn a_batch_is_the_mean_of_its_samples(device) {
        let net = Plain::new(device, 3).unwrap();
        let all = data::plain(64, 5).unwrap();
        let single: Vec<_> = (0..64).map(|i| net.gradients(&all.slice(i..i + 1)).unwrap()).collect();
        for n in SIZES.into_iter().filter(|n| *n <= 64) {
            let batch = net.gradients(&all.slice(0..n)).unwrap();
            let loss = single[..n].iter().map(|g| g.loss()).sum::<f32>() / n as f32;
            assert_close(&format!("loss of {n}"), &[batch.loss()], &[loss], 1e-5);
            for p in net.parameters() {
                let mut mean = vec![0.0; batch.parameter(p.name).unwrap().len()];
                for g in &single[..n] {
                    for (m, g) in mean.iter_mut().zip(g.parameter(p.name).unwrap()) {
                        *m += g / n as f32;
                    }
                }
                let got = batch.parameter(p.name).unwrap();
                assert_close(&format!("gradient of {} for {n}", p.name), got, &mean, 1e-5);
            }
            let x = batch.input("x").unwrap();
            for (i, g) in single[..n].iter().enumerate() {
                let expected: Vec<f32> = g.input("x").unwrap().iter().map(|v| v / n as f32).collect();
                assert_close(&format!("input gradient {i} of {n}"), &x[i * 5..i * 5 + 5], &expected, 1e-5);
            }
        }
    }

    fn a_partial_last_batch_counts_by_its_true_size(device) {
        steps_of_an_epoch!(Plain, data::plain(23, 9).unwrap(), device);
    }

    fn a_partial_last_batch_has_statistics_of_its_own(device) {
        steps_of_an_epoch!(Cnn, data::cnn(23, 9).unwrap(), device);
    }

    fn a_report_does_not_depend_on_how_data_is_cut(device) {
        // r2 is no mean of the batches' r2; the statistics must combine exactly.
        let net = Plain::new(device, 4).unwrap();
        let all = data::plain(5000, 2).unwrap();
        let report = net.evaluate(&all).unwrap();
        let p = net.predict(all.x()).unwrap();
        let mut r2 = 0.0;
        for c in 0..3 {
            let mean = all.y().iter().map(|y| f64::from(y[c])).sum::<f64>() / 5000.0;
            let total: f64 = all.y().iter().map(|y| (f64::from(y[c]) - mean).powi(2)).sum();
            let error: f64 = all.y().iter().zip(&p).map(|(y, p)| f64::from(y[c] - p[c]).powi(2)).sum();
            r2 += (1.0 - error / total) / 3.0;
        }
        assert!((report.r2 - r2).abs() < 1e-5 * r2.abs().max(1.0), "{} {r2}", report.r2);
    }

    fn several_inputs_and_outputs_keep_their_samples_together(device) {
        let net = Branches::new(device, 5).unwrap();
        let all = data::branches(50, 3).unwrap();
        let together = net.predict(all.left(), all.right()).unwrap();
        for i in [0, 13, 49] {
            let one = net.predict(&all.left()[i..=i], &all.right()[i..=i]).unwrap();
            assert_close("probability", &one.probability[0], &together.probability[i], 1e-6);
            assert_close("estimate", &one.estimate[0], &together.estimate[i], 1e-6);
        }
        assert!(net.predict(all.left(), &all.right()[..49]).is_err(), "inputs of different lengths");
    }
}
