//! Random numbers in loops, and the same bits from the same seed.

use nn_tests::{Noise, on_each_device};

nn::network! {
    /// Each step drops anew, and `before` says what it kept.
    network Dropping {
        input  x: [16, 8];
        target y: [8];
        scan kept(x_t in x, h = zeros(8)) {
            seen = x_t >> dropout(0.5);
            h = h + seen;
            seen
        }
        output    values = kept;
        metric    varies = mean(square(kept - (kept >> first)));
        loss      mse(kept.h >> dense(8), y);
        optimizer sgd(learning_rate = 0.1);
    }
    network Deep {
        input  x: [9, 5];
        target y: [3];
        h = x >> lstm(7, layers = 2, bidirectional = true, dropout = 0.3);
        output    values = h >> last >> dense(3);
        loss      mse(values, y);
        optimizer adam(learning_rate = 0.01);
    }
}

on_each_device! {
    fn dropout_is_another_one_at_each_step_and_none_in_prediction(device) {
        let x = vec![[[1.0; 8]; 16]; 3];
        let mut net = Dropping::new(device, 5).unwrap();
        assert_eq!(net.predict(&x).unwrap(), x, "nothing is dropped");
        let data = DroppingData::new(&x, [[0.0; 8]; 3]).unwrap();
        assert_eq!(net.evaluate(&data).unwrap().varies, 0.0);
        let report = net.train_batch(&data).unwrap();
        // Each number is 0 or 2: two of them differ by 2 in half of the cases, but the first step's do not from themselves.
        let expected = 2.0 * 15.0 / 16.0;
        assert!((report.varies - expected).abs() < 0.4, "{}", report.varies);
    }

    fn the_same_seed_gives_the_same_bits(device) {
        let mut noise = Noise::new(8);
        let x: Vec<[[f32; 5]; 9]> = (0..50).map(|_| std::array::from_fn(|_| noise.array())).collect();
        let y: Vec<[f32; 3]> = (0..50).map(|_| noise.array()).collect();
        let data = DeepData::new(x, y).unwrap();
        let run = |seed| {
            let mut net = Deep::new(device, seed).unwrap();
            let history = net.fit(&data, nn::Fit::default().epochs(3).batch_size(16).quiet()).unwrap();
            (history.step_losses, net.parameter("h.lstm.weight_hh_l1_reverse").unwrap())
        };
        let (first, again, other) = (run(1), run(1), run(2));
        assert_eq!(first, again);
        assert_ne!(first, other);
    }
}
