//! PyTorch's numbers, with explicit rounding to `half` where `precision mixed` rounds.

use nn::Device;
use nn_tests::gpu;
use nn_tests::parity::{assert_all_named, check_within};

/// Relative to the largest number of a tensor. PyTorch computes in f64 between roundings, we in f32: numbers that lie near the middle
/// of two f16 may become neighbours, 2^-11 apart, and everything behind them sees that. In ten steps it adds up.
const BOUNDS: [f64; 2] = [1e-3, 2e-3];

mod dense {
    nn::network! {
        network Case {
            input x: [12];
            target y: class(5);
            h = x >> dense(24) >> relu;
            t = h >> dense(16) >> tanh;
            logits = t >> dense(5);
            output logits;
            loss cross_entropy(logits, y);
            optimizer sgd(learning_rate = 0.02);
            precision mixed(loss_scale = 1024.0);
        }
    }

    pub fn program() -> &'static nn_runtime::program::Program {
        Case::new(&nn::Device::cpu(), 0).unwrap().net.program()
    }
}

mod convolutions {
    nn::network! {
        network Case {
            input image: [3, 16, 16];
            target y: class(4);
            a = image >> conv2d(8, 3, padding = 1) >> relu >> max_pool2d(2);
            b = a >> conv2d(12, 3, padding = 1, stride = 2) >> relu;
            logits = b >> flatten >> dense(4);
            output logits;
            loss cross_entropy(logits, y);
            optimizer sgd(learning_rate = 0.02);
            precision mixed(loss_scale = 1024.0, dynamic = false);
        }
    }

    pub fn program() -> &'static nn_runtime::program::Program {
        Case::new(&nn::Device::cpu(), 0).unwrap().net.program()
    }
}

mod norm {
    nn::network! {
        network Case {
            input image: [3, 8, 8];
            target y: class(4);
            a = image >> conv2d(8, 3, padding = 1, stride = 2) >> batch_norm >> relu;
            b = a >> flatten >> dense(12) >> batch_norm >> relu;
            logits = b >> dense(4);
            output logits;
            loss cross_entropy(logits, y);
            optimizer sgd(learning_rate = 0.02);
            precision mixed(loss_scale = 1024.0);
        }
    }

    pub fn program() -> &'static nn_runtime::program::Program {
        Case::new(&nn::Device::cpu(), 0).unwrap().net.program()
    }
}

fn check(device: &Device) {
    check_within("mixed", "mixed_dense", dense::program(), device, BOUNDS);
    check_within("mixed", "mixed_convolutions", convolutions::program(), device, BOUNDS);
    check_within("mixed", "mixed_norm", norm::program(), device, BOUNDS);
}

#[test]
fn cpu() {
    check(&Device::cpu());
}

#[test]
fn gpu_too() {
    gpu().into_iter().for_each(check);
}

#[test]
fn every_fixture_is_tested() {
    assert_all_named("mixed", include_str!("parity.rs"));
}
