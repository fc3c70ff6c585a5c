//! Copies columns of an operand into the order in which tiles read them.

use super::tile::LINE;
use crate::cpu::simd::{LANES, Simd, Wide, prefetch};

/// Rows that are asked for before they are copied.
const AHEAD: usize = 4;

/// Copies `k` rows of `columns` columns of `from` (with these strides of rows and columns) to `to`, in rows of `width`
/// floats, a multiple of [`LANES`], or less than that. What is behind the columns becomes 0.
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

/// Copies `k` terms of columns of `from` (with these strides of terms and columns) to panels of this width, whole wide vectors,
/// one panel behind another.
#[inline(always)]
pub(super) fn pack_panels<W: Wide>(
    w: W,
    width: usize,
    from: &[f32],
    [term, column]: [usize; 2],
    [k, columns]: [usize; 2],
    to: &mut [f32],
) {
    let panel = k * width;
    let whole = columns / width;
    let mut first = 0;
    if column == 1 {
        // Row by row, whatever the number of panels: memory likes long runs.
        for i in 0..k {
            let row = &from[i * term..i * term + whole * width];
            for j in (0..row.len()).step_by(LINE) {
                prefetch(from, (i + AHEAD) * term + j);
            }
            for (number, row) in row.chunks_exact(width).enumerate() {
                let to = &mut to[number * panel + i * width..][..width];
                for (row, to) in row.chunks_exact(W::WIDTH).zip(to.chunks_exact_mut(W::WIDTH)) {
                    w.wide_store(to, W::WIDTH, w.wide_load(row, W::WIDTH));
                }
            }
        }
        first = whole;
    } else if term == 1 && k.is_multiple_of(LANES) {
        for number in 0..whole {
            let to = &mut to[number * panel..][..panel];
            for first in (0..width).step_by(LANES) {
                transpose(w, &from[(number * width + first) * column..], column, k, width, &mut to[first..]);
            }
        }
        first = whole;
    }
    for number in first..columns.div_ceil(width) {
        let at = number * width;
        pack(w, &from[at * column..], [term, column], [k, width.min(columns - at)], width, &mut to[number * panel..]);
    }
}

/// Copies `k` terms (a multiple of [`LANES`]) of [`LANES`] neighbours of this distance, each of which is contiguous, to rows of
/// `width` floats. The next neighbours are asked for already.
#[inline(always)]
fn transpose<S: Simd>(s: S, from: &[f32], distance: usize, k: usize, width: usize, to: &mut [f32]) {
    let to = &mut to[..(k - 1) * width + LANES];
    let here = &from[..(LANES - 1) * distance + k];
    for i in (0..k).step_by(LANES) {
        if i.is_multiple_of(LINE) {
            for j in 0..LANES {
                prefetch(from, (LANES + j) * distance + i);
            }
        }
        for (j, v) in s.load_transposed(here, i, distance).into_iter().enumerate() {
            s.store(to, (i + j) * width, LANES, v);
        }
    }
}

/// Floats of a sliver of so many rows and terms: whole vectors are written, also behind the last term, and slivers do not lie at
/// distances that are powers of two, where they would be in one another's way in a cache.
pub(super) fn sliver(rows: usize, terms: usize) -> usize {
    (rows * terms).next_multiple_of(LINE) + LINE
}

/// Copies `k` terms of `rows` rows of `from` (with these strides of rows and terms) to `to`: a [`sliver`] for each tile of `height`
/// rows, at most [`LANES`], term by term.
#[inline(always)]
pub(super) fn pack_slivers<W: Wide>(
    w: W,
    height: usize,
    from: &[f32],
    [row, term]: [usize; 2],
    [rows, k]: [usize; 2],
    to: &mut [f32],
) {
    /// Tiles whose rows are read together: whole lines, where rows are neighbours.
    const TOGETHER: usize = 8;
    let sliver = sliver(height, k);
    let mut first = 0;
    if row == 1 {
        let floats = (TOGETHER - 1) * height + LANES;
        while first + floats <= rows {
            let to = &mut to[first / height * sliver..][..TOGETHER * sliver];
            for k in 0..k {
                let from = &from[k * term + first..][..floats];
                for tile in 0..TOGETHER {
                    w.store(to, tile * sliver + k * height, LANES, w.load(from, tile * height, LANES));
                }
            }
            first += TOGETHER * height;
        }
    }
    while first < rows {
        let (from, to) = (&from[first * row..], &mut to[first / height * sliver..][..sliver]);
        pack(w, from, [term, row], [k, height.min(rows - first)], height, to);
        first += height;
    }
}
