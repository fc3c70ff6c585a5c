//! The choice of a contraction's block.

use super::text::Count;

/// Outputs that one invocation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Block {
    /// A block for products of `m` x `k` by `k` x `n`. Four columns stand in one vector where `wide`.
    ///
    /// Large blocks read less for each product, and take longer to compile (on llvmpipe 50 ms for 4 x 4, 110 for 4 x 8 and
    /// 250 for 8 x 8), so they are for large products. The batch counts as 64 samples.
    pub(super) fn choose(m: Count, n: Count, k: Count, wide: bool) -> Block {
        let (m, products) = (m.at(64), m.at(64) * n.at(64) * k.at(64));
        let (rows, columns) = match (products, wide) {
            (LARGE.., true) if n.size >= 8 => (8, 8),
            (MEDIUM.., true) if n.size >= 8 => (4, 8),
            (_, true) => (4, 4),
            (MEDIUM.., false) if n.size >= 4 => (4, 4),
            (_, false) => (4, if n.size == 1 { 1 } else { 2 }),
        };
        let rows = if m < 4 { 1 } else { rows };
        Block { rows, columns }
    }
}

/// Products from which on 32 outputs in one invocation pay.
const MEDIUM: u64 = 1 << 21;
/// Products from which on 64 do.
const LARGE: u64 = 1 << 26;
