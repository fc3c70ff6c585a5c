//! The same seed gives the same bits, whatever the number of threads.

use nn::{Device, Fit};
use nn_tests::networks::{Branches, Cnn, Digits};
use nn_tests::{data, gpu, on_each_device};

/// Everything that a run leaves behind, as bits.
fn run(device: &Device, seed: u64) -> Vec<u32> {
    let mut net = Branches::new(device, seed).unwrap();
    let options = Fit::default().epochs(3).batch_size(9).validation_split(0.2).quiet();
    let history = net.fit(&data::branches(50, 1).unwrap(), options).unwrap();
    let mut bits: Vec<u32> = history.step_losses.iter().map(|l| l.to_bits()).collect();
    for p in net.parameters() {
        bits.extend(net.parameter(p.name).unwrap().iter().map(|v| v.to_bits()));
    }
    bits
}

/// As [`run`], with batches large enough to be worth several threads.
fn run_large(device: &Device) -> Vec<u32> {
    let mut net = Digits::new(device, 1).unwrap();
    let options = Fit::default().epochs(1).batch_size(1500).quiet();
    let train = data::digits(3000, 1).unwrap();
    let history = net.fit(&train, options).unwrap();
    let mut bits: Vec<u32> = history.step_losses.iter().map(|l| l.to_bits()).collect();
    bits.extend(net.parameter("hidden.dense.weight").unwrap().iter().map(|v| v.to_bits()));
    let p = net.predict(train.image()).unwrap();
    bits.extend(p.as_flattened().iter().map(|v| v.to_bits()));
    bits
}

/// As [`run`], with convolutions and batch norms.
fn run_images(device: &Device) -> Vec<u32> {
    let mut net = Cnn::new(device, 1).unwrap();
    let options = Fit::default().epochs(1).batch_size(100).quiet();
    let train = data::cnn(250, 1).unwrap();
    let history = net.fit(&train, options).unwrap();
    let mut bits: Vec<u32> = history.step_losses.iter().map(|l| l.to_bits()).collect();
    for p in net.parameters() {
        bits.extend(net.parameter(p.name).unwrap().iter().map(|v| v.to_bits()));
    }
    let gradients = net.gradients(&train).unwrap();
    bits.extend(gradients.input("image").unwrap().iter().map(|v| v.to_bits()));
    bits
}

on_each_device! {
    fn the_same_seed_gives_the_same_bits(device) {
        assert!(run(device, 42) == run(device, 42));
        assert!(run(device, 42) != run(device, 43), "another seed gives another run");
    }
}

fn in_pools_of_1_2_5<T: PartialEq + Send>(work: impl Fn() -> T + Sync) {
    let in_pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
    let one = in_pool(1);
    for threads in [2, 5] {
        assert!(in_pool(threads) == one, "{threads} threads");
    }
}

#[test]
fn threads_change_nothing_on_the_cpu() {
    in_pools_of_1_2_5(|| run(&Device::cpu(), 42));
    in_pools_of_1_2_5(|| run_large(&Device::cpu()));
    in_pools_of_1_2_5(|| run_images(&Device::cpu()));
}

#[test]
fn threads_change_nothing_on_the_gpu() {
    if let Some(device) = gpu() {
        in_pools_of_1_2_5(|| run(device, 42));
    }
}
