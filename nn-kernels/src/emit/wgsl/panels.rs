//! Matrix products for devices whose workgroups have fast memory of their own: a workgroup does a tile of 64 x 64 sums, and brings
//! what all its invocations read into that memory, 16 steps of the sum at a time.
//!
//! It is the kernel of [`contract`](super::contract) otherwise: operands are read in groups of four, an invocation keeps 8 x 8 sums
//! in registers, and each of them adds the same products in the same order, so that both kernels give the same bits.

use super::block::{Block, LARGE};
use super::body::Expr;
use super::contract::{Contract, Reading};
use super::function::Function;
use super::text::{self, Text};
use crate::ir::Operand;

/// Rows and columns of a workgroup's tile.
const TILE: usize = 64;
/// Rows and columns of an invocation's block.
const BLOCK: usize = 8;
/// Invocations in a workgroup.
pub(super) const LANES: usize = (TILE / BLOCK) * (TILE / BLOCK);
/// Steps of the sum in a panel.
const DEPTH: usize = 16;
/// Floats from one step of a panel to the next: not a multiple of the number of memory banks.
const PITCH: usize = TILE + 4;
/// Floats in a panel.
const PANEL: usize = DEPTH * PITCH;

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// Whether a product is large enough, and its operands lie in fours.
pub(super) fn suits(contract: &Contract) -> bool {
    let Contract { m, n, k, .. } = contract;
    m.at(64) * n.at(64) * k.at(64) >= LARGE
        && m.at(64) >= TILE as u64
        && n.at(64) >= TILE as u64
        && contract.wide
        && contract.view.k.len() == 1
        && ![contract.read_a, contract.read_b].contains(&Reading::Single)
}

/// The kernel as a function whose invocations work together.
pub(super) fn print(mut contract: Contract) -> Function {
    contract.block = Block { rows: BLOCK, columns: BLOCK };
    contract.tile = Block { rows: TILE, columns: TILE };
    let beside = TILE / BLOCK;
    let mut out = Text::new();
    contract.tile(&mut out, "workgroup", ["m_first", "n_first"]);
    let sums = contract.sums_of_panels(&mut out);
    out.line(format!("let m = m_first + lane / {beside}u * {BLOCK}u;"));
    out.line(format!("let n = n_first + lane % {beside}u * {BLOCK}u;"));
    contract.epilogue(&mut out, &sums);
    let what = format!("One workgroup for each block of {TILE} x {TILE} sums of {}.", contract.k.text());
    let tiles = contract.tiles();
    contract.printer.shared = 2 * PANEL;
    contract.printer.finish(&what, Some(LANES as u32), tiles, out)
}

impl Contract<'_> {
    /// Prints the loop over panels; returns the accumulators, row by row.
    fn sums_of_panels(&mut self, out: &mut Text) -> Vec<Expr> {
        let sums = self.accumulators(out);
        let beside = TILE / BLOCK;
        out.line(format!("let x_first = lane / {beside}u * {BLOCK}u;"));
        out.line(format!("let y_first = {PANEL}u + lane % {beside}u * {BLOCK}u;"));
        let end = self.k.text();
        out.open(format!("for (var k_first = 0u; k_first < {end}; k_first += {DEPTH}u) {{"));
        self.panel(out, 'a');
        self.panel(out, 'b');
        out.line("workgroupBarrier();");
        let steps = match self.has_partial_panels() {
            false => format!("{DEPTH}u"),
            true => format!("min({DEPTH}u, {end} - k_first)"),
        };
        out.open(format!("for (var k = 0u; k < {steps}; k++) {{"));
        let element = |first: &str, i: usize| {
            format!("shared_floats[{}]", text::sum(&format!("{first}_first + k * {PITCH}u"), &format!("{i}u")))
        };
        for q in 0..BLOCK / 4 {
            let four: Vec<String> = (0..4).map(|j| element("y", 4 * q + j)).collect();
            out.line(format!("let y{q} = vec4<f32>({});", four.join(", ")));
        }
        for i in 0..BLOCK {
            out.line(format!("let x{i} = {};", element("x", i)));
            for q in 0..BLOCK / 4 {
                let sum = &sums[i * BLOCK / 4 + q].text;
                out.line(format!("{sum} = fma(vec4<f32>(x{i}), y{q}, {sum});"));
            }
        }
        out.close();
        out.line("workgroupBarrier();");
        out.close();
        sums
    }

    /// Whether the last panel may have fewer steps than the others.
    fn has_partial_panels(&self) -> bool {
        self.k.batches > 0 || !self.k.size.is_multiple_of(DEPTH as u64)
    }

    /// Prints the loads of a panel of `a` (rows) or `b` (columns). Points and steps behind the last one are read there: nobody
    /// uses them.
    fn panel(&mut self, out: &mut Text, letter: char) {
        let (operand, axes, reading, first, points, partial, base) = match letter {
            'a' => (&self.view.a, &self.view.m, self.read_a, "m_first", self.m, self.has_partial_rows(), 0),
            _ => (&self.view.b, &self.view.n, self.read_b, "n_first", self.n, self.has_partial_columns(), PANEL),
        };
        let (operand, axes) = (operand.clone(), axes.clone());
        out.open(format!("for (var j = lane; j < {}u; j += {LANES}u) {{", TILE * DEPTH / 4));
        // Neighbouring invocations read neighbouring groups of four.
        let (point, step, own_points, own_steps) = match reading {
            Reading::Across => (format!("j % {}u * 4u", TILE / 4), format!("j / {}u", TILE / 4), 4, 1),
            _ => (format!("j / {}u", DEPTH / 4), format!("j % {}u * 4u", DEPTH / 4), 1, 4),
        };
        out.line(format!("let point = {point};"));
        out.line(format!("let steps = {step};"));
        let flat = match partial {
            false => format!("{first} + point"),
            true => format!("min({first} + point, {} - {own_points}u)", points.text()),
        };
        self.address(out, letter.to_string().as_str(), &flat, &operand, &axes);
        let k = self.view.k[0];
        out.line(match self.has_partial_panels() {
            false => format!("let {} = k_first + steps;", self.names[k]),
            true => format!("let {} = min(k_first + steps, {} - {own_steps}u);", self.names[k], self.k.text()),
        });
        let Operand { tensor, index, .. } = operand;
        let along = text::part(&index, &[k], self.extents.len()).expect("a contraction's indices are affine");
        let address = text::sum(&letter.to_string(), &text::index(&along, &self.names));
        let value = self.printer.load_group(tensor, &address);
        out.line(format!("let four = {value};"));
        let step = if own_points == 4 { 1 } else { PITCH };
        for (i, component) in COMPONENTS.iter().enumerate() {
            let at = text::sum(&format!("{base}u"), &format!("steps * {PITCH}u + point"));
            let at = text::sum(&at, &format!("{}u", i * step));
            out.line(format!("shared_floats[{at}] = four.{component};"));
        }
        out.close();
    }
}
