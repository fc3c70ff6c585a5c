//! Matrix products where the invocations of a subgroup share their rows: each brings a part of what all of them need of the
//! first operand, and hands it to the others by broadcasts.
//!
//! All invocations of a workgroup do the same rows and neighbouring columns, so that it does not matter which of them are a
//! subgroup, nor how large subgroups are, if only they have eight invocations. It is the kernel of [`contract`](super::contract)
//! otherwise: what is added in which order is the same, and so are the bits.

use super::block::Block;
use super::contract::{Along, Contract, Reading};
use super::function::Function;
use super::text::Text;

/// What an invocation does.
pub(super) const BLOCK: Block = Block { rows: 16, columns: 4 };
/// Invocations in a workgroup.
const LANES: usize = 64;
/// What a workgroup does.
pub(super) const TILE: Block = Block { rows: BLOCK.rows, columns: BLOCK.columns * LANES };
/// Invocations of which every subgroup has some.
pub(super) const SUBGROUP: usize = 8;

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// Whether a product has whole tiles, and four columns are one vector.
pub(super) fn suits(contract: &Contract) -> bool {
    let Contract { m, n, .. } = contract;
    contract.wide && m.at(64) >= TILE.rows as u64 && n.at(64) >= TILE.columns as u64
}

/// The kernel as a function whose invocations work together.
pub(super) fn print(mut contract: Contract) -> Function {
    (contract.block, contract.tile, contract.in_subgroups) = (BLOCK, TILE, true);
    let mut out = Text::new();
    contract.tile(&mut out, "workgroup", ["m", "n_first"]);
    out.line(format!("let n = n_first + lane * {}u;", BLOCK.columns));
    contract.addresses(&mut out);
    let sums = contract.sums(&mut out);
    contract.epilogue(&mut out, &sums);
    let Block { rows, columns } = TILE;
    let what = format!("One workgroup for each block of {rows} x {columns} sums of {}.", contract.k.text());
    let tiles = contract.tiles();
    contract.printer.finish(&what, Some(LANES as u32), tiles, out)
}

impl Contract<'_> {
    /// Where the rows begin that an invocation brings, by its number in the subgroup.
    pub(super) fn own_rows(&self) -> Vec<String> {
        match self.read_a {
            Reading::Across => vec![format!("(m + sublane % {}u * 4u)", BLOCK.rows / 4)],
            _ => (0..BLOCK.rows).step_by(SUBGROUP).map(|i| format!("(m + sublane % {SUBGROUP}u + {i}u)")).collect(),
        }
    }

    /// Prints what an invocation brings of four steps at once.
    pub(super) fn bring_group(&mut self, out: &mut Text, a: &Along) {
        for i in 0..BLOCK.rows / SUBGROUP {
            out.line(format!("let x{i} = {};", self.printer.load_group(a.tensor, &a.at(i, 0, 0))));
        }
    }

    /// The rows' factors at one step of the loop, an f32 each, as other invocations have brought them.
    pub(super) fn broadcast_rows(&mut self, out: &mut Text, a: &Along, k: usize) -> Vec<String> {
        let suffix = self.suffix(k);
        let from = |value: String, lane: usize| format!("subgroupBroadcast({value}, {lane}u)");
        let rows = 0..BLOCK.rows;
        match self.read_a {
            Reading::AlongSum => {
                rows.map(|i| from(format!("x{}.{}", i / SUBGROUP, COMPONENTS[k]), i % SUBGROUP)).collect()
            }
            Reading::Across => {
                out.line(format!("let x0{suffix} = {};", self.printer.load_group(a.tensor, &a.at(0, k, 0))));
                rows.map(|i| from(format!("x0{suffix}.{}", COMPONENTS[i % 4]), i / 4)).collect()
            }
            Reading::Single => {
                for i in 0..BLOCK.rows / SUBGROUP {
                    out.line(format!("let x{i}{suffix} = {};", self.printer.load(a.tensor, &a.at(i, k, 0))));
                }
                rows.map(|i| from(format!("x{}{suffix}", i / SUBGROUP), i % SUBGROUP)).collect()
            }
        }
    }
}
