//! Loops that combine: rows, statistics, pools.

use super::*;

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
