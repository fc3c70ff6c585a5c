//! The choice of a contraction's block.

use super::text::Count;

/// Outputs that one invocation computes, and invocations in a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) lanes: u32,
}

impl Block {
    /// A block for `group` products of `m` x `k` by `k` x `n`. Four columns stand in one vector where `wide`.
    pub(super) fn choose(_group: Count, m: Count, _n: Count, _k: Count, wide: bool) -> Block {
        let rows = if m.at(64) < 4 { 1 } else { 4 };
        Block { rows, columns: if wide { 4 } else { 2 }, lanes: 64 }
    }
}
