//! Steps with gradients that are infinite or NaN change nothing, where an optimizer is asked for that.

use nn_tests::on_each_device;

nn::network! {
    pub network Skips {
        input  x: [4];
        target y: [1];
        p = x >> dense(16) >> tanh >> dense(1);
        output prediction = p;
        loss   mse(p, y);
        optimizer adam(learning_rate = 1e-2, skip_non_finite = true);
    }
}

nn::network! {
    pub network Clipped {
        input  x: [4];
        target y: [1];
        p = x >> dense(16) >> tanh >> dense(1);
        output prediction = p;
        loss   mse(p, y);
        optimizer sgd(learning_rate = 1e-1, momentum = 0.9, clip_norm = 1.0, skip_non_finite = true);
    }
}

nn::network! {
    pub network Breaks {
        input  x: [4];
        target y: [1];
        p = x >> dense(16) >> tanh >> dense(1);
        output prediction = p;
        loss   mse(p, y);
        optimizer adam(learning_rate = 1e-2);
    }
}

const X: [[f32; 4]; 4] = [[1.0, 0.5, -1.0, 0.2], [0.1, -0.7, 0.3, 0.9], [-0.4, 0.8, 0.6, -0.2], [0.3, 0.3, -0.9, 0.5]];

macro_rules! step {
    ($net:expr, $data:ident, $y:expr) => {
        $net.train_batch(&$data::new(&X, &[[1.0f32], [-0.5], [$y], [0.3]]).unwrap()).unwrap()
    };
}

macro_rules! weights {
    ($net:expr) => {
        $net.parameters().flat_map(|p| $net.parameter(p.name).unwrap()).collect::<Vec<f32>>()
    };
}

on_each_device! {
    fn a_bad_step_is_as_if_it_had_not_been(device) {
        for bad in [f32::INFINITY, f32::NAN] {
            let mut net = Skips::new(device, 1).unwrap();
            let mut twin = Skips::new(device, 1).unwrap();
            for _ in 0..3 {
                step!(net, SkipsData, 0.7);
                step!(twin, SkipsData, 0.7);
            }
            let before = weights!(net);
            let loss = step!(net, SkipsData, bad).loss;
            assert!(!loss.is_finite(), "{loss}");
            assert_eq!(weights!(net), before, "nothing changes");
            for _ in 0..3 {
                step!(net, SkipsData, 0.7);
                step!(twin, SkipsData, 0.7);
            }
            assert_eq!(weights!(net), weights!(twin), "Adam counts the steps that were done");
        }
    }

    fn who_watches_hears_of_it(device) {
        let mut net = Skips::new(device, 1).unwrap();
        let mut y = [[1.0f32], [-0.5], [0.7], [0.3]].repeat(10);
        (y[17][0], y[30][0]) = (f32::INFINITY, f32::NAN);
        let data = SkipsData::new(X.repeat(10), &y).unwrap();
        let mut heard = vec![];
        let fit = nn::Fit::default().batch_size(4).shuffle(false).quiet().on_non_finite(nn::OnNonFinite::Skip);
        let fit = fit.on_train_end(|event, _| heard.push(event.skipped));
        let history = net.fit(&data, fit.on_epoch(|epoch, _| assert_eq!(epoch.skipped, 2))).unwrap();
        // The device has left them out by itself, and nothing had to be searched for.
        assert_eq!((heard, history.left_out.len(), history.stopped), (vec![2], 0, None));
        let epoch = &history.epochs[0];
        assert!(epoch.train.loss.is_finite() && epoch.to_string().ends_with("; 2 skipped"), "{epoch}");
        assert!(weights!(net).iter().all(|w| w.is_finite()));
    }

    fn clipping_and_momentum_do_not_see_it(device) {
        let mut net = Clipped::new(device, 1).unwrap();
        let mut twin = Clipped::new(device, 1).unwrap();
        step!(net, ClippedData, 0.7);
        step!(twin, ClippedData, 0.7);
        step!(net, ClippedData, f32::INFINITY);
        step!(net, ClippedData, 0.7);
        step!(twin, ClippedData, 0.7);
        assert_eq!(weights!(net), weights!(twin));
    }

    fn without_the_option_weights_are_lost(device) {
        let mut net = Breaks::new(device, 1).unwrap();
        step!(net, BreaksData, f32::INFINITY);
        assert!(weights!(net).iter().any(|w| !w.is_finite()));
    }
}
