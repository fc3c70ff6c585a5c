//! Gradients of several batches in mixed precision: in memory, from a stream, and in a run that goes on in the middle of an epoch.

use std::path::PathBuf;

use nn::{Checkpoints, Dataset, Device, Fit};
use nn_tests::{assert_close, on_each_device};

nn::network! {
    pub network Halved {
        input  x: [6];
        target y: [2];
        h = x >> dense(16) >> batch_norm >> relu;
        p = h >> dense(2);
        output p = p;
        loss   mse(p, y);
        optimizer adam(learning_rate = 1e-2);
        precision mixed(loss_scale = 256.0, growth_interval = 3);
    }

    pub network Unnormed {
        input  x: [6];
        target y: [2];
        p = x >> dense(16) >> tanh >> dense(2);
        output p = p;
        loss   mse(p, y);
        optimizer sgd(learning_rate = 1e-2);
        precision mixed(loss_scale = 256.0);
    }
}

fn samples() -> (Vec<[f32; 6]>, Vec<[f32; 2]>) {
    let wave = |sample: usize, i: usize| ((sample * 13 + i * 7) as f32 * 0.3).sin();
    let x: Vec<[f32; 6]> = (0..46).map(|sample| std::array::from_fn(|i| wave(sample, i))).collect();
    let y = x.iter().map(|x| [x[0] * x[1], x[2] - x[3]]).collect();
    (x, y)
}

/// 12 batches of 4, the last one of 2, in updates of 5, 5 and 2.
fn fit<'a, R>() -> Fit<'a, R> {
    Fit::default().epochs(3).batch_size(4).accumulate(5).quiet()
}

fn bits(net: &Halved) -> Vec<u32> {
    net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect()
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The weights and losses of a run, and that it has them wherever between two updates it stops and goes on.
fn run<D: Dataset<Report = HalvedReport>>(device: &Device, data: &D, name: &str) -> (Vec<u32>, Vec<f32>, u64) {
    let mut whole = Halved::new(device, 3).unwrap();
    let losses = whole.fit(data, fit()).unwrap().step_losses;
    for stop in [5, 10, 17, 22] {
        let kind = if device.is_gpu() { "gpu" } else { "cpu" };
        let folder = Folder(std::env::temp_dir().join(format!("nn-mixed-{}-{kind}-{name}-{stop}", std::process::id())));
        let _ = std::fs::remove_dir_all(&folder.0);
        let mut steps = 0;
        let stopping = fit().checkpoints(Checkpoints::to(&folder.0).every_epochs(100)).on_batch_end(|_, control| {
            steps += 1;
            control.stop = steps >= stop;
        });
        let first = Halved::new(device, 3).unwrap().fit(data, stopping).unwrap().step_losses;
        assert_eq!(first, losses[..first.len()]);
        assert!(first.len() >= stop && first.len() < stop + 5, "it stops behind an update: {}", first.len());
        let mut other = Halved::new(device, 4).unwrap();
        let rest = other.resume(data, &folder.0, fit()).unwrap().step_losses;
        assert_eq!(rest, losses[first.len()..], "{name}, stopped after {stop}");
        assert_eq!(bits(&other), bits(&whole), "{name}, stopped after {stop}");
    }
    (bits(&whole), losses, whole.updates())
}

on_each_device! {
    fn streams_and_interruptions_change_no_bit(device) {
        let (x, y) = samples();
        let resident = run(device, &HalvedData::new(&x, &y).unwrap(), "memory");
        assert_eq!(resident.2, 9, "3 epochs of 3 updates");
        assert_eq!(run(device, &HalvedStream::new(x, y).unwrap(), "stream"), resident);
    }

    fn several_batches_are_one_large_one(device) {
        let (x, y) = samples();
        let data = UnnormedData::new(&x, &y).unwrap();
        let mut parts = Unnormed::new(device, 3).unwrap();
        let mut whole = Unnormed::new(device, 3).unwrap();
        parts.fit(&data, fit().shuffle(false)).unwrap();
        for _ in 0..3 {
            for range in [0..20, 20..40, 40..46] {
                whole.train_batch(&data.slice(range)).unwrap();
            }
        }
        assert_eq!(parts.updates(), whole.updates());
        for p in whole.parameters() {
            // Gradients are rounded by the batch: scaled by other numbers, they are rounded elsewhere.
            assert_close(p.name, &parts.parameter(p.name).unwrap(), &whole.parameter(p.name).unwrap(), 2e-3);
        }
    }
}
