//! A stage's body as WGSL: for one point, or for four neighbours along an axis at once.

use super::Binding;
use super::math::Helper;
use super::printer::Printer;
use super::text::{self, Text};
use crate::graph::{Binary, Reduction, Unary};
use crate::ir::{Index, Stage, Store, TensorId, Value, ValueId};

/// A printed value.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) text: String,
    /// vec4<f32>, one number for each of four points; otherwise an f32 that all of them share.
    pub(super) wide: bool,
    /// Needs no parentheses as an operand.
    atomic: bool,
}

impl Expr {
    pub(super) fn name(text: impl Into<String>, wide: bool) -> Self {
        Expr { text: text.into(), wide, atomic: true }
    }

    /// The text, in parentheses where an operand needs them.
    fn operand(&self) -> String {
        if self.atomic { self.text.clone() } else { format!("({})", self.text) }
    }

    /// The value as an f32 or vec4<f32>, whichever is wanted; only a shared number can be widened.
    pub(super) fn as_wide(&self, wide: bool) -> String {
        if wide && !self.wide { format!("vec4<f32>({})", self.text) } else { self.text.clone() }
    }
}

/// Where a body is printed.
pub(super) struct Place<'e> {
    /// The stage's number in its kernel.
    pub(super) stage: usize,
    /// What the axes are called: outer ones, then the stage's inner ones.
    pub(super) axes: &'e [String],
    /// The axis along which four neighbours are done at once, from the named position on.
    pub(super) lanes: Option<usize>,
    /// The results of earlier stages.
    pub(super) reduced: &'e [Vec<Expr>],
    /// What was printed before the stage's loops, by [`Printer::invariants`].
    pub(super) known: &'e [Option<Expr>],
}

/// Results above this length get a name of their own instead of standing in the middle of an expression.
const INLINE: usize = 40;

impl Printer<'_> {
    /// Prints a stage's body; the values can then be named in stores and reductions.
    pub(super) fn body(&mut self, out: &mut Text, stage: &Stage, place: &Place) -> Vec<Expr> {
        let uses = count_uses(stage);
        let mut values: Vec<Expr> = vec![];
        for (i, &used) in uses.iter().enumerate() {
            let known = place.known.get(i).cloned().flatten();
            values.push(match known {
                Some(expr) => expr,
                None if used == 0 => Expr::name("0.0", false),
                None => self.named(out, stage, &values, i, used, place),
            });
        }
        values
    }

    /// Prints, before a stage is printed in loops or several times, what is the same whatever the value of the `moving` axes:
    /// drivers cannot move loads past stores. `results_move` says whether the results of earlier stages differ too.
    pub(super) fn invariants(
        &mut self,
        out: &mut Text,
        stage: &Stage,
        place: &Place,
        moving: &[usize],
        results_move: bool,
    ) -> Vec<Option<Expr>> {
        let uses = count_uses(stage);
        let kernel = self.kernel;
        let mut values: Vec<Expr> = vec![];
        let mut known: Vec<Option<Expr>> = vec![];
        for (i, value) in stage.body.iter().enumerate() {
            let moves = value.indices().any(|index| moving.iter().any(|&axis| index.uses(axis)))
                || (results_move && matches!(value, Value::Reduced { .. }))
                || matches!(value, Value::Load { tensor, .. } | Value::Gather { tensor, .. } if kernel.writes(*tensor))
                || value.operands().any(|v| known[v.0 as usize].is_none());
            known.push((!moves && uses[i] > 0).then(|| self.named(out, stage, &values, i, uses[i], place)));
            values.push(known[i].clone().unwrap_or_else(|| Expr::name("0.0", false)));
        }
        known
    }

    /// A value that is used so often, under a name of its own unless it can stand where it is used.
    fn named(&mut self, out: &mut Text, stage: &Stage, values: &[Expr], i: usize, uses: usize, place: &Place) -> Expr {
        let value = &stage.body[i];
        let expr = self.value(stage, values, value, place);
        // Loads always get a name: an expression must not move behind a store.
        let inline = match value {
            Value::Constant(_) | Value::Scalar(_) | Value::Reduced { .. } => true,
            Value::Load { .. } | Value::Gather { .. } | Value::Random { .. } => false,
            _ => uses == 1 && expr.text.len() <= INLINE,
        };
        if inline {
            return expr;
        }
        let name = if place.stage == 0 { format!("v{i}") } else { format!("v{}_{i}", place.stage) };
        out.line(format!("let {name} = {};", expr.text));
        Expr::name(name, expr.wide)
    }

    /// Prints a stage's stores.
    pub(super) fn stores(&mut self, out: &mut Text, stores: &[Store], values: &[Expr], place: &Place) {
        for Store { tensor, index, value } in stores {
            let offset = text::index(index, place.axes);
            let address = self.address(*tensor, &offset);
            let value = &values[value.0 as usize];
            match place.lanes {
                None => self.store(out, *tensor, &address, &value.text),
                Some(axis) if self.is_aligned(*tensor, index, axis) => {
                    let group = value.as_wide(true);
                    let binding = self.binding(*tensor);
                    if self.packed.contains(&binding) || binding == Binding::Halves {
                        self.store_group(out, *tensor, &address, &group);
                    } else {
                        self.store_four(out, *tensor, &address, 1, value);
                    }
                }
                Some(axis) => {
                    let stride = index.stride(axis).expect("stores are affine");
                    self.store_four(out, *tensor, &address, stride, value);
                }
            }
        }
    }

    fn store_four(&mut self, out: &mut Text, tensor: crate::ir::TensorId, address: &str, stride: i64, value: &Expr) {
        for (lane, component) in ["x", "y", "z", "w"].iter().enumerate() {
            let address = text::sum(address, &format!("{}u", (lane as i64 * stride) as u32));
            let one = if value.wide { format!("{}.{component}", value.operand()) } else { value.text.clone() };
            self.store(out, tensor, &address, &one);
        }
    }

    fn value(&mut self, stage: &Stage, values: &[Expr], value: &Value, place: &Place) -> Expr {
        let v = |id: &ValueId| values[id.0 as usize].clone();
        match value {
            Value::Constant(c) => {
                let text = text::float(*c);
                Expr { atomic: !text.starts_with('-'), text, wide: false }
            }
            Value::Scalar(scalar) => Expr::name(self.scalar(*scalar), false),
            Value::Reduced { stage, slot } => place.reduced[*stage][*slot].clone(),
            Value::Index(index) => {
                self.for_lanes(place, value, |_, axes| format!("f32(i32({}))", text::index(index, axes)))
            }
            Value::Random { stream, index } => self.for_lanes(place, value, |printer, axes| {
                printer.call(Helper::Random, false, &[&text::index(index, axes), &format!("{stream}u")])
            }),
            Value::Load { tensor, index, within } => {
                if let Some(axis) = place.lanes
                    && within.is_empty()
                    && self.is_aligned(*tensor, index, axis)
                {
                    let address = self.address(*tensor, &text::index(index, place.axes));
                    return Expr::name(self.load_group(*tensor, &address), true);
                }
                self.for_lanes(place, value, |printer, axes| {
                    let address = printer.address(*tensor, &text::index(index, axes));
                    let element = printer.load(*tensor, &address);
                    match within.is_empty() {
                        true => element,
                        false => format!("select(0.0, {element}, {})", text::within(within, axes)),
                    }
                })
            }
            Value::Gather { tensor, row, rows, stride, index } => {
                self.gather(*tensor, &v(row), [*rows, *stride], index, place)
            }
            Value::Within(within) => {
                self.for_lanes(place, value, |_, axes| format!("select(0.0, 1.0, {})", text::within(within, axes)))
            }
            Value::Unary(op, a) => self.unary(*op, &v(a)),
            Value::Binary(op, a, b) => self.binary(*op, &v(a), &v(b)),
            Value::Select(c, a, b) => {
                let (c, a, b) = (condition(stage, values, *c), v(a), v(b));
                let wide = c.wide || a.wide || b.wide;
                let zero = if wide && !c.wide { format!("vec4<bool>({})", c.text) } else { c.text };
                Expr::name(format!("select({}, {}, {zero})", b.as_wide(wide), a.as_wide(wide)), wide)
            }
        }
    }

    /// Elements of rows whose numbers are values: four of one row where they lie together.
    fn gather(
        &mut self,
        tensor: TensorId,
        row: &Expr,
        [rows, stride]: [usize; 2],
        index: &Index,
        place: &Place,
    ) -> Expr {
        let address = |printer: &mut Self, row: &str, axes: &[String]| {
            let first = format!("u32(clamp({row}, 0.0, {})) * {stride}u", text::float(rows as f64 - 1.0));
            let offset = text::sum(&first, &text::index(index, axes));
            printer.address(tensor, &offset)
        };
        let Some(axis) = place.lanes.filter(|&axis| row.wide || index.uses(axis)) else {
            let address = address(self, &row.text, place.axes);
            return Expr::name(self.load(tensor, &address), false);
        };
        if !row.wide && stride.is_multiple_of(4) && self.is_aligned(tensor, index, axis) {
            let address = address(self, &row.text, place.axes);
            return Expr::name(self.load_group(tensor, &address), true);
        }
        let lanes = ["x", "y", "z", "w"].iter().enumerate().map(|(lane, component)| {
            let mut axes = place.axes.to_vec();
            if lane > 0 {
                axes[axis] = format!("({} + {lane}u)", axes[axis]);
            }
            let row = if row.wide { format!("{}.{component}", row.operand()) } else { row.text.clone() };
            let address = address(self, &row, &axes);
            self.load(tensor, &address)
        });
        let lanes: Vec<String> = lanes.collect();
        Expr::name(format!("vec4<f32>({})", lanes.join(", ")), true)
    }

    /// Something that depends on indices: one f32, or one for each lane where an index depends on the lane, or for each two that have the
    /// same ones. `print` gets the names of the axes.
    fn for_lanes(
        &mut self,
        place: &Place,
        value: &Value,
        mut print: impl FnMut(&mut Self, &[String]) -> String,
    ) -> Expr {
        let Some(axis) = place.lanes else { return Expr::name(print(self, place.axes), false) };
        let mut lane = |lane: usize| {
            let mut axes = place.axes.to_vec();
            if lane > 0 {
                axes[axis] = format!("({} + {lane}u)", axes[axis]);
            }
            print(self, &axes)
        };
        match value.repeats(axis) {
            4 => Expr::name(lane(0), false),
            2 => Expr::name(format!("vec4<f32>(vec2<f32>({}), vec2<f32>({}))", lane(0), lane(2)), true),
            _ => Expr::name(format!("vec4<f32>({})", [0, 1, 2, 3].map(lane).join(", ")), true),
        }
    }

    fn unary(&mut self, op: Unary, a: &Expr) -> Expr {
        let wide = a.wide;
        let builtin = |name: &str| Expr::name(format!("{name}({})", a.text), wide);
        let helper = match op {
            Unary::Negate => return Expr { text: format!("-{}", a.operand()), wide, atomic: false },
            Unary::Reciprocal => return Expr { text: format!("1.0 / {}", a.operand()), wide, atomic: false },
            Unary::Sqrt => return builtin("sqrt"),
            Unary::Abs => return builtin("abs"),
            Unary::Sign => return builtin("sign"),
            Unary::Floor => return builtin("floor"),
            Unary::Exp => Helper::Exp,
            Unary::ExpM1 => Helper::ExpM1,
            Unary::Log => Helper::Log,
            Unary::Log1p => Helper::Log1p,
            Unary::Tanh => Helper::Tanh,
            Unary::Sigmoid => Helper::Sigmoid,
            Unary::Erf => Helper::Erf,
            Unary::Sin => Helper::Sin,
            Unary::Cos => Helper::Cos,
            Unary::ToHalf => Helper::ToHalf,
            Unary::IsFinite => Helper::IsFinite,
        };
        Expr::name(self.call(helper, wide, &[&a.text]), wide)
    }

    fn binary(&mut self, op: Binary, a: &Expr, b: &Expr) -> Expr {
        let wide = a.wide || b.wide;
        let (x, y) = (a.as_wide(wide), b.as_wide(wide));
        let text = match op {
            Binary::Add => format!("{} + {}", a.operand(), b.operand()),
            Binary::Subtract => format!("{} - {}", a.operand(), b.operand()),
            Binary::Multiply => format!("{} * {}", a.operand(), b.operand()),
            Binary::Divide => format!("{} / {}", a.operand(), b.operand()),
            Binary::Power => return Expr::name(self.call(Helper::Power, wide, &[&x, &y]), wide),
            Binary::Minimum => return Expr::name(format!("min({x}, {y})"), wide),
            Binary::Maximum => return Expr::name(format!("max({x}, {y})"), wide),
            Binary::Less | Binary::LessEqual | Binary::Equal => {
                let (zero, one) = if wide { ("vec4<f32>(0.0)", "vec4<f32>(1.0)") } else { ("0.0", "1.0") };
                return Expr::name(format!("select({zero}, {one}, {})", comparison(op, a, b).text), wide);
            }
        };
        Expr { text, wide, atomic: false }
    }
}

/// `a < b` as bool or vec4<bool>.
fn comparison(op: Binary, a: &Expr, b: &Expr) -> Expr {
    let wide = a.wide || b.wide;
    let side = |e: &Expr| if wide && !e.wide { e.as_wide(true) } else { e.operand() };
    let sign = match op {
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        _ => "==",
    };
    Expr { text: format!("{} {sign} {}", side(a), side(b)), wide, atomic: false }
}

/// A select's condition: a comparison itself where there is one.
fn condition(stage: &Stage, values: &[Expr], id: ValueId) -> Expr {
    match stage.body[id.0 as usize] {
        Value::Binary(op @ (Binary::Less | Binary::LessEqual | Binary::Equal), a, b) => {
            comparison(op, &values[a.0 as usize], &values[b.0 as usize])
        }
        _ => {
            let c = &values[id.0 as usize];
            let zero = if c.wide { "vec4<f32>(0.0)" } else { "0.0" };
            Expr { text: format!("{} != {zero}", c.operand()), wide: c.wide, atomic: false }
        }
    }
}

/// How often each value is printed. A comparison that decides a select stands in its condition, so there its operands
/// count and not the comparison as a number.
fn count_uses(stage: &Stage) -> Vec<usize> {
    let mut uses = vec![0; stage.body.len()];
    stage.reduce.iter().for_each(|(_, v)| uses[v.0 as usize] += 1);
    stage.stores.iter().for_each(|s| uses[s.value.0 as usize] += 1);
    for i in (0..stage.body.len()).rev() {
        if uses[i] == 0 {
            continue;
        }
        for (position, operand) in stage.body[i].operands().enumerate() {
            match (&stage.body[i], &stage.body[operand.0 as usize]) {
                (Value::Select(..), Value::Binary(Binary::Less | Binary::LessEqual | Binary::Equal, a, b))
                    if position == 0 =>
                {
                    uses[a.0 as usize] += 1;
                    uses[b.0 as usize] += 1;
                }
                _ => uses[operand.0 as usize] += 1,
            }
        }
    }
    uses
}

/// The statement that combines a variable with one more value.
pub(super) fn accumulate(how: Reduction, variable: &str, value: &str) -> String {
    match how {
        Reduction::Sum => format!("{variable} += {value};"),
        Reduction::Maximum => format!("{variable} = max({variable}, {value});"),
        Reduction::Minimum => format!("{variable} = min({variable}, {value});"),
    }
}
