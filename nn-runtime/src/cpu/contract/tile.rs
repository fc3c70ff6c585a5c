//! Register tiles: a few rows of a few vectors, summed in registers.
//!
//! Vectors are handled in loops, never in closures: the compiler does not always inline those, and then they are not compiled
//! for the processor's vectors.

use crate::cpu::simd::Wide;

/// `$tile!(R, V)` for the numbers that rows and vectors have, which the compiler then knows. Beside one vector there are those of the
/// lists: the first for tiles of many rows, as far as the processor has registers for them, the other for two rows and one.
macro_rules! by_size {
    ($w:ident, $rows:expr, $vectors:expr, $tile:ident, $many:tt, $few:tt) => {
        match $rows {
            8 if $w::ROWS >= 8 => by_size!(@ 8, $vectors, $tile, $many),
            6 if $w::ROWS >= 8 => by_size!(@ 6, $vectors, $tile, $many),
            6 => by_size!(@ 6, $vectors, $tile, [2]),
            4 => by_size!(@ 4, $vectors, $tile, $many),
            3 => by_size!(@ 3, $vectors, $tile, $many),
            2 => by_size!(@ 2, $vectors, $tile, $few),
            _ => by_size!(@ 1, $vectors, $tile, $few),
        }
    };
    (@ $r:literal, $vectors:expr, $tile:ident, [$($v:literal)*]) => {
        match $vectors {
            $($v => $tile!($r, $v),)*
            _ => $tile!($r, 1),
        }
    };
}
pub(super) use by_size;

/// Offsets into a copy, and the largest of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offsets<'a> {
    offsets: &'a [u32],
    largest: usize,
}

impl<'a> Offsets<'a> {
    pub fn new(offsets: &'a [u32]) -> Self {
        Offsets { offsets, largest: offsets.iter().max().map_or(0, |&x| x as usize) }
    }

    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    pub fn get(&self, i: usize) -> usize {
        self.offsets[i] as usize
    }
}

/// `sums[r][v] = Σ_k rows[k][r] * vector v at offset k`: vectors lie at their own offset plus that of the term.
#[inline(always)]
pub(super) fn positions<W: Wide, const R: usize, const V: usize>(
    w: W,
    rows: &[f32],
    terms: Offsets<'_>,
    from: &[f32],
    vectors: [usize; V],
) -> [[W::W; V]; R] {
    assert!(rows.len() >= terms.len() * R, "each row has all terms");
    let reach = from.len().checked_sub(terms.largest + W::WIDTH).expect("the copy holds all terms");
    assert!(vectors.iter().all(|&v| v <= reach), "the copy holds all vectors");
    let mut sums = [[w.wide_splat(0.0); V]; R];
    for (k, &offset) in terms.offsets.iter().enumerate() {
        // SAFETY: an offset is at most `largest`, and a vector at most `reach`, so that this many floats follow.
        let load = |v: usize| unsafe { from.get_unchecked(v + offset as usize..v + offset as usize + W::WIDTH) };
        let mut x = [w.wide_splat(0.0); V];
        for (x, &v) in x.iter_mut().zip(&vectors) {
            *x = w.wide_load(load(v), W::WIDTH);
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `rows` holds `R` floats for each term.
            let row = w.wide_splat(unsafe { *rows.get_unchecked(k * R + r) });
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = w.wide_mul_add(row, x, *sum);
            }
        }
    }
    sums
}

/// Runs of terms: where each begins in the copy, and how many there are in each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<'a> {
    pub starts: Offsets<'a>,
    pub len: usize,
}

/// `sums[r][v] = Σ_k element at (row r + term k) * columns[k][v]`, over runs of neighbouring terms; `columns` has a row of
/// `pitch` floats for each term.
#[inline(always)]
pub(super) fn taps<W: Wide, const R: usize, const V: usize>(
    w: W,
    rows: [usize; R],
    runs: Runs<'_>,
    from: &[f32],
    columns: &[f32],
    pitch: usize,
) -> [[W::W; V]; R] {
    let reach = from.len().checked_sub(runs.starts.largest + runs.len).expect("the copy holds all terms");
    assert!(rows.iter().all(|&r| r <= reach), "the copy holds all rows");
    let terms = runs.starts.len() * runs.len;
    assert!(terms > 0 && V * W::WIDTH <= pitch && (terms - 1) * pitch + V * W::WIDTH <= columns.len());
    let mut sums = [[w.wide_splat(0.0); V]; R];
    for (run, &start) in runs.starts.offsets.iter().enumerate() {
        for k in 0..runs.len {
            let at = (run * runs.len + k) * pitch;
            // SAFETY: `columns` holds a row for each term, as asserted for the last one.
            let row = unsafe { columns.get_unchecked(at..at + V * W::WIDTH) };
            let mut x = [w.wide_splat(0.0); V];
            for (v, x) in x.iter_mut().enumerate() {
                *x = w.wide_load(&row[v * W::WIDTH..], W::WIDTH);
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: a start is at most `largest`, `k` below the run's length, and a row at most `reach`.
                let row = w.wide_splat(unsafe { *from.get_unchecked(rows[r] + start as usize + k) });
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = w.wide_mul_add(row, x, *sum);
                }
            }
        }
    }
    sums
}

/// `sums[r][c] = Σ_k element at (row r + term k) * element at (column c + term k)`, with neighbouring terms in vectors.
#[inline(always)]
pub(super) fn dots<W: Wide, const R: usize, const C: usize>(
    w: W,
    rows: [usize; R],
    runs: Runs<'_>,
    from: &[f32],
    columns: [usize; C],
    column_starts: &[isize],
    columns_from: &[f32],
) -> [[W::W; C]; R] {
    let mut sums = [[w.wide_splat(0.0); C]; R];
    for (run, &start) in runs.starts.offsets.iter().enumerate() {
        let column_start = column_starts[run] as usize;
        let rows: [&[f32]; R] = std::array::from_fn(|r| &from[rows[r] + start as usize..][..runs.len]);
        let columns: [&[f32]; C] = std::array::from_fn(|c| &columns_from[columns[c] + column_start..][..runs.len]);
        for k in (0..runs.len).step_by(W::WIDTH) {
            let count = W::WIDTH.min(runs.len - k);
            let mut x = [w.wide_splat(0.0); C];
            for (x, column) in x.iter_mut().zip(columns) {
                *x = w.wide_load(&column[k..], count);
            }
            for (row, sums) in rows.iter().zip(&mut sums) {
                let row = w.wide_load(&row[k..], count);
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = w.wide_mul_add(row, x, *sum);
                }
            }
        }
    }
    sums
}

/// The rows of tiles that are compiled.
pub(super) const SIZES: [usize; 6] = [1, 2, 3, 4, 6, 8];

/// How many of `rest` rows the next tile has, so that tiles of at most `most` rows are about equal.
pub(super) fn rows_of_tile(rest: usize, most: usize) -> usize {
    let even = rest.div_ceil(rest.div_ceil(most));
    SIZES.into_iter().find(|&size| size >= even).unwrap_or(most)
}
