//! CPU and GPU compute the same.

use nn::{Device, Fit};
use nn_tests::networks::{Branches, Digits};
use nn_tests::{assert_close, data, gpu};

/// The first 100 losses of a training run.
fn losses(device: &Device) -> Vec<f32> {
    let mut net = Digits::new(device, 11).unwrap();
    let options = Fit::default().epochs(5).batch_size(32).quiet();
    let mut losses = net.fit(&data::digits(640, 4).unwrap(), options).unwrap().step_losses;
    losses.truncate(100);
    losses
}

#[test]
fn a_hundred_losses_agree() {
    let Some(gpu) = gpu() else { return };
    let (a, b) = (losses(&Device::cpu()), losses(gpu));
    assert_eq!(a.len(), 100);
    for (step, (a, b)) in a.iter().zip(&b).enumerate() {
        assert!((a - b).abs() <= 1e-5 * a.abs(), "step {step}: {a} on the CPU, {b} on the GPU");
    }
}

#[test]
fn random_numbers_are_the_same_integers() {
    let Some(gpu) = gpu() else { return };
    let all = data::branches(40, 1).unwrap();
    let (mut a, mut b) = (Branches::new(&Device::cpu(), 5).unwrap(), Branches::new(gpu, 5).unwrap());
    for p in a.parameters() {
        assert_eq!(a.parameter(p.name).unwrap(), b.parameter(p.name).unwrap(), "{}: how it starts", p.name);
    }
    // Dropout: one other decision would change a loss by far more than rounding does.
    for step in 0..20 {
        let (a, b) = (a.train_batch(&all).unwrap(), b.train_batch(&all).unwrap());
        assert_close(&format!("step {step}"), &[b.loss as f32], &[a.loss as f32], 1e-5);
    }
}
