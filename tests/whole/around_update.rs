//! What a training step does around the optimizer: gradients of several batches make one update, frozen parameters stay, averages are
//! kept.

use nn::Fit;
use nn_tests::{Noise, assert_close, on_each_device};

nn::network! {
    /// Small enough for one workgroup, if nothing comes between its kernels.
    pub network Layers {
        input  x: [5];
        target y: [3];
        a = x >> dense(8) >> tanh;
        b = a >> dense(3);
        output    p = b;
        loss      mse(b, y);
        optimizer sgd(learning_rate = 0.1, momentum = 0.5, clip_norm = 0.05);
    }

    pub network Bounded {
        input  x: [5];
        target y: [3];
        a = x >> dense(8) >> tanh;
        b = a >> dense(3);
        output    p = b;
        loss      mse(b, y);
        optimizer adamw(learning_rate = 0.02, clip_norm = 0.3, groups = [group("*.bias", weight_decay = 0.0)]);
    }

    pub network Normed {
        input  x: [5];
        target y: [3];
        a = x >> dense(8) >> batch_norm >> relu;
        b = a >> dense(3);
        output    p = b;
        loss      mse(b, y);
        optimizer adam(learning_rate = 0.02, weight_decay = 0.1);
    }
}

nn::network! {
    pub network Averaged {
        input  x: [5];
        target y: [3];
        a = x >> dense(8, constraint = max_norm(0.7)) >> batch_norm >> tanh;
        b = a >> dense(3, regularizer = l2(1e-3));
        output    p = b;
        loss      mse(b, y);
        optimizer adam(learning_rate = 0.02, ema = 0.9);
    }
}

/// The same network with three or four vectors of an optimizer's state, of which a GPU's kernel can bind three.
macro_rules! heavy {
    ($($name:ident $optimizer:ident($($option:tt)*);)*) => {$(
        nn::network! {
            pub network $name {
                input  x: [5];
                target y: [3];
                a = x >> dense(8, bias = false, constraint = max_norm(0.7)) >> batch_norm >> tanh;
                b = a >> dense(3);
                output    p = b;
                loss      mse(b, y);
                optimizer $optimizer(learning_rate = 0.02, $($option)*);
            }
        }
    )*};
}

heavy! {
    Ams adam(amsgrad = true);
    AmsAveraged adam(amsgrad = true, ema = 0.9);
    Centered rmsprop(centered = true, momentum = 0.5);
    CenteredAveraged rmsprop(centered = true, momentum = 0.5, ema = 0.9);
}

const SAMPLES: usize = 22;

fn samples() -> (Vec<[f32; 5]>, Vec<[f32; 3]>) {
    let mut noise = Noise::new(7);
    (0..SAMPLES).map(|_| (std::array::from_fn(|_| noise.next()), std::array::from_fn(|_| noise.next()))).unzip()
}

/// All parameters of a network, by name.
macro_rules! parameters {
    ($net:expr) => {
        $net.parameters().map(|p| (p.name, $net.parameter(p.name).unwrap())).collect::<Vec<_>>()
    };
}

on_each_device! {
    fn accumulated_gradients_are_those_of_one_batch(device) {
        let (x, y) = samples();
        let data = BoundedData::new(&x, &y).unwrap();
        let mut whole = Bounded::new(device, 3).unwrap();
        let mut parts = Bounded::new(device, 3).unwrap();
        // Batches of 4, 4, 4; 4, 4, 2: two updates an epoch.
        let fit = || Fit::default().epochs(3).shuffle(false).quiet();
        parts.fit(&data, fit().batch_size(4).accumulate(3)).unwrap();
        for _ in 0..3 {
            for range in [0..12, 12..SAMPLES] {
                let part = BoundedData::new(&x[range.clone()], &y[range]).unwrap();
                whole.train_batch(&part).unwrap();
            }
        }
        assert_eq!((parts.steps(), parts.updates()), (18, 6));
        assert_eq!((whole.steps(), whole.updates()), (6, 6));
        for ((name, whole), (_, parts)) in parameters!(whole).iter().zip(&parameters!(parts)) {
            assert_close(name, parts, whole, 1e-5);
        }
        // An update of one batch is a step.
        let (mut one, mut plain) = (Bounded::new(device, 3).unwrap(), Bounded::new(device, 3).unwrap());
        one.fit(&data, fit().batch_size(4).accumulate(1)).unwrap();
        plain.fit(&data, fit().batch_size(4)).unwrap();
        assert_eq!(parameters!(one), parameters!(plain));
        assert!(one.fit(&data, fit().accumulate(0)).unwrap_err().to_string().contains("accumulate is 0"));
    }

    fn running_statistics_follow_every_batch(device) {
        let (x, y) = samples();
        let data = NormedData::new(&x, &y).unwrap();
        let mut net = Normed::new(device, 3).unwrap();
        net.set_learning_rate(0.0).unwrap();
        let mut same = Normed::new(device, 3).unwrap();
        same.set_learning_rate(0.0).unwrap();
        let fit = || Fit::default().batch_size(4).shuffle(false).quiet();
        net.fit(&data, fit().accumulate(4)).unwrap();
        same.fit(&data, fit()).unwrap();
        assert_eq!(net.updates(), 2);
        for name in ["a.batch_norm.running_mean", "a.batch_norm.running_var"] {
            assert_close(name, &net.parameter(name).unwrap(), &same.parameter(name).unwrap(), 1e-6);
        }
    }

    fn frozen_parameters_keep_their_bits(device) {
        let (x, y) = samples();
        let data = NormedData::new(&x, &y).unwrap();
        let mut net = Normed::new(device, 3).unwrap();
        let fit = || Fit::default().epochs(2).batch_size(4).quiet();
        net.fit(&data, fit()).unwrap();
        net.freeze("a.*").unwrap();
        assert_eq!(net.frozen().len(), 6, "{:?}", net.frozen());
        let before = parameters!(net);
        net.fit(&data, fit().accumulate(2)).unwrap();
        net.train_batch(&data).unwrap();
        for ((name, before), (_, after)) in before.iter().zip(&parameters!(net)) {
            assert_eq!(before == after, name.starts_with("a."), "{name}");
        }
        net.unfreeze("*.weight").unwrap();
        net.unfreeze("*.running_*").unwrap();
        let before = parameters!(net);
        net.fit(&data, fit()).unwrap();
        for ((name, before), (_, after)) in before.iter().zip(&parameters!(net)) {
            assert_eq!(before == after, ["a.dense.bias", "a.batch_norm.bias"].contains(name), "{name}");
        }
        let error = net.freeze("stem.*").unwrap_err().to_string();
        assert!(error.contains("no parameter of `Normed` has the name `stem.*`") && error.contains("`a.dense.weight`"));
    }

    fn what_the_optimizer_knows_of_frozen_parameters_stays(device) {
        let (x, y) = samples();
        let data = LayersData::new(&x, &y).unwrap();
        let mut net = Layers::new(device, 3).unwrap();
        let name = "a.dense.weight";
        let others = |net: &Layers| ["b.dense.weight", "b.dense.bias"].map(|name| net.parameter(name).unwrap()).concat();
        let norm = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let (start, start_of_others) = (net.parameter(name).unwrap(), others(&net));
        net.train_batch(&data).unwrap();
        // The first step's momentum is the clipped gradient.
        let (first, before) = (net.parameter(name).unwrap(), others(&net));
        let momentum = |start: &[f32], first: &[f32]| -> Vec<f32> {
            start.iter().zip(first).map(|(before, after)| (before - after) / 0.1).collect()
        };
        net.freeze("a.*").unwrap();
        let gradients = net.gradients(&data).unwrap();
        let gradient = ["b.dense.weight", "b.dense.bias"].map(|name| gradients.parameter(name).unwrap()).concat();
        net.train_batch(&data).unwrap();
        assert_eq!(net.parameter(name).unwrap(), first);
        // To the norm of all gradients, frozen parameters have none.
        let factor = (0.05 / norm(&gradient)) as f32;
        assert!(factor < 1.0);
        let momentum_of_others = momentum(&start_of_others, &before);
        let expected: Vec<f32> = (before.iter().zip(&momentum_of_others).zip(&gradient))
            .map(|((w, m), g)| w - 0.1 * (0.5 * m + factor * g))
            .collect();
        assert_close("others", &others(&net), &expected, 1e-5);
        net.unfreeze("*").unwrap();
        let all = net.parameters().map(|p| p.name);
        let gradients = net.gradients(&data).unwrap();
        let gradient = |name: &str| gradients.parameter(name).unwrap().to_vec();
        let factor = (0.05 / norm(&all.flat_map(gradient).collect::<Vec<f32>>())).min(1.0) as f32;
        net.train_batch(&data).unwrap();
        let expected: Vec<f32> = (first.iter().zip(&momentum(&start, &first)).zip(gradient(name)))
            .map(|((w, m), g)| w - 0.1 * (0.5 * m + factor * g))
            .collect();
        assert_close(name, &net.parameter(name).unwrap(), &expected, 1e-5);
    }

    fn what_is_frozen_is_neither_constrained_nor_decays_and_a_resumed_run_knows_it(device) {
        let (x, y) = samples();
        let data = AveragedData::new(&x, &y).unwrap();
        let mut net = Averaged::new(device, 3).unwrap();
        // Far beyond its bound.
        net.set_parameter("a.dense.weight", &[2.0; 40]).unwrap();
        net.freeze("a.dense.weight").unwrap();
        net.fit(&data, Fit::default().epochs(2).batch_size(4).accumulate(2).quiet()).unwrap();
        assert_eq!(net.parameter("a.dense.weight").unwrap(), [2.0; 40]);
        net.unfreeze("*").unwrap();
        net.train_batch(&data).unwrap();
        assert!(net.parameter("a.dense.weight").unwrap().iter().all(|w| *w < 0.7));

        // Decoupled decay, groups, a bound for the norm; in the middle of an epoch.
        let data = BoundedData::new(&x, &y).unwrap();
        let fit = || Fit::default().epochs(4).batch_size(4).quiet();
        let new = |seed| {
            let mut net = Bounded::new(device, seed).unwrap();
            net.freeze("a.*").unwrap();
            net.freeze("b.dense.bias").unwrap();
            net
        };
        let (mut whole, mut begun) = (new(3), new(3));
        let first = parameters!(whole);
        whole.fit(&data, fit()).unwrap();
        for ((name, before), (_, after)) in first.iter().zip(&parameters!(whole)) {
            assert_eq!(before == after, *name != "b.dense.weight", "{name}");
        }
        begun.fit(&data, fit().on_batch_end(|batch, control| control.stop = batch.epoch == 2 && batch.number == 3)).unwrap();
        let path = std::env::temp_dir().join(format!("nn_frozen_{}_{device:?}.safetensors", std::process::id()).replace(' ', "_"));
        begun.save_checkpoint(&path).unwrap();
        let mut other = Bounded::new(device, 9).unwrap();
        other.resume(&data, &path, fit()).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((parameters!(other), other.frozen()), (parameters!(whole), whole.frozen()));
    }

    fn rules_of_three_states_have_an_average(device) {
        let (x, y) = samples();
        macro_rules! check {
            ($plain:ident, $plain_data:ident, $averaged:ident, $data:ident) => {
                let (plain_data, data) = ($plain_data::new(&x, &y).unwrap(), $data::new(&x, &y).unwrap());
                let (mut plain, mut net) = ($plain::new(device, 3).unwrap(), $averaged::new(device, 3).unwrap());
                let mut expected: Vec<(&str, Vec<f32>)> = vec![];
                for step in 0..6 {
                    plain.train_batch(&plain_data).unwrap();
                    net.train_batch(&data).unwrap();
                    let now = parameters!(net);
                    // Whoever is averaged trains the same, inside one workgroup or not.
                    for ((name, plain), (_, now)) in parameters!(plain).iter().zip(&now) {
                        assert_close(name, plain, now, 1e-5);
                    }
                    expected = match step {
                        0 => now,
                        _ => expected.into_iter().zip(now).map(|((name, average), (_, new))| {
                            let kept = name.contains("running");
                            let of = |(average, new): (&f32, f32)| if kept { new } else { average + 0.1 * (new - average) };
                            let values = average.iter().zip(new).map(of).collect();
                            (name, values)
                        }).collect(),
                    };
                }
                let averaged = net.with_ema(|net| Ok(parameters!(net))).unwrap();
                for ((name, average), (_, expected)) in averaged.iter().zip(&expected) {
                    assert_close(name, average, expected, 1e-6);
                }
                // It is saved and goes on, bit for bit, and stays where it is frozen.
                let path = std::env::temp_dir().join(format!("nn_heavy_{}_{}_{device:?}.safetensors", stringify!($averaged), std::process::id()).replace(' ', "_"));
                net.save_checkpoint(&path).unwrap();
                let mut other = $averaged::new(device, 9).unwrap();
                other.load_checkpoint(&path).unwrap();
                std::fs::remove_file(&path).unwrap();
                for net in [&mut net, &mut other] {
                    net.freeze("b.*").unwrap();
                    net.fit(&data, Fit::default().epochs(2).batch_size(5).on_non_finite(nn::OnNonFinite::Stop).quiet()).unwrap();
                }
                assert_eq!(parameters!(net), parameters!(other));
                let last = net.with_ema(|net| Ok(parameters!(net))).unwrap();
                assert_eq!(last, other.with_ema(|net| Ok(parameters!(net))).unwrap());
                for ((name, last), (_, before)) in last.iter().zip(&averaged) {
                    assert_eq!(name.starts_with("b."), last == before, "{name}");
                }
            };
        }
        check!(Ams, AmsData, AmsAveraged, AmsAveragedData);
        check!(Centered, CenteredData, CenteredAveraged, CenteredAveragedData);
    }

    fn all_that_a_run_knows_goes_on_with_it(device) {
        let (x, y) = samples();
        let data = AveragedData::new(&x, &y).unwrap();
        let loss = |report: &AveragedReport| report.loss;
        let fit = || {
            let curve = nn::LearningRate::exponential(0.1, 0.9).warm_up(2);
            let stopping = nn::EarlyStopping::on(loss).patience(3).restore_best();
            let plateau = nn::ReduceOnPlateau::on(loss).patience(0).factor(0.5).threshold(0.05);
            let fit = Fit::default().epochs(6).batch_size(2).accumulate(3).validation_split(0.3).quiet();
            fit.learning_rate(curve).reduce_on_plateau(plateau).early_stopping(stopping)
        };
        let new = |seed| {
            let mut net = Averaged::new(device, seed).unwrap();
            net.freeze("b.dense.bias").unwrap();
            net
        };
        let average = |net: &mut Averaged| net.with_ema(|net| Ok(parameters!(net))).unwrap();
        let mut whole = new(3);
        let history = whole.fit(&data, fit()).unwrap();
        let rates: Vec<f32> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
        let folder = std::env::temp_dir().join(format!("nn_all_{}_{device:?}", std::process::id()).replace(' ', "_"));
        for stop in [1, 3, 4, 7, 10] {
            let _ = std::fs::remove_dir_all(&folder);
            let checkpoints = || nn::Checkpoints::to(&folder).every_steps(3).best(loss);
            let mut left = stop;
            let stopping = |_: &nn::Batch<'_, AveragedReport>, control: &mut nn::Control| {
                left -= 1;
                control.stop = left == 0;
            };
            let mut first = new(3).fit(&data, fit().checkpoints(checkpoints()).on_batch_end(stopping)).unwrap().epochs;
            let mut resumed = Averaged::new(device, 99).unwrap();
            let rest = resumed.resume(&data, &folder, fit().checkpoints(checkpoints())).unwrap();
            first.extend(rest.epochs);
            assert_eq!(first.iter().map(|epoch| epoch.learning_rate).collect::<Vec<_>>(), rates, "after {stop} batches");
            assert_eq!(parameters!(resumed), parameters!(whole), "after {stop} batches");
            assert_eq!(average(&mut resumed), average(&mut whole), "after {stop} batches");
            assert_eq!((rest.stopped, resumed.steps()), (history.stopped.clone(), whole.steps()));
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    fn averages_are_looked_at_and_training_goes_on(device) {
        let (x, y) = samples();
        let data = AveragedData::new(&x, &y).unwrap();
        let fit = || Fit::default().epochs(3).batch_size(4).quiet();
        let mut net = Averaged::new(device, 3).unwrap();
        net.freeze("b.*").unwrap();
        net.fit(&data, fit()).unwrap();
        let before = parameters!(net);
        let (averaged, loss) = net.with_ema(|net| Ok((parameters!(net), net.evaluate(&data)?.loss))).unwrap();
        assert_eq!(parameters!(net), before);
        assert_ne!(loss, net.evaluate(&data).unwrap().loss);
        for ((name, current), (_, average)) in before.iter().zip(&averaged) {
            // What is frozen is its own average, and buffers have none.
            let same = name.starts_with("b.") || name.contains("running");
            assert_eq!(current == average, same, "{name}");
        }
        // Nobody would know that somebody has looked.
        let mut other = Averaged::new(device, 3).unwrap();
        other.freeze("b.*").unwrap();
        other.fit(&data, fit()).unwrap();
        net.fit(&data, fit()).unwrap();
        other.fit(&data, fit()).unwrap();
        assert_eq!(parameters!(net), parameters!(other));
        assert_eq!(net.with_ema(|net| Ok(parameters!(net))).unwrap(), other.with_ema(|net| Ok(parameters!(net))).unwrap());
        // Weights that are loaded are the first average.
        let path = std::env::temp_dir().join(format!("nn_average_{}_{device:?}.safetensors", std::process::id()).replace(' ', "_"));
        net.with_ema(|net| net.save(&path)).unwrap();
        let averaged = net.with_ema(|net| Ok(parameters!(net))).unwrap();
        net.load(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(parameters!(net), averaged);
        assert_eq!(net.with_ema(|net| Ok(parameters!(net))).unwrap(), averaged);
        // Each row's norm is within its bound.
        for row in net.parameter("a.dense.weight").unwrap().chunks(5) {
            assert!(row.iter().map(|w| w * w).sum::<f32>().sqrt() < 0.7001);
        }
    }
}
