//! Printed text, kernel by kernel. That it computes the right numbers is checked where it is compiled: by the tests of
//! random graphs.

use super::*;
use crate::graph::{Binary, Extent, Reduction, StepScalar, Unary};
use crate::ir::{Bound, Stage, Store, ValueId};
use crate::plan::{Place, Tensor, View};

const B: Extent = Extent::Batch;

fn size(n: usize) -> Extent {
    Extent::Size(n)
}

/// `Σ coefficient * axis`.
fn at(terms: &[(usize, i64)]) -> Index {
    terms.iter().fold(Index::default(), |i, (a, c)| i.plus(&Index::axis(*a).times(*c)))
}

fn load(tensor: u32, index: Index) -> Value {
    Value::Load { tensor: TensorId(tensor), index, within: vec![] }
}

fn binary(op: Binary, a: u32, b: u32) -> Value {
    Value::Binary(op, ValueId(a), ValueId(b))
}

fn store(tensor: u32, index: Index, value: u32) -> Store {
    Store { tensor: TensorId(tensor), index, value: ValueId(value) }
}

/// The stage that stores the first stage's reduction.
fn result(tensor: u32, index: Index) -> Stage {
    Stage {
        body: vec![Value::Reduced { stage: 0, slot: 0 }],
        stores: vec![store(tensor, index, 0)],
        ..Stage::default()
    }
}

fn kernel(outer: &[Extent], stages: Vec<Stage>) -> Kernel {
    Kernel { name: "k".into(), outer: outer.to_vec(), stages, covers: vec![] }
}

/// The statements of the kernel's loops, without indentation.
fn body(kernel: &Kernel) -> Vec<String> {
    let text = source(kernel, 3);
    let run = text.split("= self;\n").nth(1).expect("the kernel has loops");
    let mut lines: Vec<String> = run.lines().map(|l| l.trim().to_owned()).collect();
    // The braces of the function and of the implementation.
    lines.truncate(lines.len() - 2);
    lines
}

/// All that is printed for one kernel of `tensors` batched tensors with 16 floats a sample, in a network that is not small.
fn source(kernel: &Kernel, tensors: usize) -> String {
    source_within(kernel, tensors, 1 << 20)
}

/// The same in a network of so many multiply-adds.
fn source_within(kernel: &Kernel, tensors: usize, work: u64) -> String {
    let tensor = |i| Tensor { name: String::new(), batch: true, dims: vec![16], place: Place::Sample(16 * i) };
    let schedule = Schedule {
        kernels: vec![kernel.clone()],
        update: 1,
        tensors: (0..tensors).map(tensor).collect(),
        ..Schedule::default()
    };
    let plan = Plan { multiply_adds_per_sample: work, ..plan() };
    print(&plan, &schedule, "train", "rt", &mut Items::default(), &[]).source
}

fn plan() -> Plan {
    Plan {
        name: "Net".into(),
        scalars: vec![StepScalar::LearningRate, StepScalar::InverseBatch],
        multiply_adds_per_sample: 1 << 20,
        ..Plan::default()
    }
}

#[test]
fn a_map_as_a_whole() {
    let stage = Stage {
        body: vec![
            load(0, at(&[(0, 16), (1, 1)])),
            load(1, at(&[(1, 1)])),
            binary(Binary::Add, 0, 1),
            Value::Unary(Unary::Tanh, ValueId(2)),
        ],
        stores: vec![store(2, at(&[(0, 16), (1, 1)]), 3)],
        ..Stage::default()
    };
    let text = source(&kernel(&[B, size(16)], vec![stage]), 3);
    let expected = "\
pub(super) fn train_pass(cx: &mut rt::Pass<'_>) {
    train_00_k(cx);
}

fn train_00_k(cx: &mut rt::Pass<'_>) {
    let batch = cx.step.batch as usize;
    let capacity = cx.step.capacity as usize;
    let [t0, t1, t2] = rt::disjoint(cx.arena, [0..batch * 16, capacity * 16..capacity * 16 + batch * 16, \
                    capacity * 32..capacity * 32 + batch * 16]);
    rt::dispatch_wide(Train00K { batch, t0, t1, t2 });
}

struct Train00K<'a> {
    batch: usize,
    t0: &'a [f32],
    t1: &'a [f32],
    t2: &'a mut [f32],
}

impl rt::WideKernel for Train00K<'_> {
    #[inline(always)]
    fn run<S: rt::Wide>(self, s: S) {
        use rt::Vectors as _;
        let s = s.long();
        let Self { batch, t0, t1, t2 } = self;
        let width = s.width();
        for i0 in 0..batch {
            for i1 in (0..16).step_by(width) {
                let n = width;
                let v0_0 = s.load(t0, i0 * 16 + i1, n);
                let v0_1 = s.load(t1, i1, n);
                let v0_2 = s.add(v0_0, v0_1);
                let v0_3 = s.tanh(v0_2);
                s.store(t2, i0 * 16 + i1, n, v0_3);
            }
        }
    }
}
";
    assert_eq!(text, expected);
}

#[test]
fn only_what_computes_much_along_wide_axes_has_long_vectors() {
    let map = |value: Value, from: Index, floats: usize| {
        let body = vec![load(0, from), value];
        let stage = Stage { body, stores: vec![store(2, at(&[(0, 1)]), 1)], ..Stage::default() };
        source(&kernel(&[size(floats)], vec![stage]), 3).contains("s.long()")
    };
    let unary = |op| Value::Unary(op, ValueId(0));
    let here = || at(&[(0, 1)]);
    assert!(map(unary(Unary::Exp), here(), 12));
    assert!(map(Value::Random { stream: 1, index: here() }, here(), 12));
    // What is cheap waits for memory anyway; one vector of eight lanes is enough; the others need lanes one by one.
    assert!(!map(unary(Unary::Sqrt), here(), 12));
    assert!(!map(unary(Unary::Exp), here(), 8));
    assert!(!map(unary(Unary::Sin), here(), 12));
    assert!(!map(unary(Unary::Exp), at(&[(0, 2)]), 12));
    // Nor is it worth anything where the function stands in front of the loop.
    assert!(!map(unary(Unary::Exp), Index::default(), 12));
}

/// The statements of a softmax of rows of 300, of all exponentials or without negligible ones.
fn softmax(all: bool) -> Vec<String> {
    let row = || at(&[(0, 300), (1, 1)]);
    let stage = |body, reduce, stores| Stage { inner: vec![size(300)], body, reduce, stores };
    let exponential = || {
        let largest = Value::Reduced { stage: 0, slot: 0 };
        vec![load(0, row()), largest, binary(Binary::Subtract, 0, 1), Value::Unary(Unary::Exp, ValueId(2))]
    };
    let mut summed = exponential();
    let mut term = ValueId(3);
    if !all {
        let is_negligible = binary(Binary::LessEqual, 2, 4);
        let selected = Value::Select(ValueId(5), ValueId(6), term);
        summed.extend([Value::Constant(-60.0), is_negligible, Value::Constant(0.0), selected]);
        term = ValueId(7);
    }
    let mut divided = exponential();
    divided.extend([Value::Reduced { stage: 1, slot: 0 }, binary(Binary::Divide, 3, 4)]);
    body(&kernel(
        &[B],
        vec![
            stage(vec![load(0, row())], vec![(Reduction::Maximum, ValueId(0))], vec![]),
            stage(summed, vec![(Reduction::Sum, term)], vec![]),
            stage(divided, vec![], vec![store(2, row(), 5)]),
        ],
    ))
}

#[test]
fn a_softmax_sums_in_the_order_of_sixteen_lanes_and_divides_once_a_row() {
    let lines = softmax(true);
    for line in [
        "let mut r0_0 = [s.splat(-3.4028235e38_f32); 4];",
        "for i1 in (0..300).step_by(4 * rt::LANES) {",
        "for part in 0..4 * rt::LANES / width {",
        "let r0_0 = s.splat(s.largest_of_parts(r0_0));",
        "let mut r1_0 = [s.splat(0.0_f32); 2];",
        "for i1 in (0..300).step_by(2 * rt::LANES) {",
        "for part in 0..2 * rt::LANES / width {",
        "let i1 = i1 + part * width;",
        "if i1 >= 300 { break; }",
        "let n = width.min(300 - i1);",
        "r1_0[part] = s.add(r1_0[part], s.only(v1_3, n, 0.0_f32));",
        "let r1_0 = s.splat(s.sum_of_parts(r1_0));",
        "for i1 in (0..300).step_by(width) {",
        "let v2_2 = s.mul(v2_0, s.reciprocal(v2_1));",
    ] {
        assert!(lines.iter().any(|l| l == line), "`{line}` is not in {lines:#?}");
    }
    let divides = "let v2_2 = s.mul(v2_0, s.reciprocal(v2_1));";
    assert!(softmax(false).iter().any(|line| line == divides), "without negligible ones");
}

#[test]
fn a_small_network_is_one_region() {
    let stage = Stage {
        body: vec![load(0, at(&[(0, 16), (1, 1)]))],
        stores: vec![store(1, at(&[(0, 16), (1, 1)]), 0)],
        ..Stage::default()
    };
    let text = source_within(&kernel(&[B, size(16)], vec![stage]), 2, 300);
    let expected = "\
pub(super) fn train_pass(cx: &mut rt::Pass<'_>) {
    rt::dispatch_wide(TrainPass { cx });
}

struct TrainPass<'a, 'b> {
    cx: &'a mut rt::Pass<'b>,
}

impl rt::WideKernel for TrainPass<'_, '_> {
    #[inline(always)]
    fn run<S: rt::Wide>(self, s: S) {
        let Self { cx } = self;
        train_00_k(s, cx);
    }
}

#[inline(always)]
fn train_00_k<S: rt::Wide>(s: S, cx: &mut rt::Pass<'_>) {
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("    rt::Kernel::run(Train00K { batch, t0, t1 }, s);\n"), "{text}");
}

#[test]
fn a_sum_over_the_batch_runs_beside_the_vectors() {
    let sum = Stage {
        inner: vec![B],
        body: vec![load(0, at(&[(0, 1), (1, 64)])), binary(Binary::Multiply, 0, 0)],
        reduce: vec![(Reduction::Sum, ValueId(1))],
        stores: vec![],
    };
    let end = result(2, at(&[(0, 1)]));
    let expected = [
        "let x1_0 = &mut t1[..64];",
        "for i0 in (0..64).step_by(rt::LANES) {",
        "let n = rt::LANES;",
        "let mut r0_0 = s.splat(0.0_f32);",
        "for i1 in 0..batch {",
        "let v0_0 = s.load(t0, i0 + i1 * 64, n);",
        "r0_0 = s.mul_add(v0_0, v0_0, r0_0);",
        "}",
        "let v1_0 = r0_0;",
        "s.store(x1_0, i0, n, v1_0);",
        "}",
    ];
    assert_eq!(body(&kernel(&[size(64)], vec![sum, end])), expected);
}

#[test]
fn a_row_combines_lanes_and_hoists_what_it_can() {
    // exp(x - max of the row) / learning rate, and the row's number.
    let row = at(&[(0, 64), (1, 1)]);
    let largest = Stage {
        inner: vec![size(64)],
        body: vec![load(0, row.clone())],
        reduce: vec![(Reduction::Maximum, ValueId(0))],
        stores: vec![],
    };
    let out = Stage {
        inner: vec![size(64)],
        body: vec![
            load(0, row.clone()),
            Value::Reduced { stage: 0, slot: 0 },
            binary(Binary::Subtract, 0, 1),
            Value::Unary(Unary::Exp, ValueId(2)),
            Value::Scalar(StepScalar::LearningRate),
            binary(Binary::Divide, 3, 4),
            Value::Index(Index::axis(0)),
            binary(Binary::Add, 5, 6),
        ],
        reduce: vec![],
        stores: vec![store(2, row, 7)],
    };
    let expected = [
        "let width = s.width();",
        "let v1_4 = s.splat(step.scalars[0]);",
        "for i0 in 0..rows {",
        "let v1_6 = s.ramp(first + i0, 0);",
        "let mut r0_0 = [s.splat(-3.4028235e38_f32); 2];",
        "let w0_0 = &t0[(first + i0) * 64..][..64];",
        "for i1 in (0..64).step_by(2 * rt::LANES) {",
        "for part in 0..2 * rt::LANES / width {",
        "let i1 = i1 + part * width;",
        "let n = width;",
        "if part * width % 16 == 0 { rt::prefetch(t0, (first + i0) * 64 + i1 + 64); }",
        "let v0_0 = s.load(w0_0, i1, n);",
        "r0_0[part] = s.max(r0_0[part], s.only(v0_0, n, -3.4028235e38_f32));",
        "}",
        "}",
        "let r0_0 = s.splat(s.largest_of_parts(r0_0));",
        "let v1_1 = r0_0;",
        "let w1_0 = &t0[(first + i0) * 64..][..64];",
        "let x1_0 = &mut t1[i0 * 64..][..64];",
        "for i1 in (0..64).step_by(width) {",
        "let n = width;",
        "let v1_0 = s.load(w1_0, i1, n);",
        "let v1_2 = s.sub(v1_0, v1_1);",
        "let v1_3 = s.exp(v1_2);",
        "let v1_5 = s.mul(v1_3, s.reciprocal(v1_4));",
        "let v1_7 = s.add(v1_5, v1_6);",
        "s.store(x1_0, i1, n, v1_7);",
        "}",
        "}",
    ];
    assert_eq!(body(&kernel(&[B], vec![largest, out])), expected);
}

#[test]
fn long_reductions_have_several_parts_and_ask_for_the_next_run() {
    // The sum of each of 16 channels over a batch of images, as batch normalization needs it.
    let sum = |side: usize| {
        let (image, pixel) = ((16 * side * side) as i64, (side * side) as i64);
        vec![
            Stage {
                inner: vec![B, size(side * side)],
                body: vec![load(0, at(&[(0, pixel), (1, image), (2, 1)]))],
                reduce: vec![(Reduction::Sum, ValueId(0))],
                stores: vec![],
            },
            result(1, at(&[(0, 1)])),
        ]
    };
    // Seven parts of eight lanes go into 784.
    let text = source(&kernel(&[size(16)], sum(28)), 2);
    for line in [
        "let mut r0_0 = [s.splat(0.0_f32); 7];",
        "for i2 in (0..784).step_by(7 * rt::LANES) {",
        "for part in 0..7 {",
        "if part % 2 == 0 { rt::prefetch(t0, (first + i0) * 784 + i1 * 12544 + i2 + 12544); }",
        "r0_0[part] = s.add(r0_0[part], s.only(v0_0, n, 0.0_f32));",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
    assert!(!text.contains("break"));
    // Nothing goes into 196, which ends within a round of four and within a vector.
    let text = source(&kernel(&[size(16)], sum(14)), 2);
    for line in ["if i2 >= 196 { break; }", "let n = rt::LANES.min(196 - i2);", "s.add(r0_0[0], r0_0[1])"] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
    // Short ones stay as they are.
    assert!(!source(&kernel(&[size(16)], sum(8)), 2).contains("part"));
}

#[test]
fn what_stands_in_front_of_a_loop_makes_no_sum_heavy() {
    // The sum of squares of a channel's elements over its deviation, which is computed once.
    let pixels = at(&[(0, 256), (1, 4096), (2, 1)]);
    let stage = Stage {
        inner: vec![B, size(256)],
        body: vec![
            load(0, pixels),
            load(1, at(&[(0, 1)])),
            Value::Unary(Unary::Exp, ValueId(1)),
            binary(Binary::Multiply, 0, 2),
            binary(Binary::Multiply, 3, 3),
        ],
        reduce: vec![(Reduction::Sum, ValueId(3)), (Reduction::Sum, ValueId(4))],
        stores: vec![],
    };
    let out = Stage {
        body: vec![Value::Reduced { stage: 0, slot: 0 }, Value::Reduced { stage: 0, slot: 1 }],
        stores: vec![store(2, at(&[(0, 1)]), 0), store(3, at(&[(0, 1)]), 1)],
        ..Stage::default()
    };
    let text = source(&kernel(&[size(16)], vec![stage, out]), 4);
    for line in ["let mut r0_1 = [s.splat(0.0_f32); 4];", "for i2 in (0..256).step_by(4 * rt::LANES) {"] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
}

#[test]
fn the_last_vector_of_a_pool_begins_early_enough_to_be_full() {
    let pool = |columns: usize| {
        let width = columns as i64;
        let largest = Stage {
            inner: vec![size(2), size(2)],
            body: vec![load(0, at(&[(0, 4 * width), (1, 2), (2, 2 * width), (3, 1)]))],
            reduce: vec![(Reduction::Maximum, ValueId(0))],
            stores: vec![],
        };
        let out = result(1, at(&[(0, width), (1, 1)]));
        source(&kernel(&[B, size(columns)], vec![largest, out]), 2)
    };
    assert!(pool(14).contains("let i1 = i1.min(14 - rt::LANES);"), "{}", pool(14));
    for columns in [7, 16] {
        assert!(
            !pool(columns).contains(".min(7 - rt::LANES)") && !pool(columns).contains("i1.min(16"),
            "{}",
            pool(columns)
        );
    }
}

#[test]
fn a_large_tensor_makes_no_small_network() {
    let stage = Stage {
        body: vec![load(0, at(&[(0, 16), (1, 1)]))],
        stores: vec![store(1, at(&[(0, 16), (1, 1)]), 0)],
        ..Stage::default()
    };
    let kernel = kernel(&[B, size(16)], vec![stage]);
    let schedule =
        |sample_floats| Schedule { kernels: vec![kernel.clone()], update: 1, sample_floats, ..Schedule::default() };
    let small = |floats| is_one_region(&Plan { predict: schedule(floats), multiply_adds_per_sample: 0, ..plan() });
    assert!(small(64) && !small(12_544));
}

#[test]
fn comparisons_stay_truth_values() {
    let point = at(&[(0, 1)]);
    let stage = Stage {
        body: vec![
            load(0, point.clone()),
            Value::Constant(0.5),
            binary(Binary::Less, 0, 1),
            Value::Select(ValueId(2), ValueId(0), ValueId(1)),
            Value::Select(ValueId(0), ValueId(2), ValueId(3)),
        ],
        stores: vec![store(2, point, 4)],
        ..Stage::default()
    };
    let expected = [
        "let v0_1 = s.splat(0.5_f32);",
        "let w0_0 = &t0[..64];",
        "let x0_0 = &mut t1[..64];",
        "for i0 in (0..64).step_by(rt::LANES) {",
        "let n = rt::LANES;",
        "let v0_0 = s.load(w0_0, i0, n);",
        "let m0_2 = s.less(v0_0, v0_1);",
        "let v0_3 = s.select(m0_2, v0_0, v0_1);",
        "let v0_4 = s.select(s.nonzero(v0_0), s.number(m0_2), v0_3);",
        "s.store(x0_0, i0, n, v0_4);",
        "}",
    ];
    assert_eq!(body(&kernel(&[size(64)], vec![stage])), expected);
}

#[test]
fn crooked_indices_gather_lane_by_lane() {
    let extents = [size(64)];
    let third = Index::axis(0).div(3, &extents);
    let shifted = Index::axis(0).plus_constant(-5).clamp(0, 40, &extents);
    let stage = Stage {
        body: vec![
            load(0, third.clone()),
            load(1, shifted),
            Value::Index(third),
            Value::Random { stream: 7, index: Index::axis(0) },
            load(0, at(&[(0, 2)])),
            binary(Binary::Add, 0, 1),
        ],
        stores: vec![store(2, at(&[(0, 2)]), 5)],
        ..Stage::default()
    };
    let expected = [
        "let key7 = rt::Key::new(step, 7);",
        "for i0 in (0..64).step_by(rt::LANES) {",
        "let n = rt::LANES;",
        "let v0_0 = s.gather(n, |lane| t0[(i0 + lane) / 3]);",
        "let v0_1 = s.gather(n, |lane| t1[Ord::clamp(i0 + lane, 5, 45) - 5]);",
        "let v0_2 = s.gather(n, |lane| ((i0 + lane) / 3) as f32);",
        "let v0_3 = s.uniform(key7, i0, 1);",
        "let v0_4 = s.load_every(t0, i0 * 2, 2, n);",
        "let v0_5 = s.add(v0_0, v0_1);",
        "s.scatter(t2, i0 * 2, 2, n, v0_5);",
        "}",
    ];
    assert_eq!(body(&kernel(&[size(64)], vec![stage])), expected);
}

#[test]
fn windows_over_edges_read_parts_of_vectors() {
    // Windows of 3 x 3 at a distance of 2 x 1, over an image of 8 x 4 with a margin of 1.
    let bound = |index: Index, end| Bound { index: index.plus_constant(-1), end, step: 1 };
    let (row, column) = (at(&[(1, 1), (3, 1)]), at(&[(2, 2), (4, 1)]));
    let index = at(&[(0, 16), (1, 4), (2, 2), (3, 4), (4, 1)]).plus_constant(-5);
    let within = vec![bound(row, 8), bound(column, 4)];
    let stage = Stage {
        inner: vec![size(3), size(3)],
        body: vec![
            Value::Load { tensor: TensorId(0), index, within: within.clone() },
            Value::Within(within),
            binary(Binary::Add, 0, 1),
        ],
        reduce: vec![(Reduction::Maximum, ValueId(2))],
        stores: vec![],
    };
    let end = result(2, at(&[(0, 16), (1, 16), (2, 1)]));
    let lanes = "rt::lanes_within(usize::wrapping_sub(i2 * 2 + i4, 1), 2, 4, n)";
    let expected = [
        "for i0 in 0..batch {".to_owned(),
        "for i1 in 0..8 {".to_owned(),
        "let x1_0 = &mut t1[i0 * 16 + i1 * 16..][..16];".to_owned(),
        "for i2 in (0..16).step_by(rt::LANES) {".to_owned(),
        "let n = rt::LANES;".to_owned(),
        "let mut r0_0 = s.splat(-3.4028235e38_f32);".to_owned(),
        "for i3 in 0..3 {".to_owned(),
        "for i4 in 0..3 {".to_owned(),
        format!(
            "let v0_0 = if usize::wrapping_sub(i1 + i3, 1) < 8 {{ s.load_part(t0, usize::wrapping_sub(i0 * 16 + i1 * 4 \
             + i2 * 2 + i3 * 4 + i4, 5), 2, {lanes}) }} else {{ s.splat(0.0) }};"
        ),
        format!("let v0_1 = if usize::wrapping_sub(i1 + i3, 1) < 8 {{ s.ones({lanes}) }} else {{ s.splat(0.0) }};"),
        "let v0_2 = s.add(v0_0, v0_1);".to_owned(),
        "r0_0 = s.max(r0_0, v0_2);".to_owned(),
        "}".to_owned(),
        "}".to_owned(),
        "let v1_0 = r0_0;".to_owned(),
        "s.store(x1_0, i2, n, v1_0);".to_owned(),
        "}".to_owned(),
        "}".to_owned(),
        "}".to_owned(),
    ];
    assert_eq!(body(&kernel(&[B, size(8), size(16)], vec![stage, end])), expected);
}

#[test]
fn doubled_elements_are_read_once() {
    // The gradient of windows of 2 that tile a row: window i / 2, number i % 2 in it.
    let extents = [B, size(16)];
    let index = |i: Index| Value::Load { tensor: TensorId(0), index: at(&[(0, 8)]).plus(&i), within: vec![] };
    let stage = Stage {
        body: vec![
            index(Index::axis(1).div(2, &extents)),
            Value::Index(Index::axis(1).modulo(2, &extents)),
            binary(Binary::Multiply, 0, 1),
        ],
        stores: vec![store(2, at(&[(0, 16), (1, 1)]), 2)],
        ..Stage::default()
    };
    let expected = [
        "for i0 in 0..batch {",
        "let x0_0 = &mut t1[i0 * 16..][..16];",
        "for i1 in (0..16).step_by(rt::LANES) {",
        "let n = rt::LANES;",
        "let v0_0 = s.load_repeated(t0, i0 * 8 + i1 / 2, 2, n);",
        "let v0_1 = s.vector([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);",
        "let v0_2 = s.mul(v0_0, v0_1);",
        "s.store(x0_0, i1, n, v0_2);",
        "}",
        "}",
    ];
    assert_eq!(body(&kernel(&[B, size(16)], vec![stage])), expected);
}

#[test]
fn a_sum_over_a_large_batch_is_split_by_channels() {
    let sum = Stage {
        inner: vec![B, size(784)],
        body: vec![load(0, at(&[(0, 784), (1, 12544), (2, 1)]))],
        reduce: vec![(Reduction::Sum, ValueId(0))],
        stores: vec![],
    };
    let end = result(1, at(&[(0, 1)]));
    let text = source(&kernel(&[size(16)], vec![sum, end]), 2);
    // Rows of any number, since vectors run along positions; the work counts the batch.
    assert!(text.contains("rt::split_rows(16, 4 + batch * 3136, 1, [(&mut *t1, 1)],"), "{text}");
}

#[test]
fn a_large_map_in_place_is_split_between_threads() {
    let point = at(&[(0, 1)]);
    let stage = Stage {
        body: vec![load(2, point.clone()), load(0, point.clone()), binary(Binary::Subtract, 0, 1)],
        stores: vec![store(2, point, 2)],
        ..Stage::default()
    };
    let text = source(&kernel(&[size(1 << 24)], vec![stage]), 3);
    for line in [
        "rt::split_rows(16777216, 13, 16, [(&mut *t1, 1)], &|first, rows, [t1]| rt::dispatch(Train00K { first, rows, t0, t1 }));",
        "for i0 in (0..rows).step_by(rt::LANES) {",
        // What is written is this thread's part; what is only read is whole.
        "let v0_0 = s.load(t1, i0, n);",
        "let v0_1 = s.load(t0, first + i0, n);",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn the_update_has_a_function_of_its_own() {
    let point = at(&[(0, 1)]);
    let stage = Stage {
        body: vec![load(0, point.clone()), load(1, point.clone()), load(2, point.clone())],
        stores: vec![store(0, point.clone(), 1), store(2, point, 0)],
        ..Stage::default()
    };
    let kernel = kernel(&[size(4)], vec![stage]);
    let tensor = |place| Tensor { name: String::new(), batch: false, dims: vec![4], place };
    let schedule = Schedule {
        kernels: vec![kernel],
        tensors: [Place::Parameters(0), Place::Gradients(0), Place::State(1, 0)].map(tensor).to_vec(),
        ..Schedule::default()
    };
    let mut lines = Lines::default();
    let tensors: Vec<memory::Seen<'_>> = (0..3).map(|t| memory::Seen::of(&schedule, TensorId(t))).collect();
    let written = [TensorId(0), TensorId(2)].into();
    lines.block(&memory::bind("rt", memory::Arenas::of(&schedule), &tensors, &written, true));
    let expected = "\
let [t1] = rt::disjoint(cx.gradients, [0..4]);
let [t0] = rt::disjoint(cx.parameters, [0..4]);
let [t2] = rt::states(cx.states, [1]);
";
    assert_eq!(lines.into_text(), expected);
}

#[test]
fn a_row_of_a_tensor_that_is_read_as_a_whole_is_a_part_of_it() {
    let tensor = |offset| Tensor { name: String::new(), batch: true, dims: vec![8, 2], place: Place::Sample(offset) };
    let view = View { of: [TensorId(0); 2], start: 12, step: -4 };
    let schedule = Schedule {
        tensors: [0, 0, 16].map(tensor).to_vec(),
        views: [(TensorId(1), view)].into(),
        ..Schedule::default()
    };
    let tensors: Vec<memory::Seen<'_>> = (0..3).map(|t| memory::Seen::of(&schedule, TensorId(t))).collect();
    let text = |written: TensorId| {
        let mut lines = Lines::default();
        lines.block(&memory::bind("rt", memory::Arenas::of(&schedule), &tensors, &[written].into(), false));
        lines.into_text()
    };
    let expected = "\
let [t0, t2] = rt::disjoint(cx.arena, [0..batch * 16, capacity * 16..capacity * 16 + batch * 16]);
let t0 = &*t0;
let t1 = &t0[12 - loop_step * 4..];
";
    assert_eq!(text(TensorId(2)), expected);
    assert!(text(TensorId(1)).contains("[t0, t1, t2]"), "what is written is nobody else's");
}

#[test]
fn kernels_that_are_equal_are_printed_once() {
    let map = |tensor| Stage {
        body: vec![load(tensor, at(&[(0, 1)]))],
        stores: vec![store(tensor + 1, at(&[(0, 1)]), 0)],
        ..Stage::default()
    };
    let tensor = |offset| Tensor { name: String::new(), batch: false, dims: vec![4], place: Place::Fixed(offset) };
    // The second kernel differs in the numbers of its tensors alone, the third in their places.
    let schedule = Schedule {
        kernels: [0, 2, 1].map(|t| kernel(&[size(4)], vec![map(t)])).to_vec(),
        update: 3,
        tensors: [0, 4, 0, 4].map(tensor).to_vec(),
        ..Schedule::default()
    };
    let mut items = Items::default();
    let [first, second] = ["predict", "evaluate"].map(|name| print(&plan(), &schedule, name, "rt", &mut items, &[]));
    assert_eq!(first.kernels, ["predict_00_k", "predict_00_k", "predict_02_k"]);
    assert_eq!([first.source.matches("fn predict_0").count(), first.source.matches("struct ").count()], [2, 1]);
    assert_eq!(second.kernels, first.kernels);
    assert_eq!(second.source.matches("fn ").count(), 1, "{}", second.source);
}

#[test]
fn printing_is_deterministic_and_free_of_unsafe() {
    let stage = Stage {
        body: vec![load(0, at(&[(0, 1)]))],
        stores: vec![store(2, at(&[(0, 1)]), 0), store(1, at(&[(0, 1)]), 0)],
        ..Stage::default()
    };
    let kernel = kernel(&[size(64)], vec![stage]);
    let text = source(&kernel, 3);
    assert_eq!(text, source(&kernel, 3));
    assert!(!text.contains("unsafe"));
}

#[test]
fn products_are_added_as_they_are_multiplied_where_no_lane_is_cut_off() {
    // The sum of squares of each row.
    let squares = |columns: usize| {
        let sum = Stage {
            inner: vec![size(columns)],
            body: vec![load(0, at(&[(0, columns as i64), (1, 1)])), binary(Binary::Multiply, 0, 0)],
            reduce: vec![(Reduction::Sum, ValueId(1))],
            stores: vec![],
        };
        let end = result(1, at(&[(0, 1)]));
        source(&kernel(&[B], vec![sum, end]), 2)
    };
    assert!(squares(64).contains("r0_0 = s.mul_add(v0_0, v0_0, r0_0);"), "{}", squares(64));
    assert!(squares(60).contains("r0_0 = s.add(r0_0, s.only(v0_1, n, 0.0_f32));"), "{}", squares(60));
}

#[test]
fn what_a_kernel_writes_more_than_once_or_reads_back_has_no_window() {
    let row = at(&[(0, 128), (1, 1)]);
    let text = |body: Vec<Value>, stores: Vec<Store>| {
        source(&kernel(&[B, size(64)], vec![Stage { body, stores, ..Stage::default() }]), 2)
    };
    let shifted = row.clone().plus_constant(64);
    for text in [
        text(vec![load(0, row.clone())], vec![store(1, row.clone(), 0), store(1, shifted, 0)]),
        text(vec![load(1, row.clone())], vec![store(1, row, 0)]),
    ] {
        assert!(!text.contains("let x0_") && text.contains("s.store(t"), "{text}");
    }
}
