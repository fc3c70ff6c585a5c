//! Gradients by name, and with respect to inputs.

use nn_tests::networks::{Branches, Plain};
use nn_tests::{data, on_each_device};

on_each_device! {
    fn gradients_are_slopes_of_the_loss(device) {
        // Central differences of the loss itself, in f32: coarse, but nothing else is needed to believe them.
        let data = data::plain(12, 3).unwrap();
        let mut net = Plain::new(device, 6).unwrap();
        let gradients = net.gradients(&data).unwrap();
        for (name, at) in [("h.dense.weight", 7), ("h.dense.bias", 2), ("p.dense.weight", 11), ("p.dense.bias", 1)] {
            let value = net.parameter(name).unwrap();
            let mut loss_at = |offset: f32| {
                let mut moved = value.clone();
                moved[at] += offset;
                net.set_parameter(name, &moved).unwrap();
                let loss = net.evaluate(&data).unwrap().loss;
                net.set_parameter(name, &value).unwrap();
                loss
            };
            let slope = (loss_at(0.02) - loss_at(-0.02)) / 0.04;
            let gradient = f64::from(gradients.parameter(name).unwrap()[at]);
            assert!((slope - gradient).abs() < 2e-3 * gradient.abs().max(0.05), "{name}[{at}]: {slope} {gradient}");
        }
    }

    fn gradients_change_nothing(device) {
        let data = data::branches(12, 3).unwrap();
        let mut net = Branches::new(device, 6).unwrap();
        let bits = |net: &Branches| -> Vec<Vec<f32>> { net.parameters().map(|p| net.parameter(p.name).unwrap()).collect() };
        let before = bits(&net);
        let first = net.gradients(&data).unwrap();
        let second = net.gradients(&data).unwrap();
        assert_eq!(first.loss(), second.loss());
        assert_eq!(bits(&net), before);
        assert_eq!(net.steps(), 0);
        net.train_batch(&data).unwrap();
        assert_eq!(net.steps(), 1);
        assert_ne!(bits(&net), before);
    }

    fn inputs_have_gradients_and_targets_of_classes_have_none(device) {
        let data = data::branches(7, 3).unwrap();
        let net = Branches::new(device, 6).unwrap();
        let gradients = net.gradients(&data).unwrap();
        assert_eq!(gradients.input("left").unwrap().len(), 7 * 6);
        assert_eq!(gradients.input("right").unwrap().len(), 7 * 8);
        assert!(gradients.input("left").unwrap().iter().any(|g| *g != 0.0));
        assert!(gradients.input("label").is_err());
        assert!(gradients.input("nothing").is_err());
        assert!(gradients.parameter("nothing").is_err());
    }
}
