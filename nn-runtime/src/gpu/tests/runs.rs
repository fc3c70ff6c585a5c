//! What runs compute, and how they go about it.

use std::ops::ControlFlow;

use super::line::{LINE, Points, Twin, close, steps};
use super::{backend, gpu, limited, users};
use crate::backend::{Backend, Steps, unheard};
use crate::gpu::{Gpu, GpuBackend};
use crate::program::StepUniform;

pub(super) const START: [f64; 2] = [0.5, -1.0];

/// The batches' samples: all numbers once, in an order that is none.
pub(super) fn shuffled(samples: usize) -> Vec<u32> {
    (0..samples).map(|i| ((i * 7 + 3) % samples) as u32).collect()
}

/// Trains an epoch on the device and on the host, and compares results and parameters.
pub(super) fn train_and_compare(backend: &mut GpuBackend, twin: &mut Twin, points: &Points, batches: &[u32]) {
    let order = shuffled(points.y.len());
    let data = backend.upload(points.columns()).unwrap();
    let steps = steps(batches);
    let mut results = vec![];
    let mut heard = vec![];
    let run = Steps { data: &data, order: &order, steps: &steps };
    backend
        .train(run, &mut [], &mut results, &mut |ended, known| {
            heard.push((ended, known.len()));
            ControlFlow::Continue(())
        })
        .unwrap();

    let (mut expected, mut rest) = (vec![], &order[..]);
    for &batch in batches {
        let now;
        (now, rest) = rest.split_at(batch as usize);
        expected.extend(twin.train(points, now));
    }
    close(&results, &expected);
    close(&backend.parameters().unwrap(), &[twin.w[0], twin.w[1], 0.0, 0.0]);
    assert_eq!(heard.last(), Some(&(batches.len(), results.len())), "the last that progress hears is all of it");
    assert!(heard.is_sorted(), "progress goes forward: {heard:?}");
}

#[test]
fn training_follows_the_twin_with_partial_and_growing_batches() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    let mut twin = Twin::new(START);
    train_and_compare(&mut backend, &mut twin, &Points::new(20), &[8, 8, 4]);
    train_and_compare(&mut backend, &mut twin, &Points::new(7), &[1; 7]);
    train_and_compare(&mut backend, &mut twin, &Points::new(50), &[3, 33, 13, 1]);
}

#[test]
fn a_run_of_many_steps_is_one_submission_and_one_readback() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(100);
    let data = backend.upload(points.columns()).unwrap();
    let order = shuffled(100);
    let before = backend.counters();
    let run = Steps { data: &data, order: &order, steps: &steps(&[2; 50]) };
    backend.train(run, &mut [], &mut vec![], &mut unheard).unwrap();
    let after = backend.counters();
    assert_eq!(after.submissions - before.submissions, 1);
    assert_eq!(after.readbacks - before.readbacks, 1);
    assert_eq!(after.dispatches - before.dispatches, 50 * 5, "a gather and four kernels a step");
    assert_eq!(after.windows, 0);
}

#[test]
fn a_long_run_is_several_submissions_that_progress_hears_of_and_still_one_readback() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(10);
    let data = backend.upload(points.columns()).unwrap();
    let order: Vec<u32> = (0..5000).map(|i| i % 10).collect();
    let steps = steps(&[1; 5000]);
    let before = backend.counters();
    let (mut results, mut heard) = (vec![], vec![]);
    let run = Steps { data: &data, order: &order, steps: &steps };
    backend
        .train(run, &mut [], &mut results, &mut |ended, known| {
            heard.push((ended, known.len()));
            ControlFlow::Continue(())
        })
        .unwrap();
    let after = backend.counters();
    assert!(after.submissions - before.submissions > 5);
    assert_eq!(after.readbacks - before.readbacks, 1);
    assert!(heard.len() > 5 && heard.is_sorted(), "{heard:?}");
    assert!(heard.iter().rev().skip(1).all(|&(_, known)| known == 0), "nothing is known inside a run");
    assert_eq!(results.len(), 10_000);
    let mut twin = Twin::new(START);
    let expected: Vec<f64> = order.iter().flat_map(|&sample| twin.train(&points, &[sample])).collect();
    close(&results, &expected);
}

#[test]
fn a_run_that_is_broken_off_has_done_whole_steps_and_says_how_many() {
    let Some(gpu) = gpu() else { return };
    let points = Points::new(10);
    let order: Vec<u32> = (0..5000).map(|i| i % 10).collect();
    let mut backend = backend(&gpu, &LINE);
    let data = backend.upload(points.columns()).unwrap();
    let (mut results, mut heard) = (vec![], 0);
    let run = Steps { data: &data, order: &order, steps: &steps(&[1; 5000]) };
    let ended = backend
        .train(run, &mut [], &mut results, &mut |_, _| {
            heard += 1;
            if heard < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    assert!((1..5000).contains(&ended), "{ended}");
    let mut twin = Twin::new(START);
    let expected: Vec<f64> = order[..ended].iter().flat_map(|&sample| twin.train(&points, &[sample])).collect();
    close(&results, &expected);
    close(&backend.parameters().unwrap()[..2], &twin.w);

    // The rest, and the same without a break.
    let run = Steps { data: &data, order: &order[ended..], steps: &steps(&[1; 5000])[ended..] };
    assert_eq!(backend.train(run, &mut [], &mut results, &mut unheard).unwrap(), 5000 - ended);
    let mut whole = super::backend(&gpu, &LINE);
    let mut expected = vec![];
    let run = Steps { data: &data, order: &order, steps: &steps(&[1; 5000]) };
    whole.train(run, &mut [], &mut expected, &mut unheard).unwrap();
    assert_eq!((results, backend.parameters().unwrap()), (expected, whole.parameters().unwrap()), "bit for bit");
}

#[test]
fn data_that_no_binding_holds_goes_in_windows_with_the_same_numbers() {
    // 64 KiB hold 5461 records of three floats.
    let Some(gpu) = limited(|limits| limits.max_storage_buffer_binding_size = 1 << 16) else { return };
    let points = Points::new(20_000);
    let batches = [vec![100; 199], vec![60, 40]].concat();
    let mut backend = backend(&gpu, &LINE);
    train_and_compare(&mut backend, &mut Twin::new(START), &points, &batches);
    let counters = backend.counters();
    assert!(counters.windows > 3, "{counters:?}");
    assert_eq!(counters.ahead, counters.windows - 1, "all but the first come while the device is busy: {counters:?}");
    assert_eq!(counters.readbacks, 1 + 1, "one for the run, one for the comparison");

    let whole = super::gpu().unwrap();
    let mut other = super::backend(&whole, &LINE);
    train_and_compare(&mut other, &mut Twin::new(START), &points, &batches);
    assert_eq!(other.counters().windows, 0);
    assert_eq!(backend.parameters().unwrap(), other.parameters().unwrap(), "bit for bit");
}

#[test]
fn results_that_no_binding_holds_are_read_in_parts() {
    let Some(gpu) = limited(|limits| limits.max_storage_buffer_binding_size = 1 << 12) else { return };
    let mut backend = backend(&gpu, &LINE);
    train_and_compare(&mut backend, &mut Twin::new(START), &Points::new(1200), &[1; 1200]);
}

#[test]
fn workgroups_go_over_two_axes_where_one_is_too_short() {
    let Some(gpu) = limited(|limits| limits.max_compute_workgroups_per_dimension = 9) else { return };
    let mut backend = backend(&gpu, &LINE);
    train_and_compare(&mut backend, &mut Twin::new(START), &Points::new(250), &[250]);
}

#[test]
fn evaluation_changes_nothing_and_follows_the_twin() {
    let Some(gpu) = gpu() else { return };
    let backend = backend(&gpu, &LINE);
    let points = Points::new(21);
    let data = backend.upload(points.columns()).unwrap();
    let order: Vec<u32> = (0..21).collect();
    let mut results = vec![];
    backend.evaluate(Steps { data: &data, order: &order, steps: &steps(&[8, 8, 5]) }, &mut [], &mut results).unwrap();
    let twin = Twin::new(START);
    let expected: Vec<f64> = order.chunks(8).flat_map(|batch| twin.gradients(&points, batch).0).collect();
    close(&results, &expected);
    assert_eq!(backend.parameters().unwrap(), [0.5, -1.0, 0.0, 0.0]);
}

#[test]
fn a_run_of_no_steps_is_nothing() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(0);
    let data = backend.upload(points.columns()).unwrap();
    let mut results = vec![];
    backend.train(Steps { data: &data, order: &[], steps: &[] }, &mut [], &mut results, &mut unheard).unwrap();
    assert!(results.is_empty());
    assert_eq!(backend.predict(points.inputs(), StepUniform::default(), &mut []).unwrap(), [Vec::<f32>::new()]);
}

fn predict_and_compare(backend: &GpuBackend, samples: usize) {
    let points = Points::new(samples);
    let outputs = backend.predict(points.inputs(), StepUniform::default(), &mut []).unwrap();
    let twin = Twin::new(START);
    let expected: Vec<f64> = points.x.chunks(2).map(|x| twin.predict(x)).collect();
    assert_eq!(outputs.len(), 1);
    close(&outputs[0], &expected);
}

#[test]
fn prediction_is_exact_for_any_number_of_samples() {
    let Some(gpu) = gpu() else { return };
    let backend = backend(&gpu, &LINE);
    for samples in [1, 2, 3, 4, 5, 1, 64, 4096, 4097, 10_001, 2] {
        predict_and_compare(&backend, samples);
    }
    let before = backend.counters();
    predict_and_compare(&backend, 10_001);
    let after = backend.counters();
    assert_eq!(after.submissions - before.submissions, 3, "a chunk each");
    assert_eq!(after.readbacks - before.readbacks, 1);
}

#[test]
fn prediction_cuts_smaller_where_a_binding_holds_little() {
    let Some(gpu) = limited(|limits| limits.max_storage_buffer_binding_size = 1 << 10) else { return };
    predict_and_compare(&backend(&gpu, &LINE), 777);
}

#[test]
fn gradients_of_a_batch_come_with_those_of_its_inputs() {
    let Some(gpu) = gpu() else { return };
    let backend = backend(&gpu, &LINE);
    for samples in [1, 6, 130, 3] {
        let points = Points::new(samples);
        let step = steps(&[samples as u32])[0];
        let found = backend.gradients(points.columns(), step, &[]).unwrap();
        let batch: Vec<u32> = (0..samples as u32).collect();
        let (results, gradients, dx) = Twin::new(START).gradients(&points, &batch);
        close(&[found.loss], &results[..1]);
        close(&found.parameters, &[gradients[0], gradients[1], 0.0, 0.0]);
        assert_eq!(found.fields.len(), 1);
        assert_eq!(found.fields[0].0, 0);
        close(&found.fields[0].1, &dx);
    }
    assert_eq!(backend.parameters().unwrap(), [0.5, -1.0, 0.0, 0.0]);
}

#[test]
fn parameters_come_back_as_they_were_set() {
    let Some(gpu) = gpu() else { return };
    let mut backend = GpuBackend::new(&gpu, &LINE).unwrap();
    assert_eq!(backend.parameters().unwrap(), [0.0; 4]);
    backend.set_parameters(&[1.0, -0.0, f32::MIN_POSITIVE / 2.0, 3e38]).unwrap();
    let bits: Vec<u32> = backend.parameters().unwrap().iter().map(|value| value.to_bits()).collect();
    assert_eq!(bits, [1.0, -0.0, f32::MIN_POSITIVE / 2.0, 3e38].map(f32::to_bits));
}

#[test]
fn training_goes_on_from_the_states_that_were_set() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    backend.set_states(&[vec![3.0, -2.0, 0.0, 0.0]]).unwrap();
    let mut twin = Twin { state: [3.0, -2.0], ..Twin::new(START) };
    train_and_compare(&mut backend, &mut twin, &Points::new(8), &[4, 4]);
}

#[test]
fn many_threads_predict_evaluate_and_read_gradients_at_once() {
    let Some(gpu) = gpu() else { return };
    let backend = backend(&gpu, &LINE);
    let points = Points::new(40);
    let data = backend.upload(points.columns()).unwrap();
    let order: Vec<u32> = (0..40).collect();
    let twin = Twin::new(START);
    let loss = twin.gradients(&points, &order);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (backend, data, order, points, loss) = (&backend, &data, &order, &points, &loss);
            scope.spawn(move || {
                for round in 0..10 {
                    match thread % 3 {
                        0 => predict_and_compare(backend, 1 + thread * 100 + round),
                        1 => {
                            let mut results = vec![];
                            backend
                                .evaluate(Steps { data, order, steps: &steps(&[40]) }, &mut [], &mut results)
                                .unwrap();
                            close(&results, &loss.0);
                        }
                        _ => {
                            let found = backend.gradients(points.columns(), steps(&[40])[0], &[]).unwrap();
                            close(&found.fields[0].1, &loss.2);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn two_networks_train_in_turns_on_one_device() {
    let Some(gpu) = gpu() else { return };
    let (mut first, mut second) = (backend(&gpu, &LINE), backend(&gpu, &LINE));
    second.set_parameters(&[2.0, 2.0, 0.0, 0.0]).unwrap();
    let (mut first_twin, mut second_twin) = (Twin::new(START), Twin::new([2.0, 2.0]));
    let points = Points::new(20);
    for _ in 0..3 {
        train_and_compare(&mut first, &mut first_twin, &points, &[8, 8, 4]);
        train_and_compare(&mut second, &mut second_twin, &points, &[5, 5, 5, 5]);
    }
}

#[test]
fn a_users_device_serves_with_the_smallest_limits_of_webgpu() {
    let defaults = |limits: &mut wgpu::Limits| *limits = wgpu::Limits::defaults();
    let Some((device, queue)) = users(defaults) else { return };
    let gpu = Gpu::from_wgpu(device.clone(), queue).unwrap();
    assert_eq!(gpu.adapter().name, device.adapter_info().name);
    assert_eq!(*gpu.device(), device);
    let mut backend = backend(&gpu, &LINE);
    train_and_compare(&mut backend, &mut Twin::new(START), &Points::new(20), &[8, 8, 4]);
}

#[test]
fn an_adapter_says_what_it_is() {
    let Some(gpu) = gpu() else { return };
    let text = gpu.adapter().to_string();
    assert!(text.starts_with(&gpu.adapter().name) && text.contains(&gpu.adapter().backend), "{text}");
    assert_eq!(gpu.is_software(), gpu.device().adapter_info().device_type == wgpu::DeviceType::Cpu);
}

#[test]
fn work_that_the_devices_owner_never_waits_for_holds_nothing_up() {
    let Some((device, queue)) = users(|_| ()) else { return };
    let backend = backend(&Gpu::from_wgpu(device.clone(), queue.clone()).unwrap(), &LINE);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                queue.submit([device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()).finish()]);
            }
        });
        (0..50).for_each(|_| predict_and_compare(&backend, 5));
    });
}
