//! Weights in `fit`, in data, in streams and in batches; and batches of which nothing counts.

use nn::{Batches, Fit, History};
use nn_tests::on_each_device;

nn::network! {
    network Kinds {
        input  x: [3];
        target kind: class(3);
        logits = x >> dense(8) >> tanh >> dropout(0.2) >> dense(3);
        output logits = logits;
        loss   sample_weight * cross_entropy(logits, kind);
        metric accuracy(logits, kind);
        metric weighted = accuracy(logits, kind, mask = sample_weight);
        optimizer adam(learning_rate = 0.01);
    }

    network Words {
        input  x: [4, 3];
        target word: class(3)[4];
        logits = x >> linear(3);
        output logits = logits;
        loss   cross_entropy(logits, word, ignore_index = 0);
        metric surprise = cross_entropy(logits, word, ignore_index = 0);
        metric accuracy(logits, word, ignore_index = 0);
        optimizer sgd(learning_rate = 0.1);
    }

    /// A mean over what counts, and one over samples.
    network Both {
        input  x: [4, 3];
        target word: class(3)[4];
        target size: [3];
        logits = x >> linear(3);
        p = x >> flatten >> dense(3);
        output logits = logits;
        loss   0.5 * cross_entropy(logits, word, ignore_index = 0) - mse(p, size) / 4.0;
        metric twice = 2.0 * cross_entropy(logits, word, ignore_index = 0);
        metric both = 0.5 * cross_entropy(logits, word, ignore_index = 0) - mse(p, size) / 4.0;
        metric surprise = cross_entropy(logits, word, ignore_index = 0);
        metric error = mse(p, size);
        optimizer sgd(learning_rate = 0.1);
    }

    network Unweighted {
        input  x: [3];
        target kind: class(3);
        target other: class(3);
        logits = x >> dense(3);
        output logits = logits;
        loss   cross_entropy(logits, kind) + cross_entropy(logits, other, mask = sample_weight);
        optimizer sgd(learning_rate = 0.1);
    }
}

const SAMPLES: usize = 61;

fn inputs() -> Vec<[f32; 3]> {
    (0..SAMPLES).map(|i| [0, 1, 2].map(|k| ((i * 7 + k * 5) as f32 * 0.37).sin())).collect()
}

fn kinds() -> Vec<u32> {
    (0..SAMPLES as u32).map(|i| (i * i + i / 3) % 3).collect()
}

fn weights() -> Vec<f32> {
    (0..SAMPLES).map(|i| (i % 5) as f32 * 0.5).collect()
}

fn data() -> KindsData {
    KindsData::new(inputs(), kinds()).unwrap()
}

fn stream() -> KindsStream {
    KindsStream::new(inputs(), kinds()).unwrap()
}

fn fit<'a>() -> Fit<'a, KindsReport> {
    Fit::default().epochs(3).batch_size(8).quiet()
}

/// Losses of all steps, and what was validated.
fn bits(history: &History<KindsReport>) -> Vec<u64> {
    let losses = history.step_losses.iter().map(|&loss| u64::from(loss.to_bits()));
    let validation = history.epochs.iter().filter_map(|epoch| epoch.validation.as_ref());
    losses.chain(validation.flat_map(|report| [report.loss.to_bits(), report.weighted.to_bits()])).collect()
}

fn run<D: nn::Dataset<Report = KindsReport>>(device: &nn::Device, data: &D, fit: Fit<'_, KindsReport>) -> Vec<u64> {
    bits(&Kinds::new(device, 7).unwrap().fit(data, fit).unwrap())
}

on_each_device! {
    fn a_weight_multiplies_the_loss_and_its_gradient(device) {
        let (net, data) = (Kinds::new(device, 1).unwrap(), data().slice(..3));
        let own = [0.5, 2.0, 0.0];
        let plain = net.gradients(&data).unwrap();
        let halved = net.gradients(&data.clone().with_sample_weights(&[0.5; 3]).unwrap()).unwrap();
        assert!((halved.loss() - 0.5 * plain.loss()).abs() < 1e-6);
        for (name, values) in halved.parameters() {
            let plain = plain.parameter(name).unwrap();
            assert!(values.iter().zip(plain).all(|(a, b)| (a - 0.5 * b).abs() < 1e-6), "{name}");
        }
        let report = net.evaluate(&data.clone().with_sample_weights(&own).unwrap()).unwrap();
        let singles = (0..3).map(|i| net.evaluate(&data.slice(i..i + 1)).unwrap());
        let (mut loss, mut right) = (0.0, 0.0);
        for (report, weight) in singles.zip(own) {
            loss += report.loss * f64::from(weight) / 3.0;
            right += report.accuracy * f64::from(weight) / 2.5;
        }
        assert!((report.loss - loss).abs() < 1e-6 && (report.weighted - right).abs() < 1e-6);
    }

    fn weights_of_fit_are_those_of_the_data(device) {
        let plain = run(device, &data(), fit());
        let weighted = run(device, &data(), fit().sample_weights(weights()));
        assert_ne!(plain, weighted);
        assert_eq!(plain, run(device, &data(), fit().sample_weights(vec![1.0; SAMPLES])));
        let own = data().with_sample_weights(&weights()).unwrap();
        assert_eq!(weighted, run(device, &own, fit()));
        assert_eq!(weighted, run(device, &stream(), fit().sample_weights(weights())));
        assert_eq!(weighted, run(device, &stream().with_sample_weights(&weights()).unwrap(), fit()));
        // What a run is given stands in the place of what the data has.
        assert_eq!(plain, run(device, &own, fit().sample_weights(vec![1.0; SAMPLES])));
    }

    fn weights_of_classes_multiply_those_of_samples(device) {
        let of = [0.25, 0.0, 3.0];
        let by_hand: Vec<f32> = kinds().iter().map(|&kind| of[kind as usize]).collect();
        let both: Vec<f32> = by_hand.iter().zip(weights()).map(|(a, b)| b * a).collect();
        let weighted = run(device, &data(), fit().class_weights(of));
        assert_eq!(weighted, run(device, &data(), fit().sample_weights(by_hand)));
        assert_eq!(weighted, run(device, &stream(), fit().class_weights(of).workers(2)));
        let expected = run(device, &data(), fit().sample_weights(both));
        assert_eq!(expected, run(device, &data(), fit().class_weights(of).sample_weights(weights())));
        assert_eq!(expected, run(device, &stream(), fit().class_weights(of).sample_weights(weights())));
    }

    fn batches_of_an_iterator_bring_their_weights(device) {
        let batches = Batches::new(7, |_| {
            let data = data().with_sample_weights(&weights()).unwrap();
            (0..7).map(move |i| Ok(data.slice(8 * i..8 * i + 8)))
        });
        let of = [0.25, 1.0, 3.0];
        let fit = || fit().shuffle(false).class_weights(of);
        let expected = run(device, &data().slice(..56), fit().sample_weights(&weights()[..56]));
        assert_eq!(expected, run(device, &batches, fit()));
        let error = Kinds::new(device, 1).unwrap().fit(&batches, fit().sample_weights(weights())).unwrap_err();
        assert!(error.to_string().contains("with_sample_weights"), "{error}");
    }

    /// As in Keras: samples keep their weights, classes do not.
    fn validation_knows_the_weights_of_samples_and_not_of_classes(device) {
        let report = |fit: Fit<'_, KindsReport>, data: &KindsData| {
            let history = Kinds::new(device, 7).unwrap().fit(data, fit.validation_split(0.25)).unwrap();
            history.epochs[0].validation.unwrap()
        };
        let fit = || Fit::default().quiet();
        let mut net = Kinds::new(device, 7).unwrap();
        let (train, last) = data().with_sample_weights(&weights()).unwrap().split_at(45);
        let expected = net.fit(&train, fit().validation_data(&last)).unwrap().epochs[0].validation.unwrap();
        assert_eq!(expected, report(fit().sample_weights(weights()), &data()));
        net = Kinds::new(device, 7).unwrap();
        let (train, last) = data().split_at(45);
        let expected = net.fit(&train, fit().validation_data(&last).class_weights([3.0, 0.5, 0.25])).unwrap();
        assert_eq!(expected.epochs[0].validation.unwrap(), report(fit().class_weights([3.0, 0.5, 0.25]), &data()));
        assert_ne!(expected.epochs[0].validation.unwrap(), report(fit(), &data()));
    }

    fn a_resumed_run_has_the_same_weights_or_is_refused(device) {
        let name = if device.is_gpu() { "gpu" } else { "cpu" };
        let path = std::env::temp_dir().join(format!("nn-weights-{name}-{}.safetensors", std::process::id()));
        let weighted = || fit().class_weights([3.0, 1.0, 0.5]).sample_weights(weights());
        let whole = run(device, &data(), weighted());
        let mut net = Kinds::new(device, 7).unwrap();
        let stopping = weighted().on_batch_end(|batch, control| {
            if (batch.epoch, batch.number) == (2, 3) {
                control.stop = true;
            }
        });
        let begun = net.fit(&data(), stopping).unwrap();
        assert!(begun.step_losses.len() < whole.len());
        net.save_checkpoint(&path).unwrap();
        let mut net = Kinds::new(device, 1).unwrap();
        let error = net.resume(&data(), &path, fit().class_weights([3.0, 1.0, 0.25]).sample_weights(weights())).unwrap_err();
        assert!(error.to_string().contains("class_weights: the run has 3 numbers with checksum"), "{error}");
        let resumed = net.resume(&data(), &path, weighted()).unwrap();
        assert_eq!(bits(&resumed), whole[begun.step_losses.len()..]);
        std::fs::remove_file(&path).unwrap();
    }

    fn accumulated_weights_are_those_of_one_batch(device) {
        let losses = |batch: usize, accumulate: usize| {
            let mut net = Words::new(device, 3).unwrap();
            net.fit(&words(), Fit::default().shuffle(false).batch_size(batch).accumulate(accumulate).quiet()).unwrap();
            net.parameter("logits.linear.weight").unwrap()
        };
        // Where each sample has as much that counts, a batch's weight is its number of samples.
        let (large, small) = (losses(20, 1), losses(5, 4));
        assert!(large.iter().zip(&small).all(|(a, b)| (a - b).abs() < 1e-6), "{large:?} {small:?}");
    }

    fn batches_of_an_update_weigh_what_counts_in_them(device) {
        // From one position that counts in a sample to all of them, and batches without any.
        let x: Vec<[[f32; 3]; 4]> = (0..24).map(|i| [0, 1, 2, 3].map(|p| [0, 1, 2].map(|k| ((i * 13 + p * 5 + k) as f32 * 0.7).sin()))).collect();
        let word: Vec<[u32; 4]> = (0..24usize).map(|i| [0, 1, 2, 3].map(|p| if p < i / 5 && i / 4 != 2 { 1 + ((i + p) % 2) as u32 } else { 0 })).collect();
        let data = WordsData::new(x, word).unwrap();
        let run = |batch: usize, accumulate: usize| {
            let mut net = Words::new(device, 3).unwrap();
            let fit = Fit::default().epochs(2).shuffle(false).batch_size(batch).accumulate(accumulate).quiet();
            let history = net.fit(&data, fit).unwrap();
            (net.parameter("logits.linear.weight").unwrap(), history.epochs[1].train.loss)
        };
        // Three, two and more batches to an update; the last update has fewer.
        for (large, small, together) in [(12, 4, 3), (8, 4, 2), (24, 5, 5), (16, 4, 4)] {
            let ((large, loss), (small, again)) = (run(large, 1), run(small, together));
            assert!(large.iter().zip(&small).all(|(a, b)| (a - b).abs() < 1e-6), "{together}: {large:?} {small:?}");
            assert!((loss - again).abs() < 1e-6, "{loss} {again}");
        }
    }

    fn each_term_of_a_loss_is_averaged_by_what_it_counts(device) {
        let x: Vec<[[f32; 3]; 4]> = (0..23).map(|i| [0, 1, 2, 3].map(|p| [0, 1, 2].map(|k| ((i * 13 + p * 5 + k) as f32 * 0.7).sin()))).collect();
        let word: Vec<[u32; 4]> = (0..23usize).map(|i| [0, 1, 2, 3].map(|p| if p < i / 5 { 1 + ((i + p) % 2) as u32 } else { 0 })).collect();
        let size: Vec<[f32; 3]> = (0..23).map(|i| [i as f32 * 0.1; 3]).collect();
        let data = BothData::new(x, word, size).unwrap();
        let mut net = Both::new(device, 3).unwrap();
        net.set_learning_rate(0.0).unwrap();
        let whole = net.evaluate_batch(&data).unwrap();
        let expected = 0.5 * whole.surprise - whole.error / 4.0;
        let history = net.fit(&data, Fit::default().batch_size(4).quiet()).unwrap();
        let epoch = &history.epochs[0].train;
        for (found, expected) in [(epoch.loss, expected), (epoch.both, expected), (epoch.twice, 2.0 * whole.surprise), (epoch.surprise, whole.surprise)] {
            assert!((found - expected).abs() < 2e-6, "{epoch:?} {whole:?}");
        }
        let error = net.fit(&data, Fit::default().batch_size(4).accumulate(2).quiet()).unwrap_err().to_string();
        assert!(error.starts_with("accumulate is 2, but the loss of `Both` is a sum of means over different positions"), "{error}");
    }

    /// 300 samples are two chunks, which have different shares of what counts.
    fn the_loss_of_an_evaluation_is_the_mean_of_what_counts(device) {
        let net = Words::new(device, 3).unwrap();
        let x: Vec<[[f32; 3]; 4]> = (0..300).map(|i| [[i as f32 * 0.01, 0.5, -1.0]; 4]).collect();
        let word: Vec<[u32; 4]> = (0..300).map(|i| if i < 256 { [1, 0, 0, 0] } else { [2, 1, 2, 1] }).collect();
        let report = net.evaluate(&WordsData::new(x, word).unwrap()).unwrap();
        assert!((report.loss - report.surprise).abs() < 1e-6, "{report:?}");
    }

    /// For those who write the loop themselves.
    fn one_batch_at_a_time(device) {
        let (net, data) = (Kinds::new(device, 3).unwrap(), data().with_sample_weights(&weights()).unwrap());
        assert_eq!(net.evaluate_batch(&data).unwrap(), net.evaluate(&data).unwrap());
        assert_eq!(net.forward(&data).unwrap(), net.predict(&inputs()).unwrap());
        assert!(net.evaluate_batch(&data.slice(..0)).is_err() && net.forward(&data.slice(..0)).unwrap().is_empty());
        // More than a chunk of `evaluate`, and more than training has had memory for.
        let many: Vec<[f32; 3]> = inputs().into_iter().cycle().take(700).collect();
        let many = KindsData::new(many, vec![1; 700]).unwrap();
        let (whole, chunks) = (net.evaluate_batch(&many).unwrap(), net.evaluate(&many).unwrap());
        assert!((whole.loss - chunks.loss).abs() < 1e-6 && (whole.accuracy - chunks.accuracy).abs() < 1e-6);
    }

    /// PyTorch's loss is not a number there, and neither are its weights afterwards.
    fn where_nothing_counts_nothing_is_lost_and_nothing_learned(device) {
        let mut net = Words::new(device, 3).unwrap();
        let before = net.parameter("logits.linear.weight").unwrap();
        let nothing = WordsData::new([[[0.5; 3]; 4]; 2], [[0; 4]; 2]).unwrap();
        let report = net.train_batch(&nothing).unwrap();
        assert_eq!((report.loss, report.surprise, report.accuracy), (0.0, 0.0, 0.0));
        assert_eq!(net.parameter("logits.linear.weight").unwrap(), before);
        let mut net = Kinds::new(device, 3).unwrap();
        let report = net.train_batch(&data().with_sample_weights(&[0.0; SAMPLES]).unwrap()).unwrap();
        assert_eq!((report.loss, report.weighted), (0.0, 0.0));
    }
}

/// Of four positions, two count.
fn words() -> WordsData {
    let x: Vec<[[f32; 3]; 4]> = inputs()[..60].iter().map(|x| [*x, [0.1; 3], *x, [0.7; 3]]).collect();
    let word: Vec<[u32; 4]> = (0..60).map(|i| [1 + i % 2, 0, 2, 0]).collect();
    WordsData::new(x, word).unwrap()
}

#[test]
fn mistakes_are_told() {
    let mut net = Kinds::new(&nn::Device::cpu(), 1).unwrap();
    let mut of = |fit: Fit<'_, KindsReport>| net.fit(&data(), fit.quiet()).unwrap_err().to_string();
    let error = of(Fit::default().sample_weights([1.0, 2.0]));
    assert!(error.contains("sample_weights has 2 numbers, but there are 61 samples: each needs one"), "{error}");
    let mut weights = vec![1.0; SAMPLES];
    weights[7] = -1.0;
    let error = of(Fit::default().sample_weights(weights.as_slice()));
    assert!(error.contains("sample_weights has -1 at 7, but a weight is at least 0 and finite"), "{error}");
    let error = of(Fit::default().class_weights([1.0, 2.0]));
    assert!(error.contains("class_weights has 2 numbers, but `kind` has 3 classes"), "{error}");
    let error = of(Fit::default().class_weights([1.0, f32::NAN, 1.0]));
    assert!(error.contains("class_weights has NaN at 1"), "{error}");
    let error = data().with_sample_weights(&[1.0]).unwrap_err().to_string();
    assert!(error.contains("sample_weights has 1 numbers, but there are 61 samples"), "{error}");
    let data = UnweightedData::new(inputs(), kinds(), kinds()).unwrap();
    let mut net = Unweighted::new(&nn::Device::cpu(), 1).unwrap();
    let error = net.fit(&data, Fit::default().class_weights([1.0; 3])).unwrap_err().to_string();
    assert!(error.contains("`Unweighted` has several"), "{error}");
}

#[test]
fn data_keeps_its_weights() {
    let data = data().with_sample_weights(&weights()).unwrap();
    let net = Kinds::new(&nn::Device::cpu(), 1).unwrap();
    let (first, rest) = data.split_at(20);
    let losses = [net.evaluate(&first), net.evaluate(&rest), net.evaluate(&data)].map(|report| report.unwrap().loss);
    assert!((losses[0] * 20.0 + losses[1] * 41.0 - losses[2] * 61.0).abs() < 1e-4);
    let stream = stream().with_sample_weights(&weights()).unwrap();
    assert_eq!(net.evaluate(&stream).unwrap(), net.evaluate(&data).unwrap());
    assert_eq!(net.evaluate(&stream.slice(20..)).unwrap(), net.evaluate(&rest).unwrap());
    let again = stream.slice(20..).with_sample_weights(&weights()[1..42]).unwrap();
    assert_ne!(net.evaluate(&again).unwrap(), net.evaluate(&rest).unwrap());
    assert_eq!(net.evaluate(&stream.read().unwrap()).unwrap(), net.evaluate(&data).unwrap());
}
