//! Copies columns of an operand into the order in which tiles read them.

use std::cell::Cell;

use crate::cpu::memory::Floats;
use crate::cpu::simd::{LANES, Simd};

thread_local! {
    static SCRATCH: Cell<Floats> = const { Cell::new(Floats::new()) };
}

/// This thread's memory for packing, at least this long. Give it back to [`keep`].
pub(super) fn scratch(floats: usize) -> Floats {
    let mut scratch = SCRATCH.take();
    scratch.grow(floats).expect("memory for a panel");
    scratch
}

/// Keeps the memory for the next time.
pub(super) fn keep(scratch: Floats) {
    SCRATCH.set(scratch);
}

/// Copies `k` rows of `columns` columns of `from` (with these strides of rows and columns) to `to`, in rows of `width`
/// floats, a multiple of [`LANES`]. What is behind the columns becomes 0.
#[inline(always)]
pub(super) fn pack<S: Simd>(
    s: S,
    from: &[f32],
    [row, column]: [usize; 2],
    [k, columns]: [usize; 2],
    width: usize,
    to: &mut [f32],
) {
    for first in (0..width).step_by(LANES) {
        let count = columns.saturating_sub(first).min(LANES);
        if count == 0 {
            // Behind the columns: nothing there to be loaded.
            for i in 0..k {
                s.store(to, i * width + first, LANES, s.splat(0.0));
            }
        } else if column == 1 {
            for i in 0..k {
                s.store(to, i * width + first, LANES, s.load(from, i * row + first, count));
            }
        } else if row == 1 {
            for i in (0..k).step_by(LANES) {
                let n = LANES.min(k - i);
                let mut block = [s.splat(0.0); LANES];
                for (j, v) in block.iter_mut().enumerate().take(count) {
                    *v = s.load(from, (first + j) * column + i, n);
                }
                for (j, v) in s.transpose(block).into_iter().enumerate().take(n) {
                    s.store(to, (i + j) * width + first, LANES, v);
                }
            }
        } else {
            for i in 0..k {
                for j in 0..LANES {
                    to[i * width + first + j] = if j < count { from[i * row + (first + j) * column] } else { 0.0 };
                }
            }
        }
    }
}
