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
    /// Terms that are copied tile by tile: their lines stay in the first-level cache.
    const TERMS: usize = 16;
    let sliver = sliver(height, k);
    // Whole vectors are read, also of the rows behind a tile's: behind the last one of all there may be none.
    let copied = match row {
        1 => (from.len() - (k - 1) * term).saturating_sub(LANES - height).min(rows) / height,
        _ => 0,
    };
    for start in (0..k).step_by(TERMS) {
        let terms = TERMS.min(k - start);
        for tile in 0..copied {
            let from = &from[start * term + tile * height..];
            copy(w, from, term, &mut to[tile * sliver + start * height..], height, terms);
        }
    }
    for tile in copied..rows.div_ceil(height) {
        let i = tile * height;
        let to = &mut to[tile * sliver..][..sliver];
        pack(w, &from[i * row..], [term, row], [k, height.min(rows - i)], height, to);
    }
}

/// Copies so many vectors from one place to another, with these distances between them.
#[inline(always)]
fn copy<S: Simd>(s: S, from: &[f32], term: usize, to: &mut [f32], height: usize, count: usize) {
    assert!((count - 1) * term + LANES <= from.len() && (count - 1) * height + LANES <= to.len(), "vectors are there");
    for k in 0..count {
        // SAFETY: asserted above for the last one.
        let from = unsafe { from.get_unchecked(k * term..k * term + LANES) };
        // SAFETY: as above.
        let to = unsafe { to.get_unchecked_mut(k * height..k * height + LANES) };
        s.store(to, 0, LANES, s.load(from, 0, LANES));
    }
}
