//! Whatever goes wrong is a value that says what.

use super::line::{LINE, Points, line, odd, steps};
use super::{backend, fails, gpu, limited, users};
use crate::backend::{Backend, Columns, Steps, unheard};
use crate::error::Error;
use crate::gpu::budget::Budget;
use crate::gpu::{Gpu, GpuBackend};
use crate::program::{Program, Schedule, StepUniform};

#[test]
fn a_plan_beyond_a_limit_is_refused_when_it_is_loaded_with_the_limit_and_both_numbers() {
    let Some(gpu) = gpu() else { return };
    let limits = gpu.device().limits();
    static WIDE: Program = line("Wide", &[odd("wide", "", [1 << 20, 1, 1], 0)]);
    static DEEP: Program = line("Deep", &[odd("deep", "", [1, 1, 1], 1 << 30)]);
    static BIG: Program = Program { parameter_floats: 1 << 40, ..line("Big", &[]) };
    // A vector fits, and two in one buffer do not.
    let floats = limits.max_storage_buffer_binding_size / 4;
    let states: &'static Program =
        Box::leak(Box::new(Program { states: &[0.0; 4], parameter_floats: floats as usize, ..line("States", &[]) }));
    static LONG: Program =
        Program { train: Some(Schedule { sample_floats: 1 << 40, ..line("", &[]).predict }), ..line("Long", &[]) };
    let cases = [
        (&WIDE, "`wide`", "max_compute_workgroup_size_x", 1 << 20, u64::from(limits.max_compute_workgroup_size_x)),
        (
            &DEEP,
            "`deep`",
            "max_compute_workgroup_storage_size",
            1 << 30,
            u64::from(limits.max_compute_workgroup_storage_size),
        ),
        (
            &BIG,
            "the vector of parameters",
            "max_storage_buffer_binding_size",
            1 << 42,
            limits.max_storage_buffer_binding_size,
        ),
        (
            states,
            "buffer 2 of the optimizer's states",
            "max_storage_buffer_binding_size",
            8 * floats,
            limits.max_storage_buffer_binding_size,
        ),
        (
            &LONG,
            "train: the arena for 4 samples",
            "max_storage_buffer_binding_size",
            (1 << 44) + 16,
            limits.max_storage_buffer_binding_size,
        ),
    ];
    for (program, expected, name, wanted, there) in cases {
        match GpuBackend::new(&gpu, program) {
            Err(Error::Limit { network, what, limit, needed, available, .. }) => {
                let found = (network, &what[..], limit, needed, available);
                assert_eq!(found, (program.name, expected, name, wanted, there));
            }
            other => panic!("{}: {other:?}", program.name),
        }
    }
}

#[test]
fn a_batch_beyond_a_limit_is_refused_and_smaller_ones_go_on() {
    let Some(gpu) = limited(|limits| limits.max_storage_buffer_binding_size = 1 << 12) else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(400);
    let order: Vec<u32> = (0..400).collect();
    let data = backend.upload(points.columns()).unwrap();
    let mut train = |batches: &[u32]| {
        let count = batches.iter().sum::<u32>() as usize;
        let run = Steps { data: &data, order: &order[..count], steps: &steps(batches) };
        backend.train(run, &mut [], &mut vec![], &mut unheard)
    };
    let text = fails(train(&[400]));
    assert!(text.contains("`Line` does not fit"), "{text}");
    assert!(text.contains("train: the arena for 400 samples"), "{text}");
    assert!(text.contains("9616") && text.contains("`max_storage_buffer_binding_size` is 4096"), "{text}");
    train(&[100, 100]).unwrap();
    assert!(fails(backend.gradients(points.columns(), steps(&[400])[0], &[])).contains("gradients: the arena"));
}

#[test]
fn too_few_workgroups_are_a_limit() {
    let Some(gpu) = limited(|limits| limits.max_compute_workgroups_per_dimension = 2) else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(100);
    let order: Vec<u32> = (0..100).collect();
    let data = backend.upload(points.columns()).unwrap();
    let run = Steps { data: &data, order: &order, steps: &steps(&[100]) };
    let text = fails(backend.train(run, &mut [], &mut vec![], &mut unheard));
    assert!(text.contains("`forward`") && text.contains("max_compute_workgroups_per_dimension"), "{text}");
}

#[test]
fn a_users_device_without_room_for_a_kernel_is_refused() {
    let few = |limits: &mut wgpu::Limits| limits.max_storage_buffers_per_shader_stage = 4;
    let Some((device, queue)) = users(few) else { return };
    let text = fails(Gpu::from_wgpu(device, queue));
    assert!(text.contains("a kernel needs 8, the limit `max_storage_buffers_per_shader_stage` is 4"), "{text}");
}

#[test]
fn a_kernel_that_does_not_compile_is_an_error_with_its_name() {
    let Some(gpu) = gpu() else { return };
    static BROKEN: Program = line("Broken", &[odd("broken", "fn main() { nonsense }", [1, 1, 1], 0)]);
    let backend = backend(&gpu, &BROKEN);
    let text = fails(backend.predict(Points::new(3).inputs(), StepUniform::default(), &mut []));
    assert!(text.contains("the kernel `broken`"), "{text}");
}

#[cfg(unix)]
#[test]
fn more_memory_than_there_is_is_an_error() {
    const LIMITED: &str = "NN_TEST_WITH_LITTLE_MEMORY";
    let Some(gpu) = gpu() else { return };
    if std::env::var_os(LIMITED).is_none() {
        // A software adapter takes what the process can have, and the system promises more than it has: a process
        // of its own, with an end to its memory, finds out.
        let this = std::env::current_exe().unwrap();
        let test = "gpu::tests::errors::more_memory_than_there_is_is_an_error";
        let command = "ulimit -v 8000000 && exec \"$0\" \"$@\"";
        let child = std::process::Command::new("sh")
            .args(["-c", command])
            .arg(this)
            .args(["--exact", test, "--nocapture"])
            .env(LIMITED, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let size = gpu.device().limits().max_buffer_size.min(1 << 31) - 16;
    let budget = Budget { gpu, network: "Line" };
    let mut held = vec![];
    for _ in 0..1000 {
        match pollster::block_on(budget.buffer("everything", size, wgpu::BufferUsages::COPY_DST)) {
            Ok(buffer) => held.push(buffer),
            Err(Error::OutOfMemory { what, .. }) => return assert!(what.starts_with("everything"), "{what}"),
            Err(other) => panic!("{other}"),
        }
    }
    panic!("{} buffers of {size} bytes, and no end", held.len());
}

#[test]
fn a_lost_device_is_an_error_whatever_is_asked_of_it() {
    let Some(gpu) = limited(|_| ()) else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(8);
    let order: Vec<u32> = (0..8).collect();
    let data = backend.upload(points.columns()).unwrap();
    let steps = steps(&[4, 4]);
    let run = Steps { data: &data, order: &order, steps: &steps };
    backend.train(run, &mut [], &mut vec![], &mut unheard).unwrap();
    gpu.device().destroy();
    let failed = [
        fails(backend.train(run, &mut [], &mut vec![], &mut unheard)),
        fails(backend.evaluate(run, &mut [], &mut vec![])),
        fails(backend.predict(points.inputs(), StepUniform::default(), &mut [])),
        fails(backend.gradients(points.columns(), steps[0], &[])),
        fails(backend.parameters()),
    ];
    for text in failed {
        assert!(text.starts_with("the GPU failed"), "{text}");
    }
}

#[test]
fn data_that_does_not_fit_the_network_is_an_error() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    let points = Points::new(8);
    let short = Columns { fields: vec![&points.x[..15], &points.y], samples: 8 };
    assert!(fails(backend.upload(short)).contains("8 samples of `x` have 2 numbers each, but 15 were given"));
    let many = Columns { fields: vec![&points.x, &points.y, &points.y], samples: 8 };
    assert!(fails(backend.upload(many)).contains("2 inputs and targets, but the data has 3"));
    assert!(fails(backend.gradients(points.inputs(), steps(&[8])[0], &[])).contains("`y` is missing in the data"));
    let none = Columns { fields: vec![], samples: 8 };
    assert!(fails(backend.predict(none, StepUniform::default(), &mut [])).contains("`x` is missing in the data"));

    let data = backend.upload(points.columns()).unwrap();
    let mut train = |order: &[u32], batches: &[u32]| {
        fails(backend.train(Steps { data: &data, order, steps: &steps(batches) }, &mut [], &mut vec![], &mut unheard))
    };
    assert!(train(&[0, 1, 8], &[3]).contains("sample 8 is asked for, but there are 8"));
    assert!(train(&[0, 1], &[3]).contains("the steps take 3 samples, but 2 are ordered"));
    assert!(train(&[0], &[1, 0]).contains("a batch without samples"));
    let inputs = backend.upload(points.inputs()).unwrap();
    let run = Steps { data: &inputs, order: &[0], steps: &steps(&[1]) };
    assert!(fails(backend.evaluate(run, &mut [], &mut vec![])).contains("`y` is missing in the data"));
}

#[test]
fn vectors_of_the_wrong_length_are_an_error() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &LINE);
    assert!(fails(backend.set_parameters(&[1.0; 3])).contains("vectors of 4 numbers, but 3 were given"));
    assert!(fails(backend.set_states(&[])).contains("keeps 1 vectors of state, but 0 were given"));
    assert!(fails(backend.set_states(&[vec![1.0; 5]])).contains("vectors of 4 numbers, but 5 were given"));
}

#[test]
fn what_a_network_does_not_declare_it_refuses() {
    let Some(gpu) = gpu() else { return };
    static PREDICTS: Program =
        Program { evaluate: None, train: None, gradients: None, states: &[], ..line("Predicts", &[]) };
    let mut backend = backend(&gpu, &PREDICTS);
    let points = Points::new(8);
    let data = backend.upload(points.columns()).unwrap();
    let run = Steps { data: &data, order: &[], steps: &[] };
    assert!(
        fails(backend.train(run, &mut [], &mut vec![], &mut unheard))
            .contains("`Predicts` declares nothing to train with")
    );
    assert!(fails(backend.evaluate(run, &mut [], &mut vec![])).contains("nothing to evaluate with"));
    assert!(
        fails(backend.gradients(points.columns(), steps(&[8])[0], &[])).contains("nothing to compute gradients with")
    );
}
