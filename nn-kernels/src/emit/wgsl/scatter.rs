//! Sums by number: the gradient of a table whose rows were read by number, as in an embedding.
//!
//! A workgroup has a few rows of the table. Its invocations look through all positions' numbers together, sixteen each at a time, and leave in
//! workgroup memory a mask of those that have one of the rows, and above sixteen masks each one of those that are not empty. Then each
//! invocation walks over the masks of its row, and adds up its columns of the positions found. So what is done is about rows x
//! positions / 64 comparisons and positions x columns sums; each sum has the order of the positions, as on the CPU, and stays in a register.
//!
//! Masks are whole numbers below 2^16, which workgroup memory holds as f32. Sixteen sums are written out, since a software device
//! counts the rounds of loops (65,535 of an invocation), and positions may have one number all of them.

use super::Workgroups;
use super::axes::{axis_name, unflatten};
use super::body::{Expr, Place};
use super::function::Function;
use super::printer::Printer;
use super::text::{self, Count, Text};
use crate::graph::Extent;
use crate::ir::{Index, TensorId};

/// Positions that an invocation looks through at a time, and masks that one mask stands above.
const RUN: usize = 16;
/// The most rows of a workgroup.
const ROWS: usize = 4;
/// The most columns of an invocation.
const COLUMNS: usize = 4;

pub(super) struct Scatter<'a> {
    pub(super) printer: Printer<'a>,
    /// Invocations in a workgroup.
    pub(super) lanes: usize,
    /// Columns of the table.
    columns: usize,
}

/// How a workgroup is dealt out.
struct Shares {
    /// Rows of a workgroup.
    rows: usize,
    /// Invocations for each of them.
    width: usize,
    /// Columns of an invocation, at a distance of `width`.
    each: usize,
    /// Workgroups that share some rows.
    blocks: usize,
}

impl Scatter<'_> {
    /// Floats of workgroup memory with so many invocations: the masks, and those above them.
    pub(super) fn shared(&self, lanes: usize) -> usize {
        let rows = self.shares(lanes).rows;
        rows * lanes + rows * (lanes / RUN)
    }

    fn shares(&self, lanes: usize) -> Shares {
        let rows = (lanes / self.columns.next_power_of_two()).clamp(1, ROWS);
        let width = lanes / rows;
        let each = self.columns.div_ceil(width).min(COLUMNS);
        Shares { rows, width, each, blocks: self.columns.div_ceil(width * each) }
    }
}

/// The archetype of a kernel that scatters.
pub(super) fn prepare(printer: Printer) -> Scatter {
    let columns = Count::of(&printer.kernel.outer[1..]).size as usize;
    let width = columns.next_power_of_two().clamp(RUN, 64);
    Scatter { printer, lanes: ROWS * width, columns }
}

pub(super) fn print(scatter: Scatter) -> Function {
    let (lanes, columns) = (scatter.lanes, scatter.columns);
    let shares = scatter.shares(lanes);
    let shared = scatter.shared(lanes);
    let mut printer = scatter.printer;
    printer.shared = shared;
    let Some(sums) = printer.kernel.scattered() else { unreachable!("it has been prepared") };
    let (rows, positions) = (sums.rows, Count::of(sums.positions).text());
    let masks = |row: usize| format!("shared_floats[{}]", text::sum("lane", &format!("{}u", row * lanes)));
    let groups = lanes / RUN;

    let mut out = Text::new();
    out.line(match shares.blocks {
        1 => format!("let first_row = workgroup * {}u;", shares.rows),
        n => format!("let first_row = workgroup / {n}u * {}u;", shares.rows),
    });
    out.line(format!("let own = lane / {}u;", shares.width));
    out.line("let row = first_row + own;");
    for c in 0..shares.each {
        let block = if shares.blocks == 1 {
            format!("{}u", c * shares.width)
        } else {
            format!("workgroup % {}u * {}u + {}u", shares.blocks, shares.width * shares.each, c * shares.width)
        };
        out.line(format!("let column{c} = {};", text::sum(&format!("lane % {}u", shares.width), &block)));
        out.line(format!("var sum{c} = 0.0;"));
    }
    out.open(format!("for (var begin = 0u; begin < {positions}; begin += {}u) {{", RUN * lanes));

    out.line("// Which of sixteen positions have which row.");
    for row in 0..shares.rows {
        out.line(format!("var mask{row} = 0.0;"));
    }
    out.line("var bit = 1.0;");
    out.open(format!("for (var k = 0u; k < {RUN}u + step.zero; k++) {{"));
    out.line(format!("let position = begin + lane * {RUN}u + k;"));
    out.open(format!("if position < {positions} {{"));
    let number = load(&mut printer, &mut out, sums.positions, &sums.numbers, "position", &[]);
    out.line(format!("let number = {number};"));
    for row in 0..shares.rows {
        out.line(format!(
            "mask{row} += select(0.0, bit, number == f32({}));",
            text::sum("first_row", &format!("{row}u"))
        ));
    }
    out.close();
    out.line("bit *= 2.0;");
    out.close();
    for row in 0..shares.rows {
        out.line(format!("{} = mask{row};", masks(row)));
    }
    out.line("workgroupBarrier();");

    out.line("// Which of sixteen masks have any.");
    out.open(format!("if lane < {}u {{", shares.rows * groups));
    out.line("var some = 0.0;");
    out.line("var one = 1.0;");
    out.open(format!("for (var k = 0u; k < {RUN}u + step.zero; k++) {{"));
    out.line(format!("some += select(0.0, one, shared_floats[lane * {RUN}u + k] != 0.0);"));
    out.line("one *= 2.0;");
    out.close();
    out.line(format!("shared_floats[lane + {}u] = some;", shares.rows * lanes));
    out.close();
    out.line("workgroupBarrier();");

    out.open(format!("for (var group = 0u; group < {groups}u + step.zero; group++) {{"));
    out.line(format!("var some = u32(shared_floats[own * {groups}u + group + {}u]);", shares.rows * lanes));
    out.open("for (; some != 0u; some &= some - 1u) {");
    out.line(format!("let at = group * {RUN}u + firstTrailingBit(some);"));
    out.line(format!("let mask = u32(shared_floats[own * {lanes}u + at]);"));
    out.line(format!("let first = begin + at * {RUN}u;"));
    for k in 0..RUN {
        out.open(format!("if (mask & {}u) != 0u {{", 1 << k));
        out.line(format!("let position = {};", text::sum("first", &format!("{k}u"))));
        for c in 0..shares.each {
            // What lies beyond the last column is read for nothing.
            let column = format!("min(column{c}, {}u)", columns - 1);
            let value = load(&mut printer, &mut out, sums.positions, &sums.values, "position", &[(c, &column)]);
            out.line(format!("sum{c} += {value};"));
        }
        out.close();
    }
    out.close();
    out.close();
    out.line("workgroupBarrier();");
    out.close();

    for c in 0..shares.each {
        out.open(format!("if row < {rows}u && column{c} < {columns}u {{"));
        epilogue(&mut printer, &mut out, c);
        out.close();
    }
    let count = rows.div_ceil(shares.rows) * shares.blocks;
    let work = Workgroups { fixed: count as u64, per_sample: 0, points: 1 };
    printer.finish("One workgroup for a few rows of the table.", Some(lanes as u32), work, out)
}

/// Reads what belongs to a position, and to a column, if there is one.
fn load(
    printer: &mut Printer,
    out: &mut Text,
    positions: &[Extent],
    (tensor, index): &(TensorId, Index),
    position: &str,
    column: &[(usize, &str)],
) -> String {
    let outer = printer.kernel.outer.clone();
    let mut axes = vec![text::ZERO.to_owned()];
    let suffix = column.first().map_or(String::new(), |(c, _)| format!("_{c}"));
    let of = |i: usize| format!("i{i}{suffix}");
    let columns: Vec<String> = (1..outer.len()).map(|i| axis_name(outer[i], of(i))).collect();
    if let Some((_, column)) = column.first() {
        unflatten(out, &outer[1..], &columns, column);
    }
    axes.extend(columns);
    let named = positions.iter().enumerate().map(|(i, extent)| axis_name(*extent, format!("p{i}{suffix}")));
    let named: Vec<String> = named.collect();
    unflatten(out, positions, &named, position);
    axes.extend(named);
    let offset = text::index(index, &axes);
    let address = printer.address(*tensor, &offset);
    printer.load(*tensor, &address)
}

/// What is made of the sum of one of an invocation's columns.
fn epilogue(printer: &mut Printer, out: &mut Text, c: usize) {
    let kernel = printer.kernel;
    let mut axes = vec![axis_name(kernel.outer[0], "row".to_owned())];
    let columns: Vec<String> = (1..kernel.outer.len()).map(|i| axis_name(kernel.outer[i], format!("i{i}"))).collect();
    unflatten(out, &kernel.outer[1..], &columns, &format!("column{c}"));
    axes.extend(columns);
    let mut reduced = vec![vec![Expr::name(format!("sum{c}"), false)]];
    for (n, stage) in kernel.stages.iter().enumerate().skip(1) {
        let place = Place { stage: n, axes: &axes, lanes: None, reduced: &reduced, known: &[] };
        let values = printer.body(out, stage, &place);
        printer.stores(out, &stage.stores, &values, &place);
        reduced.push(stage.reduce.iter().map(|(_, v)| values[v.0 as usize].clone()).collect());
    }
}
