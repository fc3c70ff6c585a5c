//! The benchmark's ResNet-20, in its full width: what a GPU makes of it is what the CPU makes of it.

use nn::{Device, Fit};
use nn_tests::{Noise, assert_close, gpu};

nn::network! {
    block convolution(x, filters, kernel, stride = 1) {
        x >> conv2d(filters, kernel, stride = stride, padding = (kernel - 1) / 2, bias = false) >> batch_norm
    }

    block residual(x, filters, stride = 1) {
        inner = x >> convolution(filters, 3, stride = stride) >> relu >> convolution(filters, 3);
        shortcut = if stride == 1 { x } else { x >> convolution(filters, 1, stride = stride) };
        relu(inner + shortcut)
    }

    /// ResNet-20 for CIFAR: 19 convolutions, each with a batch normalization, and two projections.
    pub network ResNet {
        input  image: [3, 32, 32];
        target class_of_image: class(10);
        stem   = image >> convolution(16, 3) >> relu;
        stage1 = stem >> repeat(3, residual(16));
        stage2 = stage1 >> residual(32, stride = 2) >> repeat(2, residual(32));
        stage3 = stage2 >> residual(64, stride = 2) >> repeat(2, residual(64));
        logits = stage3 >> global_avg_pool >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, class_of_image);
        metric    accuracy(logits, class_of_image);
        optimizer sgd(learning_rate = 0.01, momentum = 0.9);
    }
}

const STEPS: usize = 6;
/// No multiple of the 16 samples of a step: the last step has 5.
const SAMPLES: usize = 16 * (STEPS - 1) + 5;

struct Run {
    losses: Vec<f32>,
    loss: f64,
    accuracy: f64,
    scores: Vec<[f32; 10]>,
    running_var: Vec<f32>,
}

fn run(device: &Device) -> nn::Result<Run> {
    let mut noise = Noise::new(3);
    let class: Vec<u32> = (0..SAMPLES).map(|_| noise.below(10)).collect();
    // What a class looks like: its own brightness in each channel.
    let image: Vec<[f32; 3072]> = (class.iter())
        .map(|&c| std::array::from_fn(|i| noise.next() + ((c as usize * (i / 1024 + 1)) % 10) as f32 / 5.0 - 1.0))
        .collect();
    let data = ResNetData::new(&image, &class)?;
    let mut net = ResNet::new(device, 11)?;
    // Slow enough for rounding not to grow much: at the declared rate, it grows eightfold with each step.
    net.set_learning_rate(1e-3)?;
    let history = net.fit(&data, Fit::default().batch_size(16).quiet())?;
    let report = net.evaluate(&data)?;
    Ok(Run {
        losses: history.step_losses,
        loss: report.loss,
        accuracy: report.accuracy,
        scores: net.predict(&image[..7])?,
        running_var: net.parameter("stage3.1.inner.batch_norm.running_var")?,
    })
}

#[test]
fn six_steps_and_an_evaluation_agree_on_both_devices() {
    let Some(gpu) = gpu() else { return };
    let (a, b) = (run(&Device::cpu()).unwrap(), run(gpu).unwrap());
    assert_eq!(a.losses.len(), STEPS);
    // Measured: 3e-5, 2e-6, 1e-4 and 3e-5. The CPU's own losses move as much when one layer's weights move by a millionth.
    for (step, (a, b)) in a.losses.iter().zip(&b.losses).enumerate() {
        assert!((a - b).abs() <= 3e-4 * a, "step {step}: {a} on the CPU, {b} on the GPU");
    }
    assert!((a.loss - b.loss).abs() <= 1e-4 * a.loss, "{} on the CPU, {} on the GPU", a.loss, b.loss);
    assert!((a.accuracy - b.accuracy).abs() < 0.02, "{} on the CPU, {} on the GPU", a.accuracy, b.accuracy);
    assert_close("scores", b.scores.as_flattened(), a.scores.as_flattened(), 1e-3);
    assert_close("running variance", &b.running_var, &a.running_var, 3e-4);
}
