//! Contractions: each invocation sums a block of outputs in registers, then runs the epilogue on each of them.
//!
//! Rows are the points of the `m` axes, columns those of the `n` axes. Operands are read straight from memory, in groups
//! of four where they lie that way: along the reduced axis, along rows or along columns. Every block size adds the
//! products of an output in the order of the reduced axes, so the choice changes no bit of the result.

use super::Workgroups;
use super::axes::{self, unflatten};
use super::block::Block;
use super::body::{Expr, Place};
use super::function::Function;
use super::printer::Printer;
use super::text::{self, Count, Text};
use super::turns;
use crate::graph::Extent;
use crate::ir::{ContractionView, Operand, TensorId};

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// How an operand's elements are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// One by one.
    Single,
    /// Four steps of the innermost reduced axis at once.
    AlongSum,
    /// Four rows (or columns) at once.
    Across,
}

#[derive(Clone)]
pub(super) struct Contract<'a> {
    pub(super) printer: Printer<'a>,
    pub(super) view: ContractionView,
    /// The extents and names of all axes.
    pub(super) extents: Vec<Extent>,
    pub(super) names: Vec<String>,
    /// Points of the group, row, column and reduced axes.
    pub(super) group: Count,
    pub(super) m: Count,
    pub(super) n: Count,
    pub(super) k: Count,
    /// Whether four columns are one vec4<f32>.
    pub(super) wide: bool,
    /// What an invocation does.
    pub(super) block: Block,
    /// What is done together: a block, or that of a workgroup.
    pub(super) tile: Block,
    pub(super) read_a: Reading,
    pub(super) read_b: Reading,
    /// Steps of the innermost reduced axis in one round of the loop.
    unroll: usize,
    /// Whether the invocations of a subgroup share their rows; see [`subgroups`](super::subgroups).
    pub(super) in_subgroups: bool,
}

pub(super) fn prepare(printer: Printer, view: ContractionView) -> Contract {
    let mut contract = Contract::new(printer, view);
    contract.pack();
    contract
}

pub(super) fn print(mut contract: Contract) -> Function {
    let mut out = Text::new();
    contract.tile(&mut out, "invocation", ["m", "n"]);
    contract.addresses(&mut out);
    let sums = contract.sums(&mut out);
    contract.epilogue(&mut out, &sums);
    let Contract { block, k, .. } = contract;
    let tiles = contract.tiles();
    let what = format!("One invocation for each block of {} x {} sums of {}.", block.rows, block.columns, k.text());
    contract.printer.finish(&what, None, tiles, out)
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

impl<'a> Contract<'a> {
    fn new(printer: Printer<'a>, view: ContractionView) -> Self {
        let outer = &printer.kernel.outer;
        let view = with_batch_in_rows(outer, view);
        let extents = printer.kernel.extents(0);
        let name = |i: usize| match extents[i] {
            Extent::Batch if i < outer.len() => "sample".to_owned(),
            extent if i < outer.len() => axes::axis_name(extent, format!("i{i}")),
            extent => axes::axis_name(extent, format!("k{i}")),
        };
        let names = (0..extents.len()).map(name).collect();
        let count = |axes: &[usize]| Count::of(axes.iter().map(|&a| &extents[a]));
        let (group, m, n, k) = (count(&view.group), count(&view.m), count(&view.n), count(&view.k));
        let wide = is_multiple_of_four(&extents, &view.n);
        let block = Block::choose(m, n, k, wide);

        let inner = *view.k.last().expect("a contraction reduces");
        let reading = |Operand { tensor, index, .. }: &Operand, across: Option<&usize>| {
            if is_multiple_of_four(&extents, &view.k) && printer.is_aligned(*tensor, index, inner) {
                Reading::AlongSum
            } else if across.is_some_and(|&axis| printer.is_aligned(*tensor, index, axis)) {
                Reading::Across
            } else {
                Reading::Single
            }
        };
        let four_rows = block.rows.is_multiple_of(4) && is_multiple_of_four(&extents, &view.m);
        let read_a = reading(&view.a, view.m.last().filter(|_| four_rows));
        let read_b = reading(&view.b, view.n.last().filter(|_| wide));
        let unroll = if [read_a, read_b].contains(&Reading::AlongSum) { 4 } else { 1 };
        Contract {
            printer,
            view,
            extents,
            names,
            group,
            m,
            n,
            k,
            wide,
            block,
            tile: block,
            read_a,
            read_b,
            unroll,
            in_subgroups: false,
        }
    }

    /// The axis along which four columns are done at once.
    pub(super) fn lanes(&self) -> Option<usize> {
        self.view.n.last().copied().filter(|_| self.wide)
    }

    /// Marks the buffers that are bound in fours: operands read that way, and what the epilogue does in fours.
    fn pack(&mut self) {
        let lanes = self.lanes();
        if let Some(axis) = lanes {
            self.printer.pack(axis);
        }
        for (reading, Operand { tensor, .. }) in [(self.read_a, &self.view.a), (self.read_b, &self.view.b)] {
            let binding = self.printer.binding(*tensor);
            let mut stores = self.printer.kernel.stages.iter().flat_map(|s| &s.stores);
            let stores_singles = stores.any(|s| {
                let aligned = lanes.is_some_and(|axis| self.printer.is_aligned(s.tensor, &s.index, axis));
                self.printer.binding(s.tensor) == binding && !aligned
            });
            if reading != Reading::Single && !stores_singles {
                self.printer.packed.insert(binding);
            }
        }
    }

    /// How many tiles lie side by side.
    fn column_tiles(&self) -> u64 {
        self.n.size.div_ceil(self.tile.columns as u64)
    }

    /// How many tiles there are.
    pub(super) fn tiles(&self) -> Workgroups {
        let rows = self.tile.rows as u64;
        let beside = self.group.size * self.column_tiles();
        match (self.m.batches, self.group.batches) {
            (0, 0) => Workgroups { fixed: beside * self.m.size.div_ceil(rows), per_sample: 0, points: 1 },
            (0, _) => Workgroups { fixed: 0, per_sample: beside * self.m.size.div_ceil(rows), points: 1 },
            // Rows instead of tiles' rows, since how many tiles there are is known at run time only.
            _ => Workgroups { fixed: beside * (rows - 1), per_sample: beside * self.m.size, points: rows },
        }
    }

    /// Prints which tile the one of this number is: where it begins, its first row and its first column by these names, and the
    /// group's axes.
    pub(super) fn tile(&self, out: &mut Text, number: &str, [m, n]: [&str; 2]) {
        let Block { rows, columns } = self.tile;
        let column_tiles = self.column_tiles();
        let row_tiles = match (self.m.batches, rows) {
            (0, _) => format!("{}u", self.m.size.div_ceil(rows as u64)),
            (_, 1) => self.m.text(),
            _ => format!("({} + {}u) / {rows}u", self.m.text(), rows - 1),
        };
        out.line(format!("let row_tiles = {row_tiles};"));
        let groups = if self.group == Count::of([]) { String::new() } else { format!("{} * ", self.group.text()) };
        out.open(format!("if {number} >= {groups}row_tiles * {column_tiles}u {{"));
        out.line("return;");
        out.close();
        out.line(format!("let {n} = {number} % {column_tiles}u * {columns}u;"));
        out.line(format!("let {m} = {number} / {column_tiles}u % row_tiles * {rows}u;"));
        if !self.view.group.is_empty() {
            out.line(format!("let group = {number} / {column_tiles}u / row_tiles;"));
            self.unflatten(out, &self.view.group, "group");
        }
    }

    /// Prints the coordinates of a flat number along axes.
    fn unflatten(&self, out: &mut Text, axes: &[usize], flat: &str) {
        let extents: Vec<Extent> = axes.iter().map(|&a| self.extents[a]).collect();
        let names: Vec<String> = axes.iter().map(|&a| self.names[a].clone()).collect();
        unflatten(out, &extents, &names, flat);
    }

    pub(super) fn quads(&self) -> usize {
        if self.wide { self.block.columns / 4 } else { self.block.columns }
    }

    /// How many columns one accumulator holds.
    fn step(&self) -> usize {
        if self.wide { 4 } else { 1 }
    }

    /// Prints where each row of `a` and each column of `b` begins: `a0`, `a1`, … and `b0`, `b1`, …. Rows and columns behind
    /// the last one are read there; they are not stored.
    pub(super) fn addresses(&mut self, out: &mut Text) {
        let row_step = if self.read_a == Reading::Across { 4 } else { 1 };
        let (a, axes) = (self.view.a.clone(), self.view.m.clone());
        let last = match self.m.batches {
            0 => format!("{}u", self.m.size.saturating_sub(row_step as u64)),
            _ => format!("{} - {row_step}u", self.m.text()),
        };
        let last = self.has_partial_rows().then_some(last);
        let rows: Vec<(usize, String)> = match self.in_subgroups {
            true => self.own_rows().into_iter().enumerate().collect(),
            false => (0..self.block.rows).step_by(row_step).map(|i| (i, text::sum("m", &format!("{i}u")))).collect(),
        };
        for (i, row) in rows {
            self.address(out, &format!("a{i}"), &clamped(&row, last.as_deref()), &a, &axes);
        }
        let (b, axes) = (self.view.b.clone(), self.view.n.clone());
        for q in 0..self.quads() {
            let last = format!("{}u", self.n.size - self.step() as u64);
            let column = text::sum("n", &format!("{}u", q * self.step()));
            let flat = clamped(&column, self.has_partial_columns().then_some(&*last));
            self.address(out, &format!("b{q}"), &flat, &b, &axes);
        }
    }

    /// Whether the last tile may have fewer rows than the others.
    pub(super) fn has_partial_rows(&self) -> bool {
        self.tile.rows > 1 && (self.m.batches > 0 || !self.m.size.is_multiple_of(self.tile.rows as u64))
    }

    pub(super) fn has_partial_columns(&self) -> bool {
        !self.n.size.is_multiple_of(self.tile.columns as u64)
    }

    pub(super) fn address(
        &mut self,
        out: &mut Text,
        name: &str,
        flat: &str,
        Operand { tensor, index, .. }: &Operand,
        axes: &[usize],
    ) {
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

    /// Prints the accumulators, row by row.
    pub(super) fn accumulators(&self, out: &mut Text) -> Vec<Expr> {
        let zero = if self.wide { "vec4<f32>(0.0)" } else { "0.0" };
        let mut sums = vec![];
        for i in 0..self.block.rows {
            for q in 0..self.quads() {
                let name = format!("sum{i}_{q}");
                out.line(format!("var {name} = {zero};"));
                sums.push(Expr::name(name, self.wide));
            }
        }
        sums
    }

    /// Prints the loops over the reduced axes; returns the accumulators, row by row.
    pub(super) fn sums(&mut self, out: &mut Text) -> Vec<Expr> {
        let sums = self.accumulators(out);
        let reduced = self.view.k.clone();
        for (level, &axis) in reduced.iter().enumerate() {
            let step = if level + 1 == reduced.len() { self.unroll } else { 1 };
            axes::open_loop(out, &self.names[axis], self.extents[axis], step);
        }
        let a = Along::new(self, 'a', &self.view.a, self.view.m.last());
        let b = Along::new(self, 'b', &self.view.b, self.view.n.last());
        self.groups_along_sum(out, &a, &b);
        for k in 0..self.unroll {
            let x = self.rows(out, &a, k);
            let y = self.columns(out, &b, k);
            for (i, x) in x.iter().enumerate() {
                for (q, y) in y.iter().enumerate() {
                    let sum = &sums[i * self.quads() + q].text;
                    let x = if self.wide { format!("vec4<f32>({x})") } else { x.clone() };
                    out.line(format!("{sum} = fma({x}, {y}, {sum});"));
                }
            }
        }
        reduced.iter().for_each(|&axis| axes::close_loop(out, &self.names[axis]));
        sums
    }

    /// Prints the loads of four steps at once: `x<row>` and `y<column>`.
    fn groups_along_sum(&mut self, out: &mut Text, a: &Along, b: &Along) {
        if self.read_a == Reading::AlongSum && self.in_subgroups {
            self.bring_group(out, a);
        } else if self.read_a == Reading::AlongSum {
            for i in 0..self.block.rows {
                out.line(format!("let x{i} = {};", self.printer.load_group(a.tensor, &a.at(i, 0, 0))));
            }
        }
        if self.read_b == Reading::AlongSum {
            let step = self.step();
            for column in 0..self.quads() * step {
                let address = b.at(column / step, 0, column % step);
                out.line(format!("let y{column} = {};", self.printer.load_group(b.tensor, &address)));
            }
        }
    }

    /// The rows' factors at one step of the loop, an f32 each.
    fn rows(&mut self, out: &mut Text, a: &Along, k: usize) -> Vec<String> {
        if self.in_subgroups {
            return self.broadcast_rows(out, a, k);
        }
        let suffix = self.suffix(k);
        let rows = 0..self.block.rows;
        match self.read_a {
            Reading::AlongSum => rows.map(|i| format!("x{i}.{}", COMPONENTS[k])).collect(),
            Reading::Across => {
                for i in rows.clone().step_by(4) {
                    out.line(format!("let x{i}{suffix} = {};", self.printer.load_group(a.tensor, &a.at(i, k, 0))));
                }
                rows.map(|i| format!("x{}{suffix}.{}", i / 4 * 4, COMPONENTS[i % 4])).collect()
            }
            Reading::Single => {
                for i in rows.clone() {
                    out.line(format!("let x{i}{suffix} = {};", self.printer.load(a.tensor, &a.at(i, k, 0))));
                }
                rows.map(|i| format!("x{i}{suffix}")).collect()
            }
        }
    }

    /// The columns' factors at one step of the loop: one for each accumulator of a row.
    fn columns(&mut self, out: &mut Text, b: &Along, k: usize) -> Vec<String> {
        if (self.read_b, self.wide) == (Reading::AlongSum, false) {
            return (0..self.quads()).map(|q| format!("y{q}.{}", COMPONENTS[k])).collect();
        }
        let suffix = self.suffix(k);
        let mut names = vec![];
        for q in 0..self.quads() {
            let text = match (self.read_b, self.wide) {
                (Reading::Across, _) => self.printer.load_group(b.tensor, &b.at(q, k, 0)),
                (Reading::Single, false) => self.printer.load(b.tensor, &b.at(q, k, 0)),
                (Reading::Single, true) => {
                    let columns = (0..4).map(|j| self.printer.load(b.tensor, &b.at(q, k, j)));
                    format!("vec4<f32>({})", columns.collect::<Vec<_>>().join(", "))
                }
                (Reading::AlongSum, _) => {
                    let columns = (0..4).map(|j| format!("y{}.{}", q * 4 + j, COMPONENTS[k]));
                    format!("vec4<f32>({})", columns.collect::<Vec<_>>().join(", "))
                }
            };
            // Apart from the `y<column>` that four steps share.
            let name = format!("{}{q}{suffix}", if self.read_b == Reading::AlongSum { "t" } else { "y" });
            out.line(format!("let {name} = {text};"));
            names.push(name);
        }
        names
    }

    /// Tells the steps of one round of the loop apart.
    pub(super) fn suffix(&self, k: usize) -> String {
        if self.unroll == 1 { String::new() } else { format!("_{k}") }
    }

    /// Prints the stages behind the sum, for each row and accumulator of the block.
    pub(super) fn epilogue(&mut self, out: &mut Text, sums: &[Expr]) {
        turns::each(out, sums, |out, t, sum| self.finish(out, t, sum));
    }

    /// Prints the stages behind accumulator number `t`.
    fn finish(&mut self, out: &mut Text, t: &str, sum: &Expr) {
        let (rows, quads, step) = (self.block.rows, self.quads(), self.step());
        let (mut row, mut column) = ("m".to_owned(), "n".to_owned());
        if rows > 1 {
            row = "row".to_owned();
            out.line(match quads {
                1 => format!("let row = m + {t};"),
                _ => format!("let row = m + {t} / {quads}u;"),
            });
        }
        if quads > 1 {
            column = "column".to_owned();
            let t = if rows == 1 { t.to_owned() } else { format!("{t} % {quads}u") };
            out.line(match step {
                1 => format!("let column = n + {t};"),
                _ => format!("let column = n + {t} * {step}u;"),
            });
        }
        let mut guards = vec![];
        if self.has_partial_rows() {
            guards.push(format!("{row} < {}", self.m.text()));
        }
        if self.has_partial_columns() {
            guards.push(format!("{column} < {}", self.n.text()));
        }
        if !guards.is_empty() {
            out.open(format!("if {} {{", guards.join(" && ")));
        }
        self.unflatten(out, &self.view.m, &row);
        self.unflatten(out, &self.view.n, &column);
        let kernel = self.printer.kernel;
        let lanes = self.lanes();
        let axes = self.names[..kernel.outer.len()].to_vec();
        let mut reduced = vec![vec![sum.clone()]];
        for (number, stage) in kernel.stages.iter().enumerate().skip(1) {
            let place = Place { stage: number, axes: &axes, lanes, reduced: &reduced, known: &[] };
            let values = self.printer.body(out, stage, &place);
            self.printer.stores(out, &stage.stores, &values, &place);
            reduced.push(stage.reduce.iter().map(|(_, v)| values[v.0 as usize].clone()).collect());
        }
        if !guards.is_empty() {
            out.close();
        }
    }
}

/// Where an operand's elements lie in the loop, relative to where its rows (or columns) begin.
pub(super) struct Along {
    operand: char,
    pub(super) tensor: TensorId,
    /// The reduced axes' part of the address.
    offset: String,
    /// How far apart steps of the innermost reduced axis are.
    step: i64,
    /// How far apart neighbouring rows (or columns) are.
    across: i64,
}

impl Along {
    fn new(
        contract: &Contract,
        operand: char,
        Operand { tensor, index, .. }: &Operand,
        across: Option<&usize>,
    ) -> Self {
        let axes = &contract.view.k;
        let part = text::part(index, axes, contract.extents.len()).expect("a contraction's indices are affine");
        let stride = |axis: Option<&usize>| axis.and_then(|&axis| index.stride(axis)).unwrap_or(0);
        Along {
            operand,
            tensor: *tensor,
            offset: text::index(&part, &contract.names),
            step: stride(axes.last()),
            across: stride(across),
        }
    }

    /// The address for a row (or group of columns), so many steps and neighbours further.
    pub(super) fn at(&self, row: usize, steps: usize, neighbours: usize) -> String {
        let further = steps as i64 * self.step + neighbours as i64 * self.across;
        let start = text::sum(&format!("{}{row}", self.operand), &self.offset);
        text::sum(&start, &format!("{}u", further as u32))
    }
}

/// A number, at most `last`.
fn clamped(flat: &str, last: Option<&str>) -> String {
    match last {
        Some(last) => format!("min({flat}, {last})"),
        None => flat.to_owned(),
    }
}

/// Whether a contraction is worth blocks: it has many outputs, or long sums for some. An invocation for each output is simpler
/// for few short sums, and a workgroup for each output better for few outputs.
pub(super) fn suits(outer: &[Extent], reduced: &[Extent]) -> bool {
    let outputs = Count::of(outer).at(64);
    outputs >= 1024 || (outputs >= 64 && Count::of(reduced).at(64) > 256)
}
