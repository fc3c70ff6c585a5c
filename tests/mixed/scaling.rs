//! The scale of the loss: what it is for, how it changes, and that it is kept.

use nn_tests::on_each_device;

nn::network! {
    pub network Scaled {
        input  x: [8];
        target y: [1];
        hidden = x >> dense(64) >> tanh;
        more = hidden >> dense(64) >> tanh;
        p = more >> dense(1);
        output prediction = p;
        loss   1e-7 * mse(p, y);
        optimizer adam(learning_rate = 1e-2, eps = 1e-20);
        precision mixed;
    }
}

nn::network! {
    pub network Unscaled {
        input  x: [8];
        target y: [1];
        hidden = x >> dense(64) >> tanh;
        more = hidden >> dense(64) >> tanh;
        p = more >> dense(1);
        output prediction = p;
        loss   1e-7 * mse(p, y);
        optimizer adam(learning_rate = 1e-2, eps = 1e-20);
        precision mixed(loss_scale = 1.0, dynamic = false);
    }
}

nn::network! {
    pub network TooLarge {
        input  x: [8];
        target y: [1];
        hidden = x >> dense(64) >> tanh;
        more = hidden >> dense(64) >> tanh;
        p = more >> dense(1);
        output prediction = p;
        loss   1e-7 * mse(p, y);
        optimizer adam(learning_rate = 1e-2, eps = 1e-20);
        precision mixed(loss_scale = 1e30, growth_interval = 5);
    }
}

nn::network! {
    pub network Growing {
        input  x: [8];
        target y: [1];
        hidden = x >> dense(64) >> tanh;
        more = hidden >> dense(64) >> tanh;
        p = more >> dense(1);
        output prediction = p;
        loss   1e-7 * mse(p, y);
        optimizer adam(learning_rate = 1e-2, eps = 1e-20);
        precision mixed(loss_scale = 1.0, growth_factor = 4.0, growth_interval = 2);
    }
}

fn samples() -> (Vec<[f32; 8]>, Vec<[f32; 1]>) {
    let mut noise = nn_tests::Noise::new(5);
    let x: Vec<[f32; 8]> = (0..64).map(|_| std::array::from_fn(|_| noise.next())).collect();
    let y = x.iter().map(|x| [x[0] * x[1] + x[2]]).collect();
    (x, y)
}

/// The losses of some steps.
macro_rules! losses {
    ($net:expr, $data:ident, $steps:expr) => {{
        let (x, y) = samples();
        let data = $data::new(&x, &y).unwrap();
        (0..$steps).map(|_| $net.train_batch(&data).unwrap().loss).collect::<Vec<f64>>()
    }};
}

on_each_device! {
    fn tiny_gradients_need_it(device) {
        let mut scaled = Scaled::new(device, 1).unwrap();
        let losses = losses!(scaled, ScaledData, 60);
        assert!(losses[59] < 0.3 * losses[0], "with a scale: {losses:?}");
        let mut unscaled = Unscaled::new(device, 1).unwrap();
        let before = unscaled.parameter("hidden.dense.weight").unwrap();
        let losses = losses!(unscaled, UnscaledData, 60);
        assert!(losses[59] > 0.9 * losses[0], "without one: {losses:?}");
        assert_eq!(unscaled.parameter("hidden.dense.weight").unwrap(), before, "its gradients are rounded to 0");
    }

    fn a_scale_that_is_too_large_shrinks_until_gradients_are_finite(device) {
        let mut net = TooLarge::new(device, 1).unwrap();
        let before = net.parameter("p.dense.weight").unwrap();
        let losses = losses!(net, TooLargeData, 20);
        assert!(losses.iter().all(|loss| *loss == losses[0]), "steps are skipped: {losses:?}");
        assert_eq!(net.parameter("p.dense.weight").unwrap(), before);
        let losses = losses!(net, TooLargeData, 150);
        assert!(losses[149] < 0.3 * losses[0], "{losses:?}");
    }

    fn a_scale_that_is_too_small_grows(device) {
        let mut net = Growing::new(device, 1).unwrap();
        let losses = losses!(net, GrowingData, 160);
        assert!(losses[159] < 0.3 * losses[0], "{losses:?}");
    }

    fn a_checkpoint_has_it(device) {
        let file = std::env::temp_dir().join(format!("nn-mixed-{}-{}.safetensors", std::process::id(), device.is_gpu()));
        let mut net = Growing::new(device, 1).unwrap();
        let _ = losses!(net, GrowingData, 7);
        net.save_checkpoint(&file).unwrap();
        let rest = losses!(net, GrowingData, 8);
        let mut other = Growing::new(device, 2).unwrap();
        other.load_checkpoint(&file).unwrap();
        assert_eq!(losses!(other, GrowingData, 8), rest);
        // Weights alone start training over, with the scale that is declared.
        net.save(&file).unwrap();
        let names = net.parameters().map(|p| p.name).collect::<Vec<_>>();
        assert!(names.iter().all(|name| !name.contains("scale")), "{names:?}");
        let mut fresh = Growing::new(device, 3).unwrap();
        let _ = losses!(fresh, GrowingData, 3);
        fresh.load(&file).unwrap();
        other.load(&file).unwrap();
        assert_eq!(losses!(fresh, GrowingData, 3), losses!(other, GrowingData, 3));
        std::fs::remove_file(&file).unwrap();
    }
}
