//! Kernels made by hand, one or more for each archetype, to test printers apart from the compiler.

use nn_kernels::graph::{Binary, Extent, Reduction, StepScalar, Unary};
use nn_kernels::ir::{Index, Kernel, Stage, Store, TensorId, Value, ValueId, validate};
use nn_kernels::plan::{Place, Plan, Schedule, Tensor};

use Extent::{Batch, Size};

/// A schedule in the making: tensors are placed as they are declared.
#[derive(Default)]
pub struct Maker {
    schedule: Schedule,
    parameters: usize,
    states: usize,
}

impl Maker {
    pub fn sample(&mut self, name: &str, dims: &[usize]) -> TensorId {
        let place = Place::Sample(self.schedule.sample_floats);
        self.schedule.sample_floats += dims.iter().product::<usize>();
        self.tensor(name, true, dims, place)
    }

    pub fn fixed(&mut self, name: &str, dims: &[usize]) -> TensorId {
        let place = Place::Fixed(self.schedule.fixed_floats);
        self.schedule.fixed_floats += dims.iter().product::<usize>().next_multiple_of(4);
        self.tensor(name, false, dims, place)
    }

    pub fn parameter(&mut self, name: &str, dims: &[usize]) -> TensorId {
        let place = Place::Parameters(self.parameters);
        self.parameters += dims.iter().product::<usize>().next_multiple_of(4);
        self.tensor(name, false, dims, place)
    }

    pub fn gradient(&mut self, name: &str, offset: usize, dims: &[usize]) -> TensorId {
        self.parameters = self.parameters.max(offset + dims.iter().product::<usize>().next_multiple_of(4));
        self.tensor(name, false, dims, Place::Gradients(offset))
    }

    pub fn state(&mut self, name: &str, number: usize, dims: &[usize]) -> TensorId {
        self.states = self.states.max(number + 1);
        self.tensor(name, false, dims, Place::State(number, 0))
    }

    pub fn result(&mut self, name: &str, dims: &[usize]) -> TensorId {
        let place = Place::Results(self.schedule.result_floats);
        self.schedule.result_floats += dims.iter().product::<usize>();
        self.tensor(name, false, dims, place)
    }

    fn tensor(&mut self, name: &str, batch: bool, dims: &[usize], place: Place) -> TensorId {
        self.schedule.tensors.push(Tensor { name: name.to_owned(), batch, dims: dims.to_vec(), place });
        TensorId(self.schedule.tensors.len() as u32 - 1)
    }

    pub fn kernel(mut self, name: &str, outer: &[Extent], stages: Vec<Stage>) -> (Plan, Schedule) {
        let kernel =
            Kernel { name: name.to_owned(), outer: outer.to_vec(), stages, covers: vec![format!("{name}: by hand")] };
        validate(&kernel, self.schedule.tensors.len()).expect("a valid kernel");
        self.schedule.kernels.push(kernel);
        self.schedule.levels.push(0..1);
        self.schedule.update = 1;
        let plan = Plan {
            trained_floats: 0,
            control: vec![],
            skipped: None,
            non_finite: None,
            loss_terms: vec![],
            sample_weight: None,
            changed_floats: 0,
            stepwise: None,
            ema: None,
            name: "test".to_owned(),
            fields: vec![],
            inputs: 0,
            parameters: vec![],
            parameter_floats: self.parameters,
            states: vec![0.0; self.states],
            scalars: vec![
                StepScalar::InverseBatch,
                StepScalar::LearningRate,
                StepScalar::BiasCorrection(0.9),
                StepScalar::BiasCorrection(0.999),
            ],
            learning_rate: Some(0.01),
            outputs: vec![],
            kept: vec![],
            metrics: vec![],
            predict: Schedule::default(),
            evaluate: None,
            train: None,
            gradients: None,
            flops_per_sample: 0,
            multiply_adds_per_sample: 0,
        };
        (plan, self.schedule)
    }
}

fn v(i: u32) -> ValueId {
    ValueId(i)
}

fn at(coefficients: &[i64]) -> Index {
    let terms = coefficients.iter().enumerate();
    terms.fold(Index::default(), |sum, (axis, &c)| sum.plus(&Index::axis(axis).times(c)))
}

fn load(tensor: TensorId, coefficients: &[i64]) -> Value {
    Value::Load { tensor, index: at(coefficients), within: vec![] }
}

fn store(tensor: TensorId, coefficients: &[i64], value: u32) -> Store {
    Store { tensor, index: at(coefficients), value: v(value) }
}

fn product_stage(a: Value, b: Value, inner: &[Extent]) -> Stage {
    Stage {
        inner: inner.to_vec(),
        body: vec![a, b, Value::Binary(Binary::Multiply, v(0), v(1))],
        reduce: vec![(Reduction::Sum, v(2))],
        stores: vec![],
    }
}

/// Every elementwise function, on rows of `n`.
pub fn elementwise(n: usize) -> (Plan, Schedule) {
    use Unary::*;
    let mut m = Maker::default();
    let (x, y) = (m.sample("x", &[n]), m.sample("y", &[n]));
    let s = n as i64;
    let mut body = vec![load(x, &[s, 1]), load(y, &[s, 1]), Value::Unary(Abs, v(0))];
    let mut stores = vec![];
    let mut add = |m: &mut Maker, body: &mut Vec<Value>, value: Value, name: String| {
        body.push(value);
        let out = m.sample(&name, &[n]);
        stores.push(store(out, &[s, 1], body.len() as u32 - 1));
    };
    for op in [Negate, Exp, ExpM1, Reciprocal, Abs, Sign, Floor, Tanh, Sigmoid, Erf, Sin, Cos] {
        add(&mut m, &mut body, Value::Unary(op, v(0)), format!("{op:?}"));
    }
    for op in [Log, Log1p, Sqrt] {
        add(&mut m, &mut body, Value::Unary(op, v(2)), format!("{op:?}"));
    }
    use Binary::*;
    for op in [Add, Subtract, Multiply, Divide, Minimum, Maximum, Less, LessEqual, Equal] {
        add(&mut m, &mut body, Value::Binary(op, v(0), v(1)), format!("{op:?}"));
    }
    add(&mut m, &mut body, Value::Binary(Power, v(2), v(1)), "Power".into());
    body.push(Value::Unary(Floor, v(1)));
    let whole = v(body.len() as u32 - 1);
    add(&mut m, &mut body, Value::Binary(Power, v(0), whole), "PowerWhole".into());
    body.push(Value::Binary(Less, v(0), v(1)));
    let less = v(body.len() as u32 - 1);
    add(&mut m, &mut body, Value::Select(less, v(1), v(2)), "Select".into());
    add(&mut m, &mut body, Value::Select(v(0), v(1), v(2)), "SelectNumber".into());
    for op in [ToHalf, IsFinite] {
        add(&mut m, &mut body, Value::Unary(op, v(0)), format!("{op:?}"));
    }
    let stages = vec![Stage { stores, body, ..Stage::default() }];
    m.kernel("elementwise", &[Batch, Size(n)], stages)
}

/// A dropout mask: random numbers against a constant.
pub fn dropout(n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, out) = (m.sample("x", &[n]), m.sample("out", &[n]));
    let s = n as i64;
    let body = vec![
        Value::Random { stream: 3, index: at(&[s, 1]) },
        Value::Constant(0.25),
        Value::Binary(Binary::LessEqual, v(1), v(0)),
        load(x, &[s, 1]),
        Value::Constant(1.0 / 0.75),
        Value::Binary(Binary::Multiply, v(3), v(4)),
        Value::Constant(0.0),
        Value::Select(v(2), v(5), v(6)),
        Value::Index(at(&[0, 1])),
        Value::Binary(Binary::Add, v(7), v(8)),
    ];
    let stages = vec![Stage { body, stores: vec![store(out, &[s, 1], 9)], ..Stage::default() }];
    m.kernel("dropout", &[Batch, Size(n)], stages)
}

/// Softmax over rows of `n`: three stages, two of which reduce.
pub fn softmax(n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, out) = (m.sample("x", &[n]), m.sample("out", &[n]));
    let s = n as i64;
    let reduce = |how, body: Vec<Value>| Stage {
        inner: vec![Size(n)],
        reduce: vec![(how, v(body.len() as u32 - 1))],
        body,
        stores: vec![],
    };
    let exp = || {
        vec![
            load(x, &[s, 1]),
            Value::Reduced { stage: 0, slot: 0 },
            Value::Binary(Binary::Subtract, v(0), v(1)),
            Value::Unary(Unary::Exp, v(2)),
        ]
    };
    let mut last = exp();
    last.extend([Value::Reduced { stage: 1, slot: 0 }, Value::Binary(Binary::Divide, v(3), v(4))]);
    let stages = vec![
        reduce(Reduction::Maximum, vec![load(x, &[s, 1])]),
        reduce(Reduction::Sum, exp()),
        Stage { inner: vec![Size(n)], body: last, reduce: vec![], stores: vec![store(out, &[s, 1], 5)] },
    ];
    m.kernel("softmax", &[Batch], stages)
}

/// The mean loss and the largest element, over the batch and two more axes.
pub fn mean_over_batch() -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, out) = (m.sample("x", &[3, 5]), m.result("loss", &[2]));
    let stages = vec![
        Stage {
            inner: vec![Batch, Size(3), Size(5)],
            body: vec![load(x, &[15, 5, 1])],
            reduce: vec![(Reduction::Sum, v(0)), (Reduction::Maximum, v(0))],
            stores: vec![],
        },
        Stage {
            body: vec![
                Value::Reduced { stage: 0, slot: 0 },
                Value::Scalar(StepScalar::InverseBatch),
                Value::Binary(Binary::Multiply, v(0), v(1)),
                Value::Reduced { stage: 0, slot: 1 },
            ],
            stores: vec![
                Store { tensor: out, index: Index::constant(0), value: v(2) },
                Store { tensor: out, index: Index::constant(1), value: v(3) },
            ],
            ..Stage::default()
        },
    ];
    m.kernel("mean", &[], stages)
}

/// The gradient of a bias: many sums over the batch.
pub fn bias_gradient(n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, out) = (m.sample("x", &[n]), m.gradient("bias", 4, &[n]));
    let s = n as i64;
    let stages = vec![
        Stage {
            inner: vec![Batch],
            body: vec![load(x, &[1, s])],
            reduce: vec![(Reduction::Sum, v(0))],
            stores: vec![],
        },
        Stage {
            body: vec![Value::Reduced { stage: 0, slot: 0 }],
            stores: vec![store(out, &[1], 0)],
            ..Stage::default()
        },
    ];
    m.kernel("bias_gradient", &[Size(n)], stages)
}

/// `relu(x W' + b)`, with the weight in PyTorch's layout.
pub fn dense(k: usize, n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, w) = (m.sample("x", &[k]), m.parameter("hidden.dense.weight", &[n, k]));
    let (b, out) = (m.parameter("hidden.dense.bias", &[n]), m.sample("hidden", &[n]));
    let (kk, nn) = (k as i64, n as i64);
    let stages = vec![
        product_stage(load(x, &[kk, 0, 1]), load(w, &[0, kk, 1]), &[Size(k)]),
        Stage {
            body: vec![
                Value::Reduced { stage: 0, slot: 0 },
                load(b, &[0, 1]),
                Value::Binary(Binary::Add, v(0), v(1)),
                Value::Constant(0.0),
                Value::Binary(Binary::Maximum, v(2), v(3)),
            ],
            stores: vec![store(out, &[nn, 1], 4)],
            ..Stage::default()
        },
    ];
    m.kernel("dense", &[Batch, Size(n)], stages)
}

/// A dense layer in mixed precision: what it reads is f16.
pub fn dense_of_halves(k: usize, n: usize) -> (Plan, Schedule) {
    let (plan, mut schedule) = dense(k, n);
    (schedule.fixed_halves, schedule.sample_halves) = (n * k, k);
    (schedule.tensors[0].place, schedule.tensors[1].place) = (Place::HalfSample(0), Place::HalfFixed(0));
    (plan, schedule)
}

/// The gradient with respect to a dense layer's input, through the relu before it.
pub fn input_gradient(k: usize, n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (d, w) = (m.sample("d", &[n]), m.parameter("weight", &[n, k]));
    let (x, out) = (m.sample("x", &[k]), m.sample("out", &[k]));
    let (kk, nn) = (k as i64, n as i64);
    let stages = vec![
        product_stage(load(d, &[nn, 0, 1]), load(w, &[0, 1, kk]), &[Size(n)]),
        Stage {
            body: vec![
                Value::Reduced { stage: 0, slot: 0 },
                load(x, &[kk, 1]),
                Value::Constant(0.0),
                Value::Binary(Binary::Less, v(2), v(1)),
                Value::Select(v(3), v(0), v(2)),
            ],
            stores: vec![store(out, &[kk, 1], 4)],
            ..Stage::default()
        },
    ];
    m.kernel("input_gradient", &[Batch, Size(k)], stages)
}

/// The gradient of a dense layer's weight: a product reduced over the batch.
pub fn weight_gradient(k: usize, n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (d, x) = (m.sample("d", &[n]), m.sample("x", &[k]));
    let out = m.gradient("weight", 8, &[n, k]);
    let (kk, nn) = (k as i64, n as i64);
    let stages = vec![
        product_stage(load(d, &[1, 0, nn]), load(x, &[0, 1, kk]), &[Batch]),
        Stage {
            body: vec![Value::Reduced { stage: 0, slot: 0 }],
            stores: vec![store(out, &[kk, 1], 0)],
            ..Stage::default()
        },
    ];
    m.kernel("weight_gradient", &[Size(n), Size(k)], stages)
}

/// Attention's scores: for each sample and head, `q k'`; rows and columns both lie in steps.
pub fn batched_product(heads: usize, length: usize, width: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let total = heads * width;
    let (q, k) = (m.sample("q", &[length, heads, width]), m.sample("k", &[length, heads, width]));
    let out = m.sample("out", &[heads, length, length]);
    let (s, l, t, w) = ((length * total) as i64, length as i64, total as i64, width as i64);
    let stages = vec![
        product_stage(load(q, &[s, w, t, 0, 1]), load(k, &[s, w, 0, t, 1]), &[Size(width)]),
        Stage {
            body: vec![Value::Reduced { stage: 0, slot: 0 }],
            stores: vec![store(out, &[heads as i64 * l * l, l * l, l, 1], 0)],
            ..Stage::default()
        },
    ];
    m.kernel("scores", &[Batch, Size(heads), Size(length), Size(length)], stages)
}

/// `linear` on a sequence whose operands are named the other way round, reduced over two axes.
pub fn linear_swapped(length: usize, k: usize, n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, w) = (m.sample("x", &[length, k, 2]), m.parameter("weight", &[n, k, 2]));
    let out = m.sample("out", &[length, n]);
    let (l, kk, nn) = (length as i64, k as i64, n as i64);
    let stages = vec![
        product_stage(load(w, &[0, 0, 2 * kk, 2, 1]), load(x, &[l * kk * 2, kk * 2, 0, 2, 1]), &[Size(k), Size(2)]),
        Stage {
            body: vec![
                Value::Reduced { stage: 0, slot: 0 },
                Value::Unary(Unary::Tanh, v(0)),
                Value::Index(at(&[0, 0, 1])),
                Value::Binary(Binary::Add, v(1), v(2)),
            ],
            stores: vec![store(out, &[l * nn, nn, 1], 3)],
            ..Stage::default()
        },
    ];
    m.kernel("linear", &[Batch, Size(length), Size(n)], stages)
}

/// An Adam step on all parameters.
pub fn adam(n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let p = m.parameter("parameters", &[n]);
    let g = m.gradient("gradients", 0, &[n]);
    let (m1, m2) = (m.state("mean", 0, &[n]), m.state("square", 1, &[n]));
    let op = |o, a, b| Value::Binary(o, v(a), v(b));
    use Binary::*;
    let body = vec![
        load(p, &[1]),
        load(g, &[1]),
        load(m1, &[1]),
        load(m2, &[1]),
        Value::Constant(0.9),
        Value::Constant(0.1),
        op(Multiply, 2, 4),
        op(Multiply, 1, 5),
        op(Add, 6, 7), // 8: mean
        Value::Constant(0.999),
        Value::Constant(0.001),
        op(Multiply, 1, 1),
        op(Multiply, 3, 9),
        op(Multiply, 11, 10),
        op(Add, 12, 13), // 14: square
        Value::Scalar(StepScalar::BiasCorrection(0.9)),
        Value::Scalar(StepScalar::BiasCorrection(0.999)),
        op(Divide, 8, 15),
        op(Divide, 14, 16),
        Value::Unary(Unary::Sqrt, v(18)),
        Value::Constant(1e-8),
        op(Add, 19, 20),
        op(Divide, 17, 21),
        Value::Scalar(StepScalar::LearningRate),
        op(Multiply, 22, 23),
        op(Subtract, 0, 24),
    ];
    let stores = vec![store(p, &[1], 25), store(m1, &[1], 8), store(m2, &[1], 14)];
    m.kernel("adam", &[Size(n)], vec![Stage { body, stores, ..Stage::default() }])
}

/// `[a, b]` along the last axis, transposed: clamped indices, a select, quotients and remainders.
pub fn concat(left: usize, right: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (a, b) = (m.sample("a", &[left]), m.sample("b", &[right]));
    let n = left + right;
    let out = m.sample("out", &[n]);
    let extents = [Batch, Size(n)];
    let part = |tensor, start: usize, len: usize| {
        let within = Index::axis(1).plus_constant(-(start as i64)).clamp(0, len as i64 - 1, &extents);
        Value::Load { tensor, index: Index::axis(0).times(len as i64).plus(&within), within: vec![] }
    };
    let parity = Index::axis(1).modulo(2, &extents).plus(&Index::axis(1).div(3, &extents));
    let body = vec![
        part(a, 0, left),
        part(b, left, right),
        Value::Index(at(&[0, 1])),
        Value::Constant(left as f64),
        Value::Binary(Binary::Less, v(2), v(3)),
        Value::Select(v(4), v(0), v(1)),
        Value::Index(parity),
        Value::Binary(Binary::Add, v(5), v(6)),
    ];
    let stages = vec![Stage { body, stores: vec![store(out, &[n as i64, 1], 7)], ..Stage::default() }];
    m.kernel("concat", &[Batch, Size(n)], stages)
}

/// A long row: its sum and its product with weights, then all of it divided by the sum; a fixed tensor takes part.
pub fn long_row(n: usize) -> (Plan, Schedule) {
    let mut m = Maker::default();
    let (x, scale) = (m.sample("x", &[n]), m.fixed("scale", &[n]));
    let (out, dot) = (m.sample("out", &[n]), m.sample("dot", &[]));
    let s = n as i64;
    let stages = vec![
        Stage {
            inner: vec![Size(n)],
            body: vec![load(x, &[s, 1]), load(scale, &[0, 1]), Value::Binary(Binary::Multiply, v(0), v(1))],
            reduce: vec![(Reduction::Sum, v(0)), (Reduction::Sum, v(2))],
            stores: vec![],
        },
        Stage {
            body: vec![
                Value::Reduced { stage: 0, slot: 1 },
                Value::Constant(2.0),
                Value::Binary(Binary::Multiply, v(0), v(1)),
            ],
            stores: vec![store(dot, &[1], 2)],
            ..Stage::default()
        },
        Stage {
            inner: vec![Size(n)],
            body: vec![
                load(x, &[s, 1]),
                Value::Reduced { stage: 0, slot: 0 },
                Value::Binary(Binary::Divide, v(0), v(1)),
            ],
            reduce: vec![],
            stores: vec![store(out, &[s, 1], 2)],
        },
    ];
    m.kernel("long_row", &[Batch], stages)
}

/// All of them, in sizes that hit the edges: aligned and not, whole blocks and not.
pub fn all() -> Vec<(Plan, Schedule)> {
    vec![
        elementwise(8),
        elementwise(7),
        dropout(12),
        dropout(5),
        softmax(10),
        softmax(1000),
        mean_over_batch(),
        bias_gradient(128),
        bias_gradient(10),
        dense(784, 128),
        dense(128, 64),
        dense(64, 10),
        dense(30, 33),
        dense(16, 1),
        dense(1, 16),
        input_gradient(128, 64),
        input_gradient(64, 10),
        input_gradient(33, 30),
        weight_gradient(784, 128),
        weight_gradient(64, 10),
        weight_gradient(35, 30),
        dense(300, 2),
        batched_product(2, 7, 8),
        batched_product(3, 8, 5),
        linear_swapped(6, 5, 12),
        linear_swapped(6, 5, 7),
        adam(1000),
        concat(3, 5),
        concat(4, 3),
        long_row(700),
        long_row(3000),
    ]
}
