//! Contractions: each invocation sums a block of outputs in registers, then runs the epilogue on each of them.
//!
//! Rows are the points of the `m` axes, columns those of the `n` axes. Operands are read straight from memory, in groups
//! of four where they lie that way: along the reduced axis, along rows or along columns. Every block size adds the
//! products of an output in the order of the reduced axes, so the choice changes no bit of the result.

use super::block::Block;
use super::body::{Expr, Place};
use super::printer::Printer;
use super::text::{self, Count, Text};
use super::thread::unflatten;
use super::{ShaderText, Workgroups};
use crate::graph::Extent;
use crate::ir::{ContractionView, Index, TensorId};

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// How an operand's elements are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// One by one.
    Single,
    /// Four steps of the innermost reduced axis at once.
    AlongSum,
    /// Four rows (or columns) at once.
    Across,
}

struct Contract<'p, 'a> {
    printer: &'p mut Printer<'a>,
    view: ContractionView,
    block: Block,
    /// Whether four columns are one vec4<f32>.
    wide: bool,
    read_a: Reading,
    read_b: Reading,
    /// Steps of the innermost reduced axis in one round of the loop.
    unroll: usize,
    extents: Vec<Extent>,
    names: Vec<String>,
}

pub(super) fn print(mut printer: Printer, view: ContractionView, name: &str) -> ShaderText {
    let view = with_batch_in_rows(printer.kernel.outer.as_slice(), view);
    let extents = printer.kernel.extents(0);
    let count = |axes: &[usize]| Count::of(axes.iter().map(|&a| &extents[a]));
    let (group, m, n, k) = (count(&view.group), count(&view.m), count(&view.n), count(&view.k));
    let wide = is_multiple_of_four(&extents, &view.n);
    let block = Block::choose(m, n, k, wide);
    let names: Vec<String> = (0..extents.len())
        .map(|i| match extents[i] {
            Extent::Batch if i < printer.kernel.outer.len() => "sample".to_owned(),
            extent if view.k.contains(&i) => text::axis_name(extent, format!("k{i}")),
            extent => text::axis_name(extent, format!("i{i}")),
        })
        .collect();

    let k_axis = *view.k.last().expect("a contraction reduces");
    let reading = |(tensor, index): &(TensorId, Index), across: Option<usize>| {
        if is_multiple_of_four(&extents, &view.k) && printer.is_aligned(*tensor, index, k_axis) {
            Reading::AlongSum
        } else if across.is_some_and(|axis| printer.is_aligned(*tensor, index, axis)) {
            Reading::Across
        } else {
            Reading::Single
        }
    };
    let row_axis =
        view.m.last().copied().filter(|_| block.rows.is_multiple_of(4) && is_multiple_of_four(&extents, &view.m));
    let (read_a, read_b) = (reading(&view.a, row_axis), reading(&view.b, view.n.last().copied().filter(|_| wide)));
    let unroll = if read_a == Reading::AlongSum || read_b == Reading::AlongSum { 4 } else { 1 };

    if wide {
        printer.pack(*view.n.last().expect("a wide contraction has columns"));
    }
    for (reading, (tensor, _)) in [(read_a, &view.a), (read_b, &view.b)] {
        let binding = printer.binding(*tensor);
        let stores_singles = printer.kernel.stages.iter().flat_map(|s| &s.stores).any(|s| {
            printer.binding(s.tensor) == binding
                && !(wide && printer.is_aligned(s.tensor, &s.index, view.n[view.n.len() - 1]))
        });
        if reading != Reading::Single && !stores_singles {
            printer.packed.insert(binding);
        }
    }

    let columns = n.size.div_ceil(block.columns as u64);
    let rows = block.rows as u64;
    let mut out = Text::new();
    out.line(format!("let tile = (workgroup.x + workgroup.y * workgroups.x) * {}u + lane;", block.lanes));
    let row_tiles = match (m.batches, rows) {
        (0, _) => format!("{}u", m.size.div_ceil(rows)),
        (_, 1) => m.text(),
        _ => format!("({} + {}u) / {rows}u", m.text(), rows - 1),
    };
    out.line(format!("let row_tiles = {row_tiles};"));
    let groups = if group == Count::of([]) { String::new() } else { format!("{} * ", group.text()) };
    out.open(format!("if tile >= {groups}row_tiles * {columns}u {{"));
    out.line("return;");
    out.close();
    out.line(format!("let n = tile % {columns}u * {}u;", block.columns));
    out.line(format!("let m = tile / {columns}u % row_tiles * {rows}u;"));
    if !view.group.is_empty() {
        out.line(format!("let group = tile / {columns}u / row_tiles;"));
        let extents: Vec<Extent> = view.group.iter().map(|&a| extents[a]).collect();
        let names: Vec<String> = view.group.iter().map(|&a| names[a].clone()).collect();
        unflatten(&mut out, &extents, &names, "group");
    }

    // Rows are counted in full, since the batch's rounding up to whole blocks is only known at run time.
    let workgroups = match m.batches + group.batches {
        0 => Workgroups {
            fixed: group.size * m.size.div_ceil(rows) * columns,
            per_sample: 0,
            points: u64::from(block.lanes),
        },
        _ if m.batches == 0 => Workgroups {
            fixed: 0,
            per_sample: group.size * m.size.div_ceil(rows) * columns,
            points: u64::from(block.lanes),
        },
        _ => Workgroups {
            fixed: group.size * columns * (rows - 1),
            per_sample: group.size * columns * m.size,
            points: rows * u64::from(block.lanes),
        },
    };

    let mut contract = Contract { printer: &mut printer, view, block, wide, read_a, read_b, unroll, extents, names };
    contract.addresses(&mut out, m, n);
    let sums = contract.sums(&mut out);
    contract.epilogue(&mut out, &sums, m, n);

    let what = format!("One invocation for each block of {} x {} sums of {}.", block.rows, block.columns, k.text());
    printer.finish(name, &what, block.lanes, workgroups, out)
}

/// Swaps the operands where it helps: the batch belongs into the rows, the last outer axis into the columns.
fn with_batch_in_rows(outer: &[Extent], mut view: ContractionView) -> ContractionView {
    let has_batch = |axes: &[usize]| axes.iter().any(|&a| outer[a] == Extent::Batch);
    let last = outer.len().saturating_sub(1);
    if has_batch(&view.n) || (view.m.contains(&last) && !has_batch(&view.m)) {
        std::mem::swap(&mut view.m, &mut view.n);
        std::mem::swap(&mut view.a, &mut view.b);
    }
    view
}

/// Whether the innermost of these axes has a constant extent that is a multiple of four.
fn is_multiple_of_four(extents: &[Extent], axes: &[usize]) -> bool {
    axes.last().is_some_and(|&a| matches!(extents[a], Extent::Size(n) if n % 4 == 0))
}

impl Contract<'_, '_> {
    fn quads(&self) -> usize {
        if self.wide { self.block.columns / 4 } else { self.block.columns }
    }

    /// How many columns one accumulator holds.
    fn step(&self) -> usize {
        if self.wide { 4 } else { 1 }
    }

    /// Prints where each row of `a` and each column of `b` begins: `a0`, `a1`, … and `b0`, `b1`, ….
    fn addresses(&mut self, out: &mut Text, m: Count, n: Count) {
        let row_step = if self.read_a == Reading::Across { 4 } else { 1 };
        let exact_rows = m.batches == 0 && m.size.is_multiple_of(self.block.rows as u64);
        for i in (0..self.block.rows).step_by(row_step) {
            let last = match (m.batches, row_step) {
                (0, _) => format!("{}u", m.size.saturating_sub(row_step as u64)),
                _ => format!("{} - {row_step}u", m.text()),
            };
            let flat = clamped("m", i, (!exact_rows).then_some(last));
            let (a, axes) = (self.view.a.clone(), self.view.m.clone());
            self.address(out, &format!("a{i}"), &flat, &a, &axes);
        }
        let exact_columns = n.size.is_multiple_of(self.block.columns as u64);
        for q in 0..self.quads() {
            let last = format!("{}u", n.size - self.step() as u64);
            let flat = clamped("n", q * self.step(), (!exact_columns).then_some(last));
            let (b, axes) = (self.view.b.clone(), self.view.n.clone());
            self.address(out, &format!("b{q}"), &flat, &b, &axes);
        }
    }

    fn address(&mut self, out: &mut Text, name: &str, flat: &str, (tensor, index): &(TensorId, Index), axes: &[usize]) {
        let flat = if flat.contains(' ') && !flat.starts_with("min(") { format!("({flat})") } else { flat.to_owned() };
        let mut names = self.names.clone();
        let extents: Vec<Extent> = axes.iter().map(|&a| self.extents[a]).collect();
        for &axis in axes.iter().filter(|&&a| self.extents[a] != Extent::Size(1)) {
            names[axis] = if axes.len() == 1 { flat.clone() } else { format!("{name}_{}", names[axis]) };
        }
        let own: Vec<String> = axes.iter().map(|&a| names[a].clone()).collect();
        unflatten(out, &extents, &own, &flat);
        let fixed: Vec<usize> = self.view.group.iter().chain(axes).copied().collect();
        let mut part = text::part(index, &fixed, self.extents.len()).expect("a contraction's indices are affine");
        part.offset = index.offset;
        let address = self.printer.address(*tensor, &text::index(&part, &names));
        out.line(format!("let {name} = {address};"));
    }

    /// Prints the loops over the reduced axes; returns the accumulators, row by row.
    fn sums(&mut self, out: &mut Text) -> Vec<Expr> {
        let mut sums = vec![];
        for i in 0..self.block.rows {
            for q in 0..self.quads() {
                let name = format!("sum{i}_{q}");
                let zero = if self.wide { "vec4<f32>(0.0)" } else { "0.0" };
                out.line(format!("var {name} = {zero};"));
                sums.push(Expr::name(name, self.wide));
            }
        }
        let view = self.view.clone();
        for (level, &axis) in view.k.iter().enumerate() {
            let step = if level + 1 == view.k.len() { self.unroll } else { 1 };
            text::open_loop(out, &self.names[axis], self.extents[axis], step);
        }
        let inner = *view.k.last().expect("a contraction reduces");
        let along = |(_, index): &(TensorId, Index)| {
            let part = text::part(index, &view.k, self.extents.len()).expect("a contraction's indices are affine");
            (text::index(&part, &self.names), index.stride(inner).unwrap_or(0))
        };
        let ((a_along, a_stride), (b_along, b_stride)) = (along(&view.a), along(&view.b));
        let a_at = |row: usize, k: usize| text::sum(&text::sum(&format!("a{row}"), &a_along), &constant(k, a_stride));
        let b_at = |q: usize, k: usize| text::sum(&text::sum(&format!("b{q}"), &b_along), &constant(k, b_stride));

        if self.read_a == Reading::AlongSum {
            for i in 0..self.block.rows {
                out.line(format!("let x{i} = {};", self.printer.load_group(view.a.0, &a_at(i, 0))));
            }
        }
        if self.read_b == Reading::AlongSum {
            let stride = view.n.last().map_or(0, |&axis| view.b.1.stride(axis).unwrap_or(0));
            for q in 0..self.quads() {
                for j in 0..self.step() {
                    let address = text::sum(&b_at(q, 0), &constant(j, stride));
                    out.line(format!(
                        "let y{} = {};",
                        q * self.step() + j,
                        self.printer.load_group(view.b.0, &address)
                    ));
                }
            }
        }
        for (k, component) in COMPONENTS.iter().enumerate().take(self.unroll) {
            let suffix = if self.unroll == 1 { String::new() } else { format!("_{k}") };
            // `x<row>` and `y<column group>` for this step.
            let mut x = vec![];
            match self.read_a {
                Reading::AlongSum => x.extend((0..self.block.rows).map(|i| format!("x{i}.{component}"))),
                Reading::Across => {
                    for i in (0..self.block.rows).step_by(4) {
                        out.line(format!("let x{i}{suffix} = {};", self.printer.load_group(view.a.0, &a_at(i, k))));
                        x.extend(COMPONENTS.map(|c| format!("x{i}{suffix}.{c}")));
                    }
                }
                Reading::Single => {
                    for i in 0..self.block.rows {
                        out.line(format!("let x{i}{suffix} = {};", self.printer.load(view.a.0, &a_at(i, k))));
                        x.push(format!("x{i}{suffix}"));
                    }
                }
            }
            let mut y = vec![];
            for q in 0..self.quads() {
                let name = format!("y{q}{suffix}");
                let text = match (self.read_b, self.wide) {
                    (Reading::AlongSum, true) => {
                        let columns: Vec<String> = (0..4).map(|j| format!("y{}.{component}", q * 4 + j)).collect();
                        out.line(format!("let q{q}{suffix} = vec4<f32>({});", columns.join(", ")));
                        y.push(format!("q{q}{suffix}"));
                        continue;
                    }
                    (Reading::AlongSum, false) => {
                        y.push(format!("y{q}.{component}"));
                        continue;
                    }
                    (Reading::Across, _) => self.printer.load_group(view.b.0, &b_at(q, k)),
                    (Reading::Single, false) => self.printer.load(view.b.0, &b_at(q, k)),
                    (Reading::Single, true) => {
                        let stride = view.n.last().map_or(0, |&axis| view.b.1.stride(axis).unwrap_or(0));
                        let columns: Vec<String> = (0..4)
                            .map(|j| self.printer.load(view.b.0, &text::sum(&b_at(q, k), &constant(j, stride))))
                            .collect();
                        format!("vec4<f32>({})", columns.join(", "))
                    }
                };
                out.line(format!("let {name} = {text};"));
                y.push(name);
            }
            for (i, x) in x.iter().enumerate() {
                for (q, y) in y.iter().enumerate() {
                    let sum = &sums[i * self.quads() + q].text;
                    let x = if self.wide { format!("vec4<f32>({x})") } else { x.clone() };
                    out.line(format!("{sum} = fma({x}, {y}, {sum});"));
                }
            }
        }
        view.k.iter().for_each(|&axis| text::close_loop(out, &self.names[axis]));
        sums
    }

    /// Prints the stages behind the sum, for each row and group of columns of the block.
    fn epilogue(&mut self, out: &mut Text, sums: &[Expr], m: Count, n: Count) {
        let (rows, quads, step) = (self.block.rows, self.quads(), self.step());
        let mut sum = sums[0].clone();
        let (mut row, mut column) = ("m".to_owned(), "n".to_owned());
        let loops = sums.len() > 1;
        if loops {
            let names: Vec<&str> = sums.iter().map(|s| s.text.as_str()).collect();
            let ty = if self.wide { "vec4<f32>" } else { "f32" };
            out.line(format!("var sums = array<{ty}, {}>({});", sums.len(), names.join(", ")));
            out.open(format!("for (var t = 0u; t < {}u; t++) {{", sums.len()));
            if rows > 1 {
                row = "row".to_owned();
                out.line(if quads == 1 {
                    "let row = m + t;".to_owned()
                } else {
                    format!("let row = m + t / {quads}u;")
                });
            }
            if quads > 1 {
                column = "column".to_owned();
                let t = if rows == 1 { "t".to_owned() } else { format!("t % {quads}u") };
                out.line(if step == 1 {
                    format!("let column = n + {t};")
                } else {
                    format!("let column = n + {t} * {step}u;")
                });
            }
            sum = Expr::name("sums[t]", self.wide);
        }
        let mut guards = vec![];
        if m.batches > 0 && rows > 1 || !m.size.is_multiple_of(rows as u64) {
            guards.push(format!("{row} < {}", m.text()));
        }
        if !n.size.is_multiple_of(self.block.columns as u64) {
            guards.push(format!("{column} < {}", n.text()));
        }
        if !guards.is_empty() {
            out.open(format!("if {} {{", guards.join(" && ")));
        }
        for (axes, flat) in [(&self.view.m, &row), (&self.view.n, &column)] {
            let extents: Vec<Extent> = axes.iter().map(|&a| self.extents[a]).collect();
            let names: Vec<String> = axes.iter().map(|&a| self.names[a].clone()).collect();
            unflatten(out, &extents, &names, flat);
        }
        let kernel = self.printer.kernel;
        let lanes = self.view.n.last().copied().filter(|_| self.wide);
        let axes = self.names[..kernel.outer.len()].to_vec();
        let mut reduced = vec![vec![sum]];
        for (number, stage) in kernel.stages.iter().enumerate().skip(1) {
            let place = Place { stage: number, axes: &axes, lanes, reduced: &reduced };
            let values = self.printer.body(out, stage, &place);
            self.printer.stores(out, &stage.stores, &values, &place);
            reduced.push(stage.reduce.iter().map(|(_, v)| values[v.0 as usize].clone()).collect());
        }
        if !guards.is_empty() {
            out.close();
        }
        if loops {
            out.close();
        }
    }
}

/// `name + i`, at most `last`.
fn clamped(name: &str, i: usize, last: Option<String>) -> String {
    let flat = text::sum(name, &format!("{i}u"));
    match last {
        Some(last) => format!("min({flat}, {last})"),
        None => flat,
    }
}

fn constant(steps: usize, stride: i64) -> String {
    format!("{}u", (steps as i64 * stride) as u32)
}

/// Whether a contraction is worth blocks: it has many outputs, or long sums for some. An invocation for each output is simpler
/// for few short sums, and a workgroup for each output better for few outputs.
pub(super) fn suits(outer: &[Extent], reduced: &[Extent]) -> bool {
    let outputs = Count::of(outer).at(64);
    outputs >= 1024 || (outputs >= 64 && Count::of(reduced).at(64) > 256)
}
