//! Matrix products for devices whose workgroups have fast memory of their own: a workgroup does a tile of 64 x 64 sums (or so), and
//! brings what all its invocations read into that memory, some steps of the sum at a time.
//!
//! It is the kernel of [`contract`](super::contract) otherwise: operands are read in groups of four, an invocation keeps a block of
//! sums in registers, and each of them adds the same products in the same order, so that both kernels give the same bits.

use super::SHARED;
use super::block::Block;
use super::body::Expr;
use super::contract::{Contract, Reading};
use super::function::Function;
use super::text::{self, Text};
use crate::ir::Operand;

/// How a product goes through workgroup memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Panels {
    /// What a workgroup does.
    pub(super) tile: Block,
    /// What an invocation does.
    pub(super) block: Block,
    /// Steps of the sum in a panel.
    pub(super) depth: usize,
    /// Whether panels hold f16, and zeros behind the last step.
    pub(super) halves: bool,
}

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

impl Panels {
    const fn square(tile: usize, block: usize, depth: usize) -> Self {
        let tile = Block { rows: tile, columns: tile };
        Panels { tile, block: Block { rows: block, columns: block }, depth, halves: false }
    }

    /// The shapes that there are: for few sums, for many, and for very many.
    pub(super) const SHAPES: [Panels; 3] = [Self::square(32, 4, 16), Self::square(64, 8, 16), Self::square(128, 8, 8)];

    /// Whether a product's operands lie in fours, and it has whole tiles.
    pub(super) fn suits(&self, contract: &Contract) -> bool {
        let Contract { m, n, .. } = contract;
        m.at(64) >= self.tile.rows as u64
            && n.at(64) >= self.tile.columns as u64
            && contract.wide
            && contract.view.k.len() == 1
            && ![contract.read_a, contract.read_b].contains(&Reading::Single)
            && self.floats() <= SHARED
    }

    /// Invocations that lie side by side.
    pub(super) fn beside(&self) -> usize {
        self.tile.columns / self.block.columns
    }

    /// Invocations in a workgroup.
    pub(super) fn lanes(&self) -> usize {
        self.tile.rows / self.block.rows * self.beside()
    }

    /// Numbers from one step of the rows' panel to the next: not a multiple of the number of memory banks.
    pub(super) fn row_pitch(&self) -> usize {
        self.tile.rows + if self.halves { 8 } else { 4 }
    }

    /// The same of the columns' panel.
    pub(super) fn column_pitch(&self) -> usize {
        self.tile.columns + if self.halves { 8 } else { 4 }
    }

    /// Where the columns' panel begins.
    pub(super) fn columns_at(&self) -> usize {
        self.depth * self.row_pitch()
    }

    /// Numbers in workgroup memory.
    pub(super) fn floats(&self) -> usize {
        self.columns_at() + self.depth * self.column_pitch()
    }
}

/// The kernel as a function whose invocations work together.
pub(super) fn print(mut contract: Contract, panels: Panels) -> Function {
    (contract.block, contract.tile) = (panels.block, panels.tile);
    let mut out = Text::new();
    contract.tile(&mut out, "workgroup", ["m_first", "n_first"]);
    let sums = contract.sums_of_panels(&mut out, panels);
    let Panels { tile, block, .. } = panels;
    out.line(format!("let m = m_first + lane / {}u * {}u;", panels.beside(), block.rows));
    out.line(format!("let n = n_first + lane % {}u * {}u;", panels.beside(), block.columns));
    contract.epilogue(&mut out, &sums);
    let what =
        format!("One workgroup for each block of {} x {} sums of {}.", tile.rows, tile.columns, contract.k.text());
    let tiles = contract.tiles();
    contract.printer.shared = panels.floats();
    contract.printer.finish(&what, Some(panels.lanes() as u32), tiles, out)
}

impl Contract<'_> {
    /// Prints the loop over panels; returns the accumulators, row by row.
    fn sums_of_panels(&mut self, out: &mut Text, panels: Panels) -> Vec<Expr> {
        let sums = self.accumulators(out);
        let Panels { block, depth, .. } = panels;
        let (beside, columns_at) = (panels.beside(), panels.columns_at());
        out.line(format!("let x_first = lane / {beside}u * {}u;", block.rows));
        out.line(format!("let y_first = {columns_at}u + lane % {beside}u * {}u;", block.columns));
        let end = self.k.text();
        out.open(format!("for (var k_first = 0u; k_first < {end}; k_first += {depth}u) {{"));
        self.panel(out, 'a', panels);
        self.panel(out, 'b', panels);
        out.line("workgroupBarrier();");
        let steps = match self.has_partial_panels(depth) {
            false => format!("{depth}u"),
            true => format!("min({depth}u, {end} - k_first)"),
        };
        out.open(format!("for (var k = 0u; k < {steps}; k++) {{"));
        let element = |first: &str, pitch: usize, i: usize| {
            format!("shared_floats[{}]", text::sum(&format!("{first}_first + k * {pitch}u"), &format!("{i}u")))
        };
        for q in 0..block.columns / 4 {
            let four: Vec<String> = (0..4).map(|j| element("y", panels.column_pitch(), 4 * q + j)).collect();
            out.line(format!("let y{q} = vec4<f32>({});", four.join(", ")));
        }
        for i in 0..block.rows {
            out.line(format!("let x{i} = {};", element("x", panels.row_pitch(), i)));
            for q in 0..block.columns / 4 {
                let sum = &sums[i * block.columns / 4 + q].text;
                out.line(format!("{sum} = fma(vec4<f32>(x{i}), y{q}, {sum});"));
            }
        }
        out.close();
        out.line("workgroupBarrier();");
        out.close();
        sums
    }

    /// Whether the last panel may have fewer steps than the others.
    fn has_partial_panels(&self, depth: usize) -> bool {
        self.k.batches > 0 || !self.k.size.is_multiple_of(depth as u64)
    }

    /// Prints the loads of a panel of `a` (rows) or `b` (columns). Points and steps behind the last one are read there: nobody
    /// uses them, or they are zeros.
    pub(super) fn panel(&mut self, out: &mut Text, letter: char, panels: Panels) {
        let (operand, axes, reading, first, points) = match letter {
            'a' => (&self.view.a, &self.view.m, self.read_a, "m_first", self.m),
            _ => (&self.view.b, &self.view.n, self.read_b, "n_first", self.n),
        };
        let (partial, base, size, pitch) = match letter {
            'a' => (self.has_partial_rows(), 0, panels.tile.rows, panels.row_pitch()),
            _ => (self.has_partial_columns(), panels.columns_at(), panels.tile.columns, panels.column_pitch()),
        };
        let (operand, axes, depth) = (operand.clone(), axes.clone(), panels.depth);
        out.open(format!("for (var j = lane; j < {}u; j += {}u) {{", size * depth / 4, panels.lanes()));
        // Neighbouring invocations read neighbouring groups of four.
        let (point, step, own_points, own_steps) = match reading {
            Reading::Across => (format!("j % {}u * 4u", size / 4), format!("j / {}u", size / 4), 4, 1),
            _ => (format!("j / {}u", depth / 4), format!("j % {}u * 4u", depth / 4), 1, 4),
        };
        out.line(format!("let point = {point};"));
        out.line(format!("let steps = {step};"));
        let flat = match partial {
            false => format!("{first} + point"),
            true => format!("min({first} + point, {} - {own_points}u)", points.text()),
        };
        self.address(out, letter.to_string().as_str(), &flat, &operand, &axes);
        let k = self.view.k[0];
        out.line(match self.has_partial_panels(depth) {
            false => format!("let {} = k_first + steps;", self.names[k]),
            true => format!("let {} = min(k_first + steps, {} - {own_steps}u);", self.names[k], self.k.text()),
        });
        let Operand { tensor, index, .. } = operand;
        let along = text::part(&index, &[k], self.extents.len()).expect("a contraction's indices are affine");
        let address = text::sum(&letter.to_string(), &text::index(&along, &self.names));
        let value = self.printer.load_group(tensor, &address);
        out.line(match panels.halves && self.has_partial_panels(depth) {
            false => format!("let four = {value};"),
            true => format!("let four = select(vec4<f32>(0.0), {value}, k_first + steps < {});", self.k.text()),
        });
        let step = if own_points == 4 { 1 } else { pitch };
        for (i, component) in COMPONENTS.iter().enumerate() {
            let at = text::sum(&format!("{base}u"), &format!("steps * {pitch}u + point"));
            let at = text::sum(&at, &format!("{}u", i * step));
            out.line(match panels.halves {
                false => format!("shared_floats[{at}] = four.{component};"),
                true => format!("shared_halves[{at}] = f16(four.{component});"),
            });
        }
        out.close();
    }
}
