//! How elements are read and written, whatever their indices.

use super::*;

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
