//! Networks in mixed precision learn what those in full precision learn, in less memory.

use nn::Fit;
use nn_tests::{Noise, assert_close, gpu, on_each_device};

nn::network! {
    pub network Full {
        input  image: [1, 12, 12];
        target label: class(4);
        stem = image >> conv2d(8, 3, padding = 1) >> batch_norm >> relu >> max_pool2d(2);
        body = stem >> conv2d(16, 3, padding = 1) >> relu >> max_pool2d(2);
        logits = body >> flatten >> dense(32) >> relu >> dense(4);
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        metric accuracy(logits, label);
        optimizer adam(learning_rate = 3e-3);
        precision full;
    }
}

nn::network! {
    pub network Mixed {
        input  image: [1, 12, 12];
        target label: class(4);
        stem = image >> conv2d(8, 3, padding = 1) >> batch_norm >> relu >> max_pool2d(2);
        body = stem >> conv2d(16, 3, padding = 1) >> relu >> max_pool2d(2);
        logits = body >> flatten >> dense(32) >> relu >> dense(4);
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        metric accuracy(logits, label);
        optimizer adam(learning_rate = 3e-3);
        precision mixed;
    }
}

/// Strokes in one of four directions, each somewhere else, in noise.
fn strokes(count: usize, seed: u64) -> (Vec<[f32; 144]>, Vec<u32>) {
    let mut noise = Noise::new(seed);
    let mut images = vec![];
    let mut labels = vec![];
    for i in 0..count {
        let label = i % 4;
        let mut image = [0.0; 144];
        image.iter_mut().for_each(|pixel| *pixel = 0.3 * noise.next());
        let (x, y) = (3 + noise.below(6) as i32, 3 + noise.below(6) as i32);
        let (dx, dy) = [(1, 0), (0, 1), (1, 1), (1, -1)][label];
        for step in -3..=3 {
            let (x, y) = (x + step * dx, y + step * dy);
            image[(y.clamp(0, 11) * 12 + x.clamp(0, 11)) as usize] += 1.0;
        }
        images.push(image);
        labels.push(label as u32);
    }
    (images, labels)
}

on_each_device! {
    fn it_learns_what_full_precision_learns(device) {
        let ((train, train_labels), (test, test_labels)) = (strokes(512, 1), strokes(256, 2));
        let mut full = Full::new(device, 3).unwrap();
        let mut mixed = Mixed::new(device, 3).unwrap();
        let data = FullData::new(&train, &train_labels).unwrap();
        full.fit(&data, Fit::default().epochs(6).batch_size(32).quiet()).unwrap();
        let data = MixedData::new(&train, &train_labels).unwrap();
        mixed.fit(&data, Fit::default().epochs(6).batch_size(32).quiet()).unwrap();
        let full = full.evaluate(&FullData::new(&test, &test_labels).unwrap()).unwrap();
        let mixed = mixed.evaluate(&MixedData::new(&test, &test_labels).unwrap()).unwrap();
        println!("full {:.4} {:.4}, mixed {:.4} {:.4}", full.accuracy, full.loss, mixed.accuracy, mixed.loss);
        assert!(full.accuracy > 0.95, "full precision: {}", full.accuracy);
        assert!(mixed.accuracy > full.accuracy - 0.02, "mixed {} against {}", mixed.accuracy, full.accuracy);
    }

    fn the_loss_is_that_of_full_precision_within_the_rounding(device) {
        let (images, labels) = strokes(24, 5);
        let full = Full::new(device, 3).unwrap().gradients(&FullData::new(&images, &labels).unwrap()).unwrap();
        let mixed = Mixed::new(device, 3).unwrap().gradients(&MixedData::new(&images, &labels).unwrap()).unwrap();
        assert_close("loss", &[mixed.loss()], &[full.loss()], 2e-3);
        // How far gradients may be off depends on the network: in front of a pool, rounding decides which of two nearly equal elements is
        // the larger one. That they are PyTorch's with the same rounding is tested beside this.
        let name = "stem.conv2d.weight";
        assert_ne!(mixed.parameter(name).unwrap(), full.parameter(name).unwrap(), "nothing was rounded");
    }
}

#[test]
fn both_devices_agree() {
    let Some(gpu) = gpu() else { return };
    let (images, labels) = strokes(40, 7);
    let data = MixedData::new(&images, &labels).unwrap();
    let [cpu, gpu] = [&nn::Device::cpu(), gpu].map(|device| {
        let mut net = Mixed::new(device, 11).unwrap();
        let losses: Vec<f32> = (0..5).map(|_| net.train_batch(&data).unwrap().loss as f32).collect();
        (losses, net.predict(&images).unwrap())
    });
    assert_close("losses of five steps", &gpu.0, &cpu.0, 2e-3);
    assert_close("predictions", gpu.1.as_flattened(), cpu.1.as_flattened(), 1e-2);
}

#[test]
fn what_is_rounded_takes_half_the_memory() {
    let (plan, full) = (Mixed::plan(), Full::plan());
    assert!(plan.contains(" f16 at half sample ") && plan.contains(" f16 at half fixed "), "{plan}");
    assert!(plan.contains(" halves and ") && !full.contains("f16"), "{plan}");
    assert!(Mixed::memory(256) < Full::memory(256), "{} of {}", Mixed::memory(256), Full::memory(256));
    assert!(Full::shaders().iter().all(|shader| !shader.wgsl.contains("halves")));
}
