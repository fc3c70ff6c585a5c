//! Training: learning rates, options, two networks in turns, what is random and what is not.

use nn::Fit;
use nn_tests::networks::{Branches, Curve, CurveData, Digits, Inference, LossOnly, LossOnlyData, Plain, Softmax};
use nn_tests::{assert_close, data, on_each_device};

nn::network! {
    /// The loss does not know of `side`, nor of what a running mean is for.
    pub network Unreached {
        input  x: [6];
        target y: [2];
        hidden = x >> dense(8) >> tanh;
        side   = hidden >> dense(3) >> batch_norm(affine = false);
        fitted = hidden >> dense(2);
        output    prediction = fitted;
        output    aside = side;
        loss      mse(fitted, y);
        optimizer adamw(learning_rate = 0.1, weight_decay = 0.5);
    }
}

on_each_device! {
    fn what_the_loss_does_not_reach_does_not_decay(device) {
        let mut net = Unreached::new(device, 1).unwrap();
        let x: Vec<[f32; 6]> = (0..9).map(|i| [i as f32 / 9.0; 6]).collect();
        let data = UnreachedData::new(&x, vec![[0.3f32, -0.4]; 9]).unwrap();
        let before: Vec<Vec<f32>> = net.parameters().map(|p| net.parameter(p.name).unwrap()).collect();
        for _ in 0..3 {
            net.train_batch(&data).unwrap();
        }
        for (p, before) in net.parameters().zip(before) {
            // Running statistics follow the batches, whoever reads them.
            let stays = p.name.starts_with("side.dense");
            assert_eq!(net.parameter(p.name).unwrap() == before, stays, "{}", p.name);
        }
        assert_eq!(net.gradients(&data).unwrap().parameter("side.dense.weight").unwrap(), [0.0; 24]);
    }

    fn the_learning_rate_is_set_while_training_runs(device) {
        let all = data::plain(16, 1).unwrap();
        let data = CurveData::new(
            all.x().iter().map(|x| [x[0]]).collect::<Vec<_>>(),
            all.y().iter().map(|y| [y[0]]).collect::<Vec<_>>(),
        )
        .unwrap();
        let mut net = Curve::new(device, 1).unwrap();
        assert_eq!(net.learning_rate(), 0.1);
        let name = "a.dense.weight";
        let change = |net: &mut Curve, rate: f32| {
            let before = net.parameter(name).unwrap();
            let gradient = net.gradients(&data).unwrap().parameter(name).unwrap().to_vec();
            net.set_learning_rate(rate).unwrap();
            assert_eq!(net.learning_rate(), rate);
            net.train_batch(&data).unwrap();
            let after = net.parameter(name).unwrap();
            let expected: Vec<f32> = before.iter().zip(&gradient).map(|(b, g)| b - rate * g).collect();
            assert_close(&format!("a step of {rate}"), &after, &expected, 1e-6);
            assert_eq!(before == after, rate == 0.0);
        };
        for rate in [0.1, 0.0, 0.5, 0.01] {
            change(&mut net, rate);
        }
        for wrong in [f32::NAN, f32::INFINITY, -0.1] {
            assert!(net.set_learning_rate(wrong).is_err(), "{wrong}");
        }
        assert_eq!(net.learning_rate(), 0.01, "a refused rate changes nothing");
    }

    fn two_networks_train_in_turns(device) {
        let (digits, plain) = (data::digits(64, 1).unwrap(), data::plain(40, 2).unwrap());
        let alone = |steps: usize| {
            let mut a = Digits::new(device, 1).unwrap();
            let mut b = Plain::new(device, 2).unwrap();
            let a: Vec<f64> = (0..steps).map(|_| a.train_batch(&digits).unwrap().loss).collect();
            let b: Vec<f64> = (0..steps).map(|_| b.train_batch(&plain).unwrap().loss).collect();
            (a, b)
        };
        let (a_alone, b_alone) = alone(6);
        let mut a = Digits::new(device, 1).unwrap();
        let mut b = Plain::new(device, 2).unwrap();
        for step in 0..6 {
            assert_eq!(a.train_batch(&digits).unwrap().loss, a_alone[step]);
            assert_eq!(b.train_batch(&plain).unwrap().loss, b_alone[step]);
        }
    }

    fn training_learns(device) {
        let (train, test) = (data::digits(600, 1).unwrap(), data::digits(200, 2).unwrap());
        let mut net = Digits::new(device, 3).unwrap();
        let before = net.evaluate(&test).unwrap();
        assert!((before.loss - 10f64.ln()).abs() < 0.7, "ten classes, nothing known: {}", before.loss);
        let history = net.fit(&train, Fit::default().epochs(8).batch_size(32).validation_split(0.1).quiet()).unwrap();
        assert_eq!(history.epochs.len(), 8);
        assert_eq!(history.step_losses.len(), 8 * 540usize.div_ceil(32));
        assert!(history.epochs.iter().all(|e| e.validation.is_some()));
        let after = net.evaluate(&test).unwrap();
        assert!(after.accuracy > 0.9, "accuracy {}", after.accuracy);
        assert!(after.loss < 0.5 * before.loss, "loss {} to {}", before.loss, after.loss);
        // What the report says is what the predictions say.
        let images: Vec<[f32; 64]> = test.image().iter().map(|i| i[0].as_flattened().try_into().unwrap()).collect();
        let p = net.predict(&images).unwrap();
        let right = p.iter().zip(test.label()).filter(|(p, l)| argmax(&p[..]) == *l as usize).count();
        assert!((after.accuracy - right as f64 / 200.0).abs() < 1e-6, "{} {right}", after.accuracy);
        assert!(p.iter().all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-5), "probabilities sum to 1");
    }

    fn dropout_is_for_training_alone(device) {
        let all = data::branches(32, 1).unwrap();
        let mut net = Branches::new(device, 5).unwrap();
        let a = net.predict(all.left(), all.right()).unwrap();
        let b = net.predict(all.left(), all.right()).unwrap();
        assert_eq!(a.probability, b.probability);
        let evaluated = net.evaluate(&all).unwrap().loss;
        assert_eq!(evaluated, net.evaluate(&all).unwrap().loss);
        net.set_learning_rate(0.0).unwrap();
        let losses: Vec<f64> = (0..6).map(|_| net.train_batch(&all).unwrap().loss).collect();
        assert!(losses.windows(2).all(|w| w[0] != w[1]), "each step drops others: {losses:?}");
        assert!(losses.iter().all(|l| *l != evaluated), "{evaluated} {losses:?}");
    }

    fn options_without_sense_are_errors(device) {
        let data = data::plain(10, 1).unwrap();
        let mut net = Plain::new(device, 1).unwrap();
        let before = net.parameter("p.dense.weight").unwrap();
        assert!(net.fit(&data, Fit::default().batch_size(0).quiet()).is_err());
        assert!(net.fit(&data, Fit::default().validation_split(1.0).quiet()).is_err());
        assert!(net.fit(&data, Fit::default().validation_split(-0.5).quiet()).is_err());
        assert!(net.fit(&data, Fit::default().validation_split(f64::NAN).quiet()).is_err());
        let empty = data.slice(0..0);
        assert!(net.fit(&empty, Fit::default().quiet()).is_err());
        assert!(net.train_batch(&empty).is_err());
        assert!(net.evaluate(&empty).is_err());
        assert!(net.gradients(&empty).is_err());
        assert_eq!(net.parameter("p.dense.weight").unwrap(), before);
        assert!(net.parameter("p.dense.wait").is_err());
        assert!(net.set_parameter("p.dense.weight", &before[1..]).is_err());
        assert_eq!(net.parameter("p.dense.weight").unwrap(), before);
    }

    fn a_loss_without_an_optimizer_has_gradients(device) {
        let all = data::plain(9, 4).unwrap();
        let data = LossOnlyData::new(all.x(), all.y()).unwrap();
        let mut net = LossOnly::new(device, 1).unwrap();
        let gradients = net.gradients(&data).unwrap();
        let before = net.evaluate(&data).unwrap().loss;
        assert_close("the loss", &[gradients.loss()], &[before as f32], 1e-5);
        // One step of gradient descent by hand: the loss falls by rate * |gradient|², nearly.
        let names: Vec<&str> = net.parameters().map(|p| p.name).collect();
        let (rate, mut squares) = (1e-3, 0.0);
        for name in names {
            let gradient = gradients.parameter(name).unwrap();
            squares += gradient.iter().map(|g| f64::from(g * g)).sum::<f64>();
            let value = net.parameter(name).unwrap();
            let value: Vec<f32> = value.iter().zip(gradient).map(|(v, g)| v - rate * g).collect();
            net.set_parameter(name, &value).unwrap();
        }
        let fall = before - net.evaluate(&data).unwrap().loss;
        let expected = f64::from(rate) * squares;
        assert!((fall - expected).abs() < 0.05 * expected, "{fall} {expected}");
    }

    fn a_network_for_inference_only_predicts(device) {
        let net = Inference::new(device, 1).unwrap();
        let x = data::plain(7, 4).unwrap();
        let p: Vec<[f32; 3]> = net.predict(x.x()).unwrap();
        let (w, b) = (net.parameter("hidden.dense.weight").unwrap(), net.parameter("hidden.dense.bias").unwrap());
        let (v, c) = (net.parameter("p.dense.weight").unwrap(), net.parameter("p.dense.bias").unwrap());
        for (x, p) in x.x().iter().zip(&p) {
            let h: Vec<f32> = (0..4).map(|j| (0..5).map(|i| w[j * 5 + i] * x[i]).sum::<f32>() + b[j]).collect();
            let expected: Vec<f32> =
                (0..3).map(|k| (0..4).map(|j| v[k * 4 + j] * h[j].max(0.0)).sum::<f32>() + c[k]).collect();
            assert_close("by hand", p, &expected, 1e-5);
        }
    }

    fn classes_out_of_range_are_refused(device) {
        use nn_tests::networks::SoftmaxData;
        let x = [[0.5f32; 12]; 3];
        let error = SoftmaxData::new(x, [0u32, 4, 5]).unwrap_err().to_string();
        assert!(error.contains("label") && error.contains('5'), "{error}");
        assert!(SoftmaxData::new(x, [0u32, 4]).is_err(), "numbers of samples differ");
        let data = SoftmaxData::new(x, [0u32, 4, 3]).unwrap();
        assert!(Softmax::new(device, 1).unwrap().evaluate(&data).unwrap().loss.is_finite());
    }
}

fn argmax(p: &[f32]) -> usize {
    (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0)
}
