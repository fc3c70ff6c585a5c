//! Records of every make come out of the gather kernel as they went in.

use super::line::{odd, steps};
use super::{gpu, limited};
use crate::backend::{Backend, Columns, Steps};
use crate::gpu::{Gpu, GpuBackend};
use crate::program::{Field, Program, Schedule};

/// A number that tells elements apart.
fn weight(sample: usize, column: usize) -> usize {
    (sample * 7 + column * 3) % 11 + 1
}

/// A network that reads fields of these sizes and gives, for each of them, a sum that no two orders share.
fn sums(sizes: &[usize]) -> &'static Program {
    let mut offset = 0;
    let (mut text, mut fields, mut places) = (String::new(), vec![], vec![]);
    for (f, &size) in sizes.iter().enumerate() {
        text += &format!(
            "    {{ var sum = 0.0;
      for (var s = 0u; s < step.batch; s++) {{
        for (var c = 0u; c < {size}u; c++) {{
          sum += arena[4u + step.capacity * {offset}u + s * {size}u + c] * f32((s * 7u + c * 3u) % 11u + 1u);
        }}
      }}
      results[step.result + {f}u] = sum; }}\n"
        );
        fields.push(Field { name: "field", dims: Box::leak(Box::new([size])), classes: None });
        places.push((f, offset));
        offset += size;
    }
    let wgsl = format!(
        "struct Step {{ batch: u32, capacity: u32, result: u32 }}
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read_write> arena: array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;
@compute @workgroup_size(1) fn main() {{\n{text}}}"
    );
    let schedule = |shaders| Schedule {
        fixed_floats: 4,
        fixed_halves: 0,
        sample_halves: 0,
        sample_floats: offset,
        result_floats: sizes.len(),
        result_sample_floats: 0,
        fields: Box::leak(places.clone().into_boxed_slice()),
        kept: &[],
        outputs: &[],
        field_gradients: &[],
        shaders,
        more_shaders: &[],
        loops: &[],
        resident: None,
        pass: |_| (),
        update: None,
    };
    let shaders = Box::leak(Box::new([odd("sums", Box::leak(wgsl.into_boxed_str()), [1, 1, 1], 0)]));
    let program = Program {
        name: "Sums",
        hash: 0,
        fields: Box::leak(fields.into_boxed_slice()),
        inputs: sizes.len(),
        parameters: &[],
        control: &[],
        skipped: None,
        non_finite: None,
        loss_terms: &[],
        sample_weight: None,
        parameter_floats: 0,
        trained_floats: 0,
        changed_floats: 0,
        ema: None,
        states: &[],
        scalars: &[],
        learning_rate: None,
        kept: &[],
        outputs: &[],
        metrics: &[],
        predict: schedule(&[]),
        evaluate: Some(schedule(shaders)),
        train: None,
        gradients: None,
        flops_per_sample: 0,
    };
    Box::leak(Box::new(program))
}

/// Gives the number of windows that it took.
fn gathers(gpu: &Gpu, sizes: &[usize]) -> u64 {
    let samples = 90;
    let backend = GpuBackend::new(gpu, sums(sizes)).unwrap();
    // Small whole numbers, whose sums are exact.
    let columns: Vec<Vec<f32>> =
        (0..sizes.len()).map(|f| (0..samples * sizes[f]).map(|i| ((i * 13 + f) % 32) as f32).collect()).collect();
    let data = Columns { fields: columns.iter().map(|column| &column[..]).collect(), samples };
    let data = backend.upload(data).unwrap();
    let order: Vec<u32> = (0..samples as u32).map(|i| i * 37 % 90).collect();
    let mut results = vec![];
    backend.evaluate(Steps { data: &data, order: &order, steps: &steps(&[65, 1, 24]) }, &mut [], &mut results).unwrap();
    let mut expected = vec![];
    for batch in [&order[..65], &order[65..66], &order[66..]] {
        for (column, &size) in columns.iter().zip(sizes) {
            let one = |s: usize, c: usize| column[batch[s] as usize * size + c] * weight(s, c) as f32;
            expected.push((0..batch.len()).flat_map(|s| (0..size).map(move |c| one(s, c))).sum::<f32>());
        }
    }
    assert_eq!(results, expected, "{sizes:?}");
    backend.counters().windows
}

const MAKES: [&[usize]; 7] = [&[1], &[4], &[1, 8, 3, 4], &[63], &[64], &[3, 100, 1], &[5, 77]];

#[test]
fn wide_and_narrow_records_in_fours_and_not() {
    let Some(gpu) = gpu() else { return };
    MAKES.iter().for_each(|sizes| assert_eq!(gathers(&gpu, sizes), 0));
}

#[test]
fn the_same_in_windows() {
    // The arena of 65 samples fits, and 90 records do not.
    let Some(gpu) = limited(|limits| limits.max_storage_buffer_binding_size = 30_000) else { return };
    assert_eq!(gathers(&gpu, &[3, 100, 1]), 2);
}
