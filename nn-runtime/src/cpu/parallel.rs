//! Threads, where the work is large enough to pay.
//!
//! Work is split by us, by halves, and what a piece computes never depends on how it was split: elements are independent.
//! So the number of threads changes no bit.

use super::simd::LANES;

/// Elementwise operations or multiply-adds that one thread does in about 5 µs: the smallest piece that is handed over.
pub(crate) const GRAIN: usize = 1 << 18;
/// The smallest kernel that is split. Waking another thread takes up to 50 µs, but within a step of such kernels it is awake
/// already: `mlp` went from 0.55 to 0.29 ms a step when this fell from 4M to 1M.
pub(crate) const WORTH: usize = 4 * GRAIN;

/// Runs `f` where splitting work is cheap, if there will be some: on a thread of Rayon's pool. `operations` counts what a
/// step does; its largest kernel does about a third of them.
pub(crate) fn enter<R: Send>(operations: usize, f: impl FnOnce() -> R + Send) -> R {
    if operations < 6 * WORTH || rayon::current_num_threads() < 2 { f() } else { rayon::scope(|_| f()) }
}

/// Runs `body` over rows `0..rows`, in pieces on several threads if each row's number of operations makes that pay.
///
/// `written` are the slices that rows write to, each with the length of one row in it. `body` gets the number of its
/// first row, how many rows it does, and its part of each slice.
#[inline]
pub fn split_rows<const N: usize>(
    rows: usize,
    operations: usize,
    written: [(&mut [f32], usize); N],
    body: &(impl Fn(usize, usize, [&mut [f32]; N]) + Sync),
) {
    if rows.saturating_mul(operations) < WORTH || rayon::current_num_threads() < 2 {
        body(0, rows, written.map(|(slice, _)| slice));
    } else {
        halve(0, rows, operations, written, body);
    }
}

fn halve<const N: usize>(
    first: usize,
    rows: usize,
    operations: usize,
    written: [(&mut [f32], usize); N],
    body: &(impl Fn(usize, usize, [&mut [f32]; N]) + Sync),
) {
    // Whole vectors on the left, so that only the last piece has a partial one.
    let left = (rows / 2).next_multiple_of(2 * LANES);
    if rows.saturating_mul(operations) <= GRAIN || left >= rows {
        return body(first, rows, written.map(|(slice, _)| slice));
    }
    let halves = written.map(|(slice, row)| {
        let (a, b) = slice.split_at_mut(left * row);
        (Some((a, row)), Some((b, row)))
    });
    let (mut low, mut high) = ([const { None }; N], [const { None }; N]);
    for (i, (a, b)) in halves.into_iter().enumerate() {
        (low[i], high[i]) = (a, b);
    }
    let (low, high) = (low.map(Option::unwrap), high.map(Option::unwrap));
    rayon::join(
        || halve(first, left, operations, low, body),
        || halve(first + left, rows - left, operations, high, body),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_done_once() {
        for rows in [0, 1, 15, 16, 17, 1000, 4099] {
            let (mut a, mut b) = (vec![0.0; rows], vec![0.0; rows * 3]);
            split_rows(rows, GRAIN / 64, [(&mut a, 1), (&mut b, 3)], &|first, n, [a, b]| {
                assert_eq!((a.len(), b.len()), (n, 3 * n));
                for i in 0..n {
                    a[i] += (first + i) as f32;
                    b[3 * i + 2] += 1.0;
                }
            });
            assert!(a.iter().enumerate().all(|(i, x)| *x == i as f32));
            assert!(b.iter().enumerate().all(|(i, x)| *x == if i % 3 == 2 { 1.0 } else { 0.0 }));
        }
    }
}
