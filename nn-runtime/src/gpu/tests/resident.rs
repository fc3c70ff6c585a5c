//! Steps inside one workgroup: as many in a dispatch as there may be, beside steps that do not fit.

use super::line::{LINE, Points, SHADERS, Twin, line, odd, steps};
use super::runs::{START, shuffled, train_and_compare};
use super::{backend, gpu, limited};
use crate::backend::{Backend, Steps, unheard};
use crate::program::{Program, Resident, Schedule};

/// The network's training by one invocation, for up to 8 samples.
const WGSL: &str = "
struct Step { batch: u32, capacity: u32, result: u32, seed: u32, step: u32, unused0: u32, unused1: u32, unused2: u32,
              scalars: array<vec4<f32>, 4> }
struct Slot { step: Step, first: u32, width: u32, number: u32, steps: u32, columns: array<vec4<u32>, 8>, unused: vec4<u32> }
@group(0) @binding(0) var<uniform> head: Slot;
@group(0) @binding(2) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;
@group(0) @binding(5) var<storage, read_write> state0: array<f32>;
@group(0) @binding(8) var<storage, read> records: array<f32>;
@group(0) @binding(9) var<storage, read> order: array<u32>;
@group(0) @binding(10) var<storage, read> steps: array<Slot>;
@compute @workgroup_size(1)
fn main() {
    for (var number = head.number; number < head.number + head.steps; number++) {
        let step = steps[number].step;
        var loss = 0.0;
        var sum = 0.0;
        var gradients = array<f32, 2>(0.0, 0.0);
        for (var s = 0u; s < step.batch; s++) {
            let record = order[steps[number].first + s] * head.width;
            let x = record + head.columns[0].x;
            let d = parameters[0] * records[x] + parameters[1] * records[x + 1u] - records[record + head.columns[0].y];
            loss += d * d;
            sum += records[x];
            gradients[0] += 2.0 * d * step.scalars[0].x * records[x];
            gradients[1] += 2.0 * d * step.scalars[0].x * records[x + 1u];
        }
        results[step.result] = loss * step.scalars[0].x;
        results[step.result + 1u] = sum;
        for (var i = 0u; i < 2u; i++) {
            state0[i] = 0.5 * state0[i] + gradients[i];
            parameters[i] -= step.scalars[0].y * state0[i];
        }
    }
}";

const fn program(workgroup_bytes: u32) -> Program {
    let resident = Resident { shader: odd("resident", WGSL, [1, 1, 1], workgroup_bytes), capacity: 8, steps: 256 };
    let train = match LINE_TRAIN {
        Some(train) => Some(Schedule { resident: Some(resident), ..train }),
        None => None,
    };
    Program { train, ..line("Line", SHADERS.split_at(1).0) }
}

const LINE_TRAIN: Option<Schedule> = line("Line", SHADERS.split_at(1).0).train;
static SMALL: Program = program(0);
/// One that no device has the memory for.
static LARGE: Program = program(u32::MAX);

/// Dispatches of a run over these batches.
fn dispatches(program: &'static Program, batches: &[u32]) -> u64 {
    let Some(gpu) = gpu() else { return 0 };
    let mut backend = backend(&gpu, program);
    let points = Points::new(batches.iter().sum::<u32>() as usize);
    let data = backend.upload(points.columns()).unwrap();
    let (order, steps) = (shuffled(points.y.len()), steps(batches));
    let run = Steps { data: &data, order: &order, steps: &steps };
    backend.train(run, &mut [], &mut vec![], &mut unheard).unwrap();
    backend.counters().dispatches
}

#[test]
fn many_steps_are_one_dispatch() {
    let Some(_) = gpu() else { return };
    assert_eq!(dispatches(&SMALL, &[8; 200]), 1);
    assert_eq!(dispatches(&SMALL, &[8; 600]), 3, "256 steps at most");
    assert_eq!(dispatches(&SMALL, &[8, 9, 8, 3]), 1 + 5 + 1, "a batch of 9 does not fit");
    assert_eq!(dispatches(&LARGE, &[8; 20]), 20 * 5, "no device has that much memory, so kernels do it");
    assert_eq!(dispatches(&LINE, &[8; 20]), 20 * 5);
}

#[test]
fn training_follows_the_twin_whether_batches_fit_or_not() {
    let Some(gpu) = gpu() else { return };
    let mut backend = backend(&gpu, &SMALL);
    let mut twin = Twin::new(START);
    train_and_compare(&mut backend, &mut twin, &Points::new(20), &[8, 8, 4]);
    train_and_compare(&mut backend, &mut twin, &Points::new(60), &[9, 8, 1, 30, 12]);
    train_and_compare(&mut backend, &mut twin, &Points::new(3000), &[[8; 374].as_slice(), &[7, 1]].concat());
}

#[test]
fn data_and_tables_that_no_binding_holds_go_in_parts_with_the_same_numbers() {
    // 64 KiB hold 5461 records of three floats, or 256 entries of the table.
    let Some(small) = limited(|limits| limits.max_storage_buffer_binding_size = 1 << 16) else { return };
    let points = Points::new(12_000);
    let batches = [vec![8; 1000], vec![50; 79], vec![20, 7, 8, 8, 7]].concat();
    let mut parts = backend(&small, &SMALL);
    train_and_compare(&mut parts, &mut Twin::new(START), &points, &batches);
    assert!(parts.counters().windows > 2, "{:?}", parts.counters());

    let whole = gpu().unwrap();
    let mut other = backend(&whole, &SMALL);
    train_and_compare(&mut other, &mut Twin::new(START), &points, &batches);
    assert_eq!(other.counters().windows, 0);
    assert_eq!(parts.parameters().unwrap(), other.parameters().unwrap(), "bit for bit");
}
