//! Training inside one workgroup, many steps in one dispatch: the same as with a dispatch for each kernel, and as on the CPU.

use nn::{Device, Fit, wgpu};
use nn_tests::networks::{Curve, CurveData, Mlp, Plain, Softmax, SoftmaxData};
use nn_tests::{Noise, assert_close, data, gpu};

nn::network! {
    /// Buffers, dropout, a convolution and a pool.
    pub network Tiny {
        input  image: [1, 4, 4];
        target label: class(3);
        body   = image >> conv2d(2, 2) >> batch_norm >> relu >> max_pool2d(3);
        logits = body >> flatten >> dropout(0.2) >> dense(3);
        output    probability = softmax(logits);
        loss      cross_entropy(logits, label);
        metric    accuracy(logits, label);
        optimizer rmsprop(learning_rate = 1e-2, momentum = 0.5, centered = true);
    }

    /// So little for each sample that hundreds of them fit, and all invocations share a sum over them.
    pub network Straight {
        input  x: [1];
        target y: [1];
        fitted = x >> dense(1);
        output    p = fitted;
        loss      mse(fitted, y);
        metric    r2(fitted, y);
        optimizer adam(learning_rate = 0.05);
    }
}

/// The GPU, but with too little workgroup memory for a program that is resident there.
fn with_kernels() -> Device {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let mut required_limits = wgpu::Limits::defaults();
    required_limits.max_compute_workgroup_storage_size = 8 << 10;
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Device::from_wgpu(device, queue).unwrap()
}

/// Losses of a run, and a few numbers about what was learnt.
type Run = (Vec<f32>, Vec<f64>);

fn compare(run: impl Fn(&Device) -> nn::Result<Run>, tolerance: f32) {
    let Some(gpu) = gpu() else { return };
    let resident = run(gpu).unwrap();
    let again = run(gpu).unwrap();
    assert!(resident.0.iter().zip(&again.0).all(|(a, b)| a.to_bits() == b.to_bits()), "runs repeat bit for bit");
    assert_eq!(resident.1, again.1);
    for (what, device) in [("kernels", with_kernels()), ("the CPU", Device::cpu())] {
        let (losses, numbers) = run(&device).unwrap();
        assert_eq!(losses.len(), resident.0.len());
        assert_ne!(losses, resident.0, "{what} sum in another order");
        for (step, (a, b)) in losses.iter().zip(&resident.0).enumerate() {
            let bound = tolerance * a.abs().max(0.1);
            assert!((a - b).abs() <= bound, "step {step}: {a} with {what}, {b} inside a workgroup");
        }
        let numbers: Vec<f32> = numbers.iter().map(|&x| x as f32).collect();
        let own: Vec<f32> = resident.1.iter().map(|&x| x as f32).collect();
        assert_close(what, &own, &numbers, f64::from(tolerance) * 10.0);
    }
}

macro_rules! trains {
    ($($name:ident: $network:ident, $data:expr, batch $batch:expr, epochs $epochs:expr, tolerance $tolerance:expr, $parameter:expr;)+) => { $(
        #[test]
        fn $name() {
            assert!($network::shaders().iter().any(|shader| shader.name == "train_resident"));
            compare(|device| {
                let data = $data?;
                let mut net = $network::new(device, 3)?;
                let fit = Fit::default().epochs($epochs).batch_size($batch).quiet();
                let losses = net.fit(&data, fit)?.step_losses;
                let parameter = net.parameter($parameter)?;
                Ok((losses, parameter.iter().map(|&x| f64::from(x)).collect()))
            }, $tolerance);
        }
    )+ };
}

trains! {
    a_curve: Curve, curve(500), batch 32, epochs 20, tolerance 1e-3, "b.dense.weight";
    several_metrics_and_adam: Plain, data::plain(100, 1), batch 24, epochs 6, tolerance 1e-3, "h.dense.weight";
    clipped_gradients_and_momentum: Softmax, softmax(90), batch 16, epochs 6, tolerance 1e-3, "logits.dense.weight";
    hundreds_of_samples: Straight, straight(700), batch 300, epochs 10, tolerance 1e-3, "fitted.dense.weight";
    buffers_and_dropout: Tiny, tiny(70), batch 16, epochs 4, tolerance 1e-3, "body.batch_norm.running_var";
}

fn curve(samples: usize) -> nn::Result<CurveData> {
    let x: Vec<[f32; 1]> = (0..samples).map(|i| [2.0 * i as f32 / samples as f32 - 1.0]).collect();
    let y: Vec<[f32; 1]> = x.iter().map(|[x]| [(3.0 * x).sin()]).collect();
    CurveData::new(&x, &y)
}

fn straight(samples: usize) -> nn::Result<StraightData> {
    let x: Vec<[f32; 1]> = (0..samples).map(|i| [2.0 * i as f32 / samples as f32 - 1.0]).collect();
    let y: Vec<[f32; 1]> = x.iter().map(|[x]| [0.5 * x + 0.25]).collect();
    StraightData::new(&x, &y)
}

fn softmax(samples: usize) -> nn::Result<SoftmaxData> {
    let mut noise = Noise::new(5);
    let x: Vec<[f32; 12]> = (0..samples).map(|_| noise.array()).collect();
    let label: Vec<u32> = x.iter().map(|x| x.iter().filter(|x| **x > 0.0).count() as u32 % 5).collect();
    SoftmaxData::new(&x, &label)
}

fn tiny(samples: usize) -> nn::Result<TinyData> {
    let mut noise = Noise::new(6);
    let image: Vec<[f32; 16]> = (0..samples).map(|_| noise.array()).collect();
    let label: Vec<u32> = image.iter().map(|x| u32::from(x[0] > 0.0) + u32::from(x[9] > 0.0)).collect();
    TinyData::new(&image, &label)
}

#[test]
fn more_steps_in_a_run_than_a_dispatch_has() {
    // A thousand steps: in the end, both have learnt the same, and every step has left its loss.
    compare(
        |device| {
            let mut net = Curve::new(device, 3)?;
            let losses = net.fit(&curve(32_000)?, Fit::default().batch_size(32).shuffle(false).quiet())?.step_losses;
            Ok((losses, net.parameter("b.dense.weight")?.iter().map(|&x| f64::from(x)).collect()))
        },
        5e-3,
    );
}

#[test]
fn batches_that_fit_and_batches_that_do_not_take_turns() {
    // The last batch of an epoch fits, the others do not.
    compare(
        |device| {
            let mut net = Curve::new(device, 3)?;
            let losses = net.fit(&curve(420)?, Fit::default().epochs(3).batch_size(200).quiet())?.step_losses;
            Ok((losses, net.parameter("b.dense.weight")?.iter().map(|&x| f64::from(x)).collect()))
        },
        1e-3,
    );
}

#[test]
fn a_plan_says_what_is_resident() {
    assert!(Curve::plan().contains("train inside one workgroup"), "{}", Curve::plan());
    assert!(!Mlp::plan().contains("inside one workgroup"));
    assert!(Mlp::shaders().iter().all(|shader| shader.name != "train_resident"));
}
