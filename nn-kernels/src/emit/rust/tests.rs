//! Printed text, kernel by kernel. That it computes the right numbers is checked where it is compiled: by the tests of
//! random graphs.

mod indices;
mod reductions;

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
