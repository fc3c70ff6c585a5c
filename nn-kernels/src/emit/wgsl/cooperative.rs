//! Products of f16 by cooperative matrices: small matrices whose elements a subgroup holds together, and which devices with units
//! for that multiply in a few cycles.
//!
//! A workgroup does a tile of 32 x 32 sums. It brings what it reads into workgroup memory as f16, as [`panels`](super::panels)
//! do in f32; its subgroups share the rows of small matrices, however many subgroups there are; sums are f32, and go through
//! workgroup memory to the epilogue, which is that of every contraction.
//!
//! Products of f16 are exact in f32, but the device chooses the order in which it adds them. Each sum lies within
//! `2 * k * 2^-24 * Σ |a * b|` of the exact one, where `k` is the number of products; that of the other texts does, too.

use super::block::Block;
use super::body::Expr;
use super::contract::{Contract, Reading};
use super::function::Function;
use super::panels::Panels;
use super::text::{self, Text};

/// A workgroup's tile, what an invocation does of the epilogue, and the steps of a panel.
const PANELS: Panels =
    Panels { tile: Block { rows: 32, columns: 32 }, block: Block { rows: 4, columns: 4 }, depth: 32, halves: true };
/// Floats from one row of sums to the next, in workgroup memory.
const PITCH: usize = PANELS.tile.columns + 4;

/// The sizes of small matrices that devices have: 8 x 8, and 16 x 16.
pub(super) const SIZES: [usize; 2] = [8, 16];
pub(super) const BLOCK: Block = PANELS.block;
pub(super) const TILE: Block = PANELS.tile;

/// Whether both operands are f16, read in fours along one reduced axis.
pub(super) fn suits(contract: &Contract) -> bool {
    let is_half = |tensor: crate::ir::TensorId| contract.printer.schedule.tensors[tensor.0 as usize].place.is_half();
    is_half(contract.view.a.tensor)
        && is_half(contract.view.b.tensor)
        && contract.wide
        && contract.view.k.len() == 1
        && ![contract.read_a, contract.read_b].contains(&Reading::Single)
}

/// The kernel as a function whose invocations work together, with small matrices of `size` x `size`.
pub(super) fn print(mut contract: Contract, size: usize) -> Function {
    (contract.block, contract.tile) = (BLOCK, TILE);
    let mut out = Text::new();
    contract.tile(&mut out, "workgroup", ["m_first", "n_first"]);
    let sums = contract.sums_of_matrices(&mut out, size);
    contract.epilogue(&mut out, &sums);
    let Block { rows, columns } = TILE;
    let what = format!(
        "One workgroup for each block of {rows} x {columns} sums of {}, by matrices of {size} x {size}.",
        contract.k.text()
    );
    let tiles = contract.tiles();
    contract.printer.shared = PITCH * rows;
    contract.printer.shared_halves = PANELS.floats();
    contract.printer.finish(&what, Some(PANELS.lanes() as u32), tiles, out)
}

impl Contract<'_> {
    /// Prints the loop over panels; returns an invocation's sums, row by row.
    fn sums_of_matrices(&mut self, out: &mut Text, size: usize) -> Vec<Expr> {
        let Panels { tile, depth, .. } = PANELS;
        let (down, beside) = (tile.rows / size, tile.columns / size);
        let matrix = |role: char| {
            let scalar = if role == 'C' { "f32" } else { "f16" };
            format!("coop_mat{size}x{size}<{scalar}, {role}>")
        };
        for i in 0..down {
            (0..beside).for_each(|j| out.line(format!("var matrix{i}_{j} = {}();", matrix('C'))));
        }
        // How many subgroups there are, from where the language sees that it is the same for all invocations.
        out.open("if lane == 0u {");
        out.line("shared_floats[0u] = f32(subgroups);");
        out.close();
        out.line("workgroupBarrier();");
        out.line("let teams = u32(shared_floats[0u]);");
        // Where there are more subgroups than rows of matrices, some do the same, with the same bits.
        (0..down).for_each(|i| out.line(format!("let row{i} = (teams * {i}u + subgroup) % {down}u * {size}u;")));
        let end = self.k.text();
        out.open(format!("for (var k_first = 0u; k_first < {end}; k_first += {depth}u) {{"));
        self.panel(out, 'a', PANELS);
        self.panel(out, 'b', PANELS);
        out.line("workgroupBarrier();");
        out.open(format!("for (var k = 0u; k < {depth}u + step.zero; k += {size}u) {{"));
        let (row_pitch, column_pitch) = (PANELS.row_pitch(), PANELS.column_pitch());
        for j in 0..beside {
            let at = PANELS.columns_at() + j * size;
            out.line(format!(
                "let y{j} = coopLoadT<{}>(&shared_halves[k * {column_pitch}u + {at}u], {column_pitch}u);",
                matrix('B')
            ));
        }
        for i in 0..down {
            out.open(format!("if teams * {i}u < {down}u {{"));
            let x = matrix('A');
            out.line(format!("let x = coopLoad<{x}>(&shared_halves[k * {row_pitch}u + row{i}], {row_pitch}u);"));
            (0..beside).for_each(|j| out.line(format!("matrix{i}_{j} = coopMultiplyAdd(x, y{j}, matrix{i}_{j});")));
            out.close();
        }
        out.close();
        out.line("workgroupBarrier();");
        out.close();
        for i in 0..down {
            out.open(format!("if teams * {i}u < {down}u {{"));
            for j in 0..beside {
                let at = text::sum(&format!("row{i} * {PITCH}u"), &format!("{}u", j * size));
                out.line(format!("coopStoreT(matrix{i}_{j}, &shared_floats[{at}], {PITCH}u);"));
            }
            out.close();
        }
        out.line("workgroupBarrier();");
        let Block { rows, columns } = BLOCK;
        let beside = PANELS.beside();
        out.line(format!("let m_own = lane / {beside}u * {rows}u;"));
        out.line(format!("let n_own = lane % {beside}u * {columns}u;"));
        out.line("let m = m_first + m_own;");
        out.line("let n = n_first + n_own;");
        let mut sums = vec![];
        for i in 0..rows {
            let element = |j: usize| format!("shared_floats[(m_own + {i}u) * {PITCH}u + n_own + {j}u]");
            let four: Vec<String> = (0..4).map(element).collect();
            out.line(format!("var sum{i}_0 = vec4<f32>({});", four.join(", ")));
            sums.push(Expr::name(format!("sum{i}_0"), true));
        }
        sums
    }
}
