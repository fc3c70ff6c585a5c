//! What people look at, over real networks: plans as data, profiles, and event files as TensorBoard reads them.

use std::path::PathBuf;
use std::process::Command;

use nn::plan::{Place, Plan};
use nn_tests::networks::{
    Branches, Cnn, Convolutions, Curve, CurveData, Inference, Mlp, MlpData, Plain, Rows, Softmax,
};
use nn_tests::{Noise, on_each_device};

/// A folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("nn-seeing-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn digits(samples: usize) -> MlpData {
    let mut noise = Noise::new(5);
    let images: Vec<[f32; 784]> = (0..samples).map(|_| std::array::from_fn(|_| noise.next())).collect();
    MlpData::new(images, (0..samples as u32).map(|i| i % 10).collect::<Vec<_>>()).unwrap()
}

#[test]
fn every_plan_is_read_and_every_tensor_of_it_lies_inside() {
    let plans = [
        Branches::plan(),
        Cnn::plan(),
        Convolutions::plan(),
        Curve::plan(),
        Inference::plan(),
        Mlp::plan(),
        Plain::plan(),
        Rows::plan(),
        Softmax::plan(),
    ];
    for text in plans {
        let plan = Plan::read(text).unwrap();
        for program in &plan.programs {
            // The header says how many there are.
            let header = text.lines().find(|line| line.starts_with(&format!("{}: ", program.name))).unwrap();
            let kernels = program.kernels.len();
            assert!(header.contains(&format!(": {kernels} kernel")), "{}: {kernels}, {header}", plan.name);
            for kernel in &program.kernels {
                assert!(!kernel.writes.is_empty() || !kernel.updates.is_empty(), "{} writes nothing", kernel.name);
                assert!(!kernel.layer().is_empty() || kernel.does.is_empty(), "{} belongs to no layer", kernel.name);
                for tensor in kernel.reads.iter().chain(&kernel.updates).chain(&kernel.writes) {
                    let end = tensor.offset + tensor.dims.iter().product::<usize>();
                    match tensor.place {
                        Place::Sample => assert!(end <= program.sample_floats, "{}", tensor.name),
                        Place::Fixed => assert!(end <= program.fixed_floats, "{}", tensor.name),
                        _ => {}
                    }
                }
            }
        }
        let predict = plan.program("predict").unwrap();
        assert!(predict.kernels.iter().map(|kernel| kernel.flops(1)).sum::<f64>() > 0.0, "{}", plan.name);
    }
    let mlp = Plan::read(Mlp::plan()).unwrap();
    let flops: f64 = mlp.program("predict").unwrap().kernels.iter().map(|kernel| kernel.flops(1)).sum();
    let declared = Mlp::FLOPS_PER_SAMPLE as f64;
    assert!((flops / declared - 1.0).abs() < 0.01, "kernels have {flops} FLOPs, the network {declared}");
}

on_each_device! {
    fn a_profile_times_every_kernel_and_leaves_the_network_as_it_was(device) {
        let data = digits(16);
        let mut net = Mlp::new(device, 3).unwrap();
        net.train_batch(&data).unwrap();
        let before = net.parameter("a.dense.weight").unwrap();
        let profile = net.profile(&data, 5).unwrap();
        assert_eq!(net.parameter("a.dense.weight").unwrap(), before);
        assert_eq!(net.steps(), 1);
        let mut twin = Mlp::new(device, 3).unwrap();
        twin.train_batch(&data).unwrap();
        let losses = [net.train_batch(&data).unwrap().loss, twin.train_batch(&data).unwrap().loss];
        assert_eq!(losses[0].to_bits(), losses[1].to_bits(), "the optimizer's states are what they were, too");

        let kernels = Plan::read(Mlp::plan()).unwrap().program("train").unwrap().kernels.len();
        if !device.is_gpu() {
            assert_eq!(profile.kernels.len(), kernels);
        }
        assert!(profile.kernels.iter().all(|kernel| kernel.runs == 5), "{profile}");
        assert!(profile.kernels.iter().map(|kernel| kernel.milliseconds).sum::<f64>() > 0.0);
        for layer in ["a.dense", "logits.dense", "optimizer"] {
            assert!(profile.layers().iter().any(|(name, _)| *name == layer), "{layer}: {profile}");
        }
        let peak = profile.peak.unwrap();
        assert!(peak.gflops > 0.0 && peak.gbytes > 0.0);
        let error = net.profile(&data, 0).unwrap_err().to_string();
        assert_eq!(error, "a profile takes at least one step, but 0 were asked for");
    }
}

#[test]
fn a_small_network_is_profiled_as_the_region_that_it_is() {
    let xs: Vec<[f32; 1]> = (0..8).map(|i| [i as f32]).collect();
    let data = CurveData::new(&xs, &xs).unwrap();
    let profile = Curve::new(&nn::Device::cpu(), 1).unwrap().profile(&data, 3).unwrap();
    let names: Vec<&str> = profile.kernels.iter().map(|kernel| kernel.name.as_str()).collect();
    assert_eq!(names, ["train_pass", "train_update"]);
    assert!(profile.kernels.iter().all(|kernel| kernel.runs == 3 && kernel.flops > 0.0));
}

/// Set `NN_TENSORBOARD_PYTHON` to a Python that has the package `tensorboard`.
#[test]
fn tensorboard_reads_what_was_written() {
    let folder = folder("events");
    let xs: Vec<[f32; 1]> = (0..32).map(|i| [i as f32 / 16.0 - 1.0]).collect();
    let data = CurveData::new(&xs, &xs).unwrap();
    let log = nn::TensorBoard::to(&folder).every_batches(2).histograms();
    let fit = nn::Fit::default().epochs(3).batch_size(8).validation_split(0.25).quiet().callback(log);
    let history = Curve::new(&nn::Device::cpu(), 1).unwrap().fit(&data, fit).unwrap();
    for part in ["train", "validation"] {
        let files: Vec<_> =
            std::fs::read_dir(folder.join(part)).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(files.len() == 1 && files[0].to_string_lossy().starts_with("events.out.tfevents."), "{files:?}");
    }
    if let Some(python) = std::env::var_os("NN_TENSORBOARD_PYTHON") {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/seeing/read_events.py");
        let output = Command::new(python).arg(script).arg(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = String::from_utf8(output.stdout).unwrap();
        let values = |line: &str| -> Vec<f64> {
            let line = read.lines().find_map(|l| l.strip_prefix(line)).unwrap_or_else(|| panic!("{line}: {read}"));
            line.split_whitespace().map(|point| point.split_once(':').unwrap().1.parse().unwrap()).collect()
        };
        let close = |a: &[f64], b: Vec<f64>| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&values("train scalar loss "), history.epochs.iter().map(|e| e.train.loss).collect()));
        let validation = history.epochs.iter().map(|e| e.validation.unwrap().r2).collect();
        assert!(close(&values("validation scalar r2 "), validation));
        assert_eq!(values("train scalar batch/loss ").len(), 6, "steps 2 and 3 of each of three epochs");
        assert_eq!(values("train histogram a.dense.weight "), [16.0; 3]);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
