//! A nest as Rust loops over vectors.
//!
//! Each value is computed as far outside as its axes allow. Names: `i2` is axis 2 (for the axis of the lanes, the first
//! lane's index), `n` how many lanes are in use, `v1_4` value 4 of stage 1, `m1_4` the same as truth values, `r0_1`
//! result 1 of stage 0, `t5` tensor 5, `w1_4` the part of a tensor from which value 4 of stage 1 is loaded, `x1_0` the one that its store 0
//! writes.

use std::collections::BTreeSet;

use super::nest::{Loops, Nest};
use super::place::{Place, Places, folds, outer_order};
use super::text::{self, Lines};
use super::vector::{self, Lanes, Walk};
use super::window::Windows;
use crate::graph::{Binary, Reduction, StepScalar, Unary};
use crate::ir::{Bound, Index, TensorId, Value, ValueId};

/// Everything that the loops' text depends on.
pub(super) struct Body<'a> {
    /// The path of the runtime's items.
    pub runtime: &'a str,
    pub nest: &'a Nest,
    pub lanes: Lanes,
    /// The plan's step scalars, in order.
    pub scalars: &'a [StepScalar],
    /// Tensors that are written: if the first axis is split between threads, they are the part that belongs to it.
    pub written: &'a BTreeSet<TensorId>,
    /// Whether the first axis may be split: then it counts from `first`, and runs over `rows`.
    pub split: bool,
    /// Whether it runs with vectors of 8 or of 16 lanes: then `width` says of how many.
    pub long: bool,
}

impl Body<'_> {
    /// The statements of the whole kernel; `s` is the token of the processor's vectors.
    pub(super) fn print(&self) -> Lines {
        let mut lines = Lines::default();
        let stages: Vec<StagePrinter<'_>> = (0..self.nest.stages.len()).map(|n| StagePrinter::new(self, n)).collect();
        let order = outer_order(self.nest, self.lanes);
        if self.long {
            lines.line("let width = s.width();");
        }
        for stream in self.streams() {
            lines.line(format!("let key{stream} = {}::Key::new(step, {stream});", self.runtime));
        }
        stages.iter().for_each(|s| s.early(&mut lines, 0));
        for (depth, &axis) in order.iter().enumerate() {
            let size = if axis == 0 && self.split { "rows".to_owned() } else { self.nest.outer[axis].text() };
            let whole = size != "rows" && self.nest.outer[axis].times.is_multiple_of(self.widest());
            let lanes = self.lanes == Lanes::Outer(axis);
            if lanes {
                stages.iter().for_each(|s| s.open_windows(&mut lines));
            }
            if lanes && size != "rows" && vector::overlaps(self.nest, axis, self.widest(), self.written) {
                self.open_overlapping(&mut lines, axis, &size);
            } else {
                self.open_loop(&mut lines, axis, &size, lanes, whole);
            }
            stages.iter().for_each(|s| s.early(&mut lines, depth + 1));
        }
        stages.iter().for_each(|s| s.print(&mut lines));
        order.iter().for_each(|_| lines.close("}"));
        lines
    }

    /// An index from the first row that there is, or from the first one that this thread does (`local`). The axis
    /// `lane`, if any, counts from the lane of that name.
    pub(super) fn index(&self, index: &Index, local: bool, lane: Option<usize>) -> String {
        text::index(index, &|axis| {
            let split = axis == 0 && self.split && !local;
            let name = if split { format!("first + i{axis}") } else { format!("i{axis}") };
            if lane == Some(axis) { format!("{name} + lane") } else { name }
        })
    }

    /// The head of a loop, over vectors if there are `lanes`; `whole` says that all of these are full.
    fn open_loop(&self, lines: &mut Lines, axis: usize, size: &str, lanes: bool, whole: bool) {
        if lanes {
            let width = self.width();
            lines.open(format!("for i{axis} in (0..{size}).step_by({width}) {{"));
            lines.line(match whole {
                true => format!("let n = {width};"),
                false => format!("let n = {width}.min({size} - i{axis});"),
            });
        } else {
            lines.open(format!("for i{axis} in 0..{size} {{"));
        }
    }

    /// The head of a loop over vectors whose last one begins early enough to be full.
    fn open_overlapping(&self, lines: &mut Lines, axis: usize, size: &str) {
        let width = self.width();
        lines.open(format!("for i{axis} in (0..{size}).step_by({width}) {{"));
        lines.line(format!("let i{axis} = i{axis}.min({size} - {width});"));
        lines.line(format!("let n = {width};"));
    }

    /// How many lanes the vectors have, as text.
    pub(super) fn width(&self) -> String {
        if self.long { "width".into() } else { format!("{}::LANES", self.runtime) }
    }

    /// How many lanes they have at most.
    pub(super) fn widest(&self) -> usize {
        if self.long { vector::LONG } else { vector::LANES }
    }

    /// The streams of random numbers that the kernel reads.
    fn streams(&self) -> BTreeSet<u32> {
        let values = self.nest.stages.iter().flat_map(|loops| &loops.stage.body);
        values.filter_map(|value| if let Value::Random { stream, .. } = value { Some(*stream) } else { None }).collect()
    }
}

/// Prints one stage.
pub(super) struct StagePrinter<'a> {
    pub(super) body: &'a Body<'a>,
    pub(super) n: usize,
    pub(super) loops: &'a Loops,
    pub(super) places: Places,
    /// The axis of the lanes.
    pub(super) along: Option<usize>,
    /// What is read and written through slices of its own.
    pub(super) windows: Windows,
}

impl<'a> StagePrinter<'a> {
    fn new(body: &'a Body<'a>, n: usize) -> Self {
        let along = vector::axis(body.nest, body.lanes, n);
        // A loop of one vector has nothing to gain, and one over rows no constant size.
        let windowed = along.filter(|&axis| {
            let size = body.nest.sizes(n)[axis];
            !size.batch && size.times > body.widest() && !(axis == 0 && body.split)
        });
        StagePrinter {
            body,
            n,
            loops: &body.nest.stages[n],
            places: Places::new(body.nest, body.lanes, n),
            along,
            windows: windowed.map_or_else(Windows::default, |axis| Windows::new(body.nest, n, axis, body.written)),
        }
    }

    /// Values that wait for nothing, behind `depth` outer loops.
    fn early(&self, lines: &mut Lines, depth: usize) {
        self.values(lines, |p| p == Place { depth, late: false });
    }

    fn values(&self, lines: &mut Lines, here: impl Fn(Place) -> bool) {
        for (i, &place) in self.places.of.iter().enumerate() {
            if here(place) && !self.places.absorbed[i] {
                self.value(lines, i);
            }
        }
    }

    fn print(&self, lines: &mut Lines) {
        let outer = self.body.nest.outer.len();
        let stage = &self.loops.stage;
        self.values(lines, |p| p.late && p.depth <= outer);
        let parts = self.parts();
        self.begin_reductions(lines, parts);
        for (at, size) in self.loops.inner.iter().enumerate() {
            let axis = outer + at;
            let whole = size.times.is_multiple_of(self.body.widest());
            if self.along == Some(axis) {
                self.open_windows(lines);
            }
            if parts > 1 && self.along == Some(axis) {
                self.open_parts(lines, axis, *size, parts);
                self.prefetch(lines, axis);
            } else {
                self.body.open_loop(lines, axis, &size.text(), self.along == Some(axis), whole);
            }
            self.values(lines, |p| p.depth == axis + 1);
        }
        (0..stage.reduce.len()).for_each(|slot| self.combine(lines, slot));
        for (i, store) in stage.stores.iter().enumerate() {
            let (t, value) = (store.tensor.0, self.number(store.value));
            if let (true, Some(axis)) = (self.stores_window(i), self.along) {
                lines.line(format!("s.store({}, i{axis}, n, {value});", self.store_window(i)));
                continue;
            }
            let at = self.body.index(&store.index, true, None);
            lines.line(match self.along.map_or(Some(0), |a| store.index.stride(a)) {
                Some(0) | None => format!("t{t}[{at}] = s.head({value});"),
                Some(1) => format!("s.store(t{t}, {at}, n, {value});"),
                Some(step) => format!("s.scatter(t{t}, {at}, {step}, n, {value});"),
            });
        }
        self.loops.inner.iter().for_each(|_| lines.close("}"));
        if parts > 1 {
            lines.close("}");
        }
        self.end_reductions(lines, parts);
    }

    fn get(&self, value: ValueId) -> &'a Value {
        &self.loops.stage.body[value.0 as usize]
    }

    /// The factors of a product that its only user computes.
    pub(super) fn absorbed(&self, value: ValueId) -> Option<(String, String)> {
        match self.get(value) {
            Value::Binary(_, a, b) if self.places.absorbed[value.0 as usize] => {
                Some((self.number(*a), self.number(*b)))
            }
            _ => None,
        }
    }

    fn is_truth(&self, value: ValueId) -> bool {
        matches!(self.get(value), Value::Binary(Binary::Less | Binary::LessEqual | Binary::Equal, ..))
    }

    /// A value as a vector of numbers.
    pub(super) fn number(&self, value: ValueId) -> String {
        let (n, i) = (self.n, value.0);
        if self.is_truth(value) { format!("s.number(m{n}_{i})") } else { format!("v{n}_{i}") }
    }

    /// A value as truth values.
    fn truth(&self, value: ValueId) -> String {
        let (n, i) = (self.n, value.0);
        if self.is_truth(value) { format!("m{n}_{i}") } else { format!("s.nonzero(v{n}_{i})") }
    }

    /// The statement that computes a value.
    fn value(&self, lines: &mut Lines, i: usize) {
        let id = ValueId(i as u32);
        let name = if self.is_truth(id) { format!("m{}_{i}", self.n) } else { format!("v{}_{i}", self.n) };
        let expression = match self.along {
            Some(axis) if self.loads_window(i) => format!("s.load({}, i{axis}, n)", self.load_window(i)),
            _ => self.expression(self.get(id)),
        };
        lines.line(format!("let {name} = {expression};"));
    }

    fn expression(&self, value: &Value) -> String {
        let number = |v: &ValueId| self.number(*v);
        let walk = |index: &Index| Walk::of(index, self.along);
        let first = |index: &Index| self.body.index(index, false, None);
        let lane = |index: &Index| self.body.index(index, false, self.along);
        match value {
            Value::Constant(c) => format!("s.splat({})", text::number(*c)),
            Value::Scalar(scalar) => {
                let at = self.body.scalars.iter().position(|s| s == scalar).expect("the plan lists every scalar");
                format!("s.splat(step.scalars[{at}])")
            }
            Value::Index(index) => match walk(index) {
                Walk::Step(step @ 0..) => format!("s.ramp({}, {step})", first(index)),
                Walk::Cycle(by) => {
                    let lanes: Vec<String> = (0..vector::LANES as i64).map(|i| format!("{}.0", i % by)).collect();
                    format!("s.vector([{}])", lanes.join(", "))
                }
                _ => format!("s.gather(n, |lane| ({}) as f32)", lane(index)),
            },
            Value::Random { stream, index } => match walk(index) {
                Walk::Step(step @ 0..) => format!("s.uniform(key{stream}, {}, {step})", first(index)),
                _ => format!("s.gather(n, |lane| key{stream}.uniform_at({}))", lane(index)),
            },
            Value::Load { tensor, index, within } => self.load(*tensor, index, within),
            Value::Gather { tensor, row, rows, stride, index } => self.gather(*tensor, *row, [*rows, *stride], index),
            Value::Within(within) => match self.conditions(within) {
                Conditions { all, lanes: None, each: false } => splat_if(&all, "1.0_f32"),
                Conditions { all, lanes: Some(lanes), each: false } => when(&all, &format!("s.ones({lanes})")),
                Conditions { .. } => {
                    format!("s.gather(n, |lane| if {} {{ 1.0 }} else {{ 0.0 }})", self.inside(within, self.along))
                }
            },
            Value::Reduced { stage, slot } => format!("r{stage}_{slot}"),
            Value::Unary(op, a) => format!("s.{}({})", unary(*op), number(a)),
            Value::Binary(op, a, b) => self.binary(*op, *a, *b),
            Value::Select(c, a, b) => format!("s.select({}, {}, {})", self.truth(*c), number(a), number(b)),
        }
    }

    fn load(&self, tensor: TensorId, index: &Index, within: &[Bound]) -> String {
        let local = self.body.written.contains(&tensor);
        let (t, n) = (format!("t{}", tensor.0), "n");
        let at = || self.body.index(index, local, None);
        let walk = Walk::of(index, self.along);
        match (self.conditions(within), walk) {
            (Conditions { all, lanes: None, each: false }, walk) => {
                let load = match walk {
                    Walk::Step(0) => return splat_if(&all, &format!("{t}[{}]", at())),
                    Walk::Step(1) => format!("s.load({t}, {}, {n})", at()),
                    Walk::Step(step @ 2) => format!("s.load_every({t}, {}, {step}, {n})", at()),
                    Walk::Repeated(times) => format!("s.load_repeated({t}, {}, {times}, {n})", at()),
                    _ => format!("s.gather({n}, |lane| {t}[{}])", self.body.index(index, local, self.along)),
                };
                when(&all, &load)
            }
            (Conditions { all, lanes: Some(lanes), each: false }, Walk::Step(step @ 1..)) => {
                when(&all, &format!("s.load_part({t}, {}, {step}, {lanes})", self.wrapping(index, local, None)))
            }
            _ => format!(
                "s.gather({n}, |lane| if {} {{ {t}[{}] }} else {{ 0.0 }})",
                self.inside(within, self.along),
                self.body.index(index, local, self.along)
            ),
        }
    }

    /// Elements of rows whose numbers are values: of one row, or of another one for each lane.
    fn gather(&self, tensor: TensorId, row: ValueId, [rows, stride]: [usize; 2], index: &Index) -> String {
        let (t, runtime, number) = (format!("t{}", tensor.0), self.body.runtime, self.number(row));
        let start = |number: &str, lane: Option<usize>| {
            let inside = match self.body.index(index, false, lane) {
                zero if zero == "0" => String::new(),
                index => format!(" + {index}"),
            };
            format!("{runtime}::row({number}, {rows}) * {stride}{inside}")
        };
        let of_lane = |lane: &str, number: &str| {
            let at = start(number, self.along);
            format!("{{ {lane}s.gather(n, |lane| {t}[{at}]) }}")
        };
        if self.differs(row) {
            return of_lane(&format!("let numbers = s.lanes({number}); "), "numbers[lane]");
        }
        match Walk::of(index, self.along) {
            Walk::Step(0) => format!("s.splat({t}[{}])", start(&format!("s.head({number})"), None)),
            Walk::Step(1) => format!("s.load({t}, {}, n)", start(&format!("s.head({number})"), None)),
            _ => of_lane(&format!("let number = s.head({number}); "), "number"),
        }
    }

    /// Whether a value is the sum of exponentials of distances to the largest: between 1 and their number, so that nothing is lost by
    /// multiplying with its reciprocal. Negligible ones may count as 0.
    fn is_sum_of_softmax(&self, value: ValueId) -> bool {
        let Value::Reduced { stage, slot } = *self.get(value) else { return false };
        let (how, term) = self.body.nest.stages[stage].stage.reduce[slot];
        let body = &self.body.nest.stages[stage].stage.body;
        let term = match body[term.0 as usize] {
            Value::Select(_, zero, term) if matches!(body[zero.0 as usize], Value::Constant(0.0)) => term,
            _ => term,
        };
        let Value::Unary(Unary::Exp, distance) = body[term.0 as usize] else { return false };
        let Value::Binary(Binary::Subtract, _, largest) = body[distance.0 as usize] else { return false };
        let Value::Reduced { stage, slot } = body[largest.0 as usize] else { return false };
        how == Reduction::Sum && self.body.nest.stages[stage].stage.reduce[slot].0 == Reduction::Maximum
    }

    /// Whether a value may differ from lane to lane.
    fn differs(&self, value: ValueId) -> bool {
        let Some(axis) = self.along else { return false };
        let value = self.get(value);
        let is_outer = matches!(self.body.lanes, Lanes::Outer(_));
        value.indices().any(|index| index.uses(axis))
            || (is_outer && matches!(value, Value::Reduced { .. }))
            || value.operands().any(|operand| self.differs(operand))
    }

    /// Sorts bounds by how they look at a vector's lanes.
    fn conditions(&self, within: &[Bound]) -> Conditions {
        let runtime = self.body.runtime;
        let step_of = |b: &Bound| match Walk::of(&b.index, self.along) {
            Walk::Step(step) => Some(step),
            _ => None,
        };
        let all: Vec<Bound> = within.iter().filter(|b| step_of(b) == Some(0)).cloned().collect();
        let mut rest = within.iter().filter(|b| step_of(b) != Some(0));
        let (first, second) = (rest.next(), rest.next());
        let lanes = match (first, second) {
            (Some(b), None) if b.step == 1 => step_of(b).map(|step| {
                format!("{runtime}::lanes_within({}, {step}, {}, n)", self.wrapping(&b.index, false, None), b.end)
            }),
            _ => None,
        };
        Conditions {
            all: (!all.is_empty()).then(|| self.inside(&all, None)),
            each: first.is_some() && lanes.is_none(),
            lanes,
        }
    }

    /// An index that may be below 0, which then is counted from `usize`'s end.
    fn wrapping(&self, index: &Index, local: bool, lane: Option<usize>) -> String {
        let (plus, minus) = index.signs();
        let plus_text = self.body.index(&plus, local, lane);
        if minus == Index::default() {
            return plus_text;
        }
        let kind = if plus.terms.is_empty() { "_usize" } else { "" };
        format!("usize::wrapping_sub({plus_text}{kind}, {})", self.body.index(&minus, local, lane))
    }

    /// A condition: whether a point is within all bounds. An index below 0 wraps to a huge number, so that one comparison
    /// does for both ends.
    fn inside(&self, within: &[Bound], lane: Option<usize>) -> String {
        let one = |bound: &Bound| {
            let index = match self.wrapping(&bound.index, false, lane) {
                text if text.contains(' ') && !text.starts_with("usize::") => format!("({text})"),
                text => text,
            };
            match bound.step {
                1 => format!("{index} < {}", bound.end),
                step => format!("{index} < {} && {index} % {step} == 0", bound.end),
            }
        };
        within.iter().map(one).collect::<Vec<_>>().join(" && ")
    }

    fn binary(&self, op: Binary, a: ValueId, b: ValueId) -> String {
        let (left, right) = (self.absorbed(a), self.absorbed(b));
        let in_front = |v: ValueId| self.places.of[v.0 as usize] == Place { depth: 0, late: false };
        let hoists = in_front(b) && !in_front(a) || self.is_sum_of_softmax(b);
        let (a, number_b) = (self.number(a), self.number(b));
        match (op, left, right, self.get(b)) {
            (Binary::Add, _, Some((x, y)), _) => format!("s.mul_add({x}, {y}, {a})"),
            (Binary::Add, Some((x, y)), None, _) => format!("s.mul_add({x}, {y}, {number_b})"),
            (Binary::Subtract, _, Some((x, y)), _) => format!("s.neg_mul_add({x}, {y}, {a})"),
            (Binary::Subtract, Some((x, y)), None, _) => format!("s.mul_sub({x}, {y}, {number_b})"),
            // One division in front of the loops instead of one in each: the same number within one and a half units.
            (Binary::Divide, _, _, divisor @ Value::Constant(c)) if folds(divisor) => {
                format!("s.mul({a}, s.splat({}))", text::number(1.0 / c))
            }
            (Binary::Divide, _, _, Value::Constant(_)) => format!("s.div({a}, {number_b})"),
            (Binary::Divide, ..) if hoists => format!("s.mul({a}, s.reciprocal({number_b}))"),
            _ => format!("s.{}({a}, {number_b})", function(op)),
        }
    }
}

/// Bounds, by how they look at a vector's lanes.
struct Conditions {
    /// A condition that is the same for all lanes.
    all: Option<String>,
    /// Which lanes are within: some neighbouring ones.
    lanes: Option<String>,
    /// Whether there are bounds that have to be asked for each lane.
    each: bool,
}

/// A vector, or zeros where a condition does not hold.
fn when(condition: &Option<String>, vector: &str) -> String {
    match condition {
        Some(condition) => format!("if {condition} {{ {vector} }} else {{ s.splat(0.0) }}"),
        None => vector.to_owned(),
    }
}

/// A number in all lanes, or 0 where a condition does not hold.
fn splat_if(condition: &Option<String>, number: &str) -> String {
    match condition {
        Some(condition) => format!("s.splat(if {condition} {{ {number} }} else {{ 0.0 }})"),
        None => format!("s.splat({number})"),
    }
}

fn unary(op: Unary) -> &'static str {
    match op {
        Unary::Negate => "neg",
        Unary::Exp => "exp",
        Unary::ExpM1 => "exp_m1",
        Unary::Log => "ln",
        Unary::Log1p => "ln_1p",
        Unary::Sqrt => "sqrt",
        Unary::Reciprocal => "reciprocal",
        Unary::Abs => "abs",
        Unary::Sign => "sign",
        Unary::Floor => "floor",
        Unary::Tanh => "tanh",
        Unary::Sigmoid => "sigmoid",
        Unary::Erf => "erf",
        Unary::Sin => "sin",
        Unary::Cos => "cos",
        Unary::ToHalf => "to_half",
        Unary::IsFinite => "is_finite",
    }
}

fn function(op: Binary) -> &'static str {
    match op {
        Binary::Add => "add",
        Binary::Subtract => "sub",
        Binary::Multiply => "mul",
        Binary::Divide => "div",
        Binary::Power => "pow",
        Binary::Minimum => "min",
        Binary::Maximum => "max",
        Binary::Less => "less",
        Binary::LessEqual => "less_equal",
        Binary::Equal => "equal",
    }
}
