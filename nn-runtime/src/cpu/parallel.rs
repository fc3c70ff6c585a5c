//! Threads, where the work is large enough to pay.
//!
//! Work is cut into pieces by its shapes alone, and what a piece computes never depends on how the work was cut or who does it:
//! elements are independent. So the number of threads changes no bit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::memory::Shared;
use super::team;
use crate::error::Result;

/// Elementwise operations or multiply-adds that one thread does in 2 to 5 µs: about the smallest piece that is handed over.
pub(crate) const GRAIN: usize = 1 << 18;
/// The smallest work that is cut.
pub(crate) const WORTH: usize = 2 * GRAIN;
/// The same for rows, whose operations are no multiply-adds in registers: functions, and memory in the farther caches.
const ROWS_GRAIN: usize = GRAIN / 2;
const ROWS_WORTH: usize = 2 * ROWS_GRAIN;

/// Threads that may work together.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Runs `piece` for all numbers below `pieces`, on several threads.
///
/// Each thread has a share of neighbouring pieces, the same one whenever as many pieces are done, so that what it wrote in one
/// kernel is in its cache in the next one. Who is done with his share helps with the others'.
pub(crate) fn each(pieces: usize, piece: &(impl Fn(usize) + Sync)) {
    /// The next piece of a share, in a cache line of its own.
    #[derive(Default)]
    #[repr(align(64))]
    struct Next(AtomicUsize);
    const SHARES: usize = 16;

    // Whoever asks for the number of threads starts them: nobody does for one piece.
    let threads = if pieces < 2 { pieces } else { threads().min(pieces) };
    if threads < 2 {
        return (0..pieces).for_each(piece);
    }
    let shares = threads.min(SHARES);
    let next: [Next; SHARES] = std::array::from_fn(|share| Next((pieces * share / shares).into()));
    team::together(threads, &|thread| {
        for share in (0..shares).map(|i| (thread + i) % shares) {
            let end = pieces * (share + 1) / shares;
            loop {
                // Relaxed: what pieces read was there before, and what they write is looked at after all threads have met.
                let i = next[share].0.fetch_add(1, Ordering::Relaxed);
                if i >= end {
                    break;
                }
                piece(i);
            }
        }
    });
}

/// Runs each job, or all up to one that fails: on several threads if they are `large` together. Jobs are handed out in order.
pub(crate) fn try_each<T: Send>(
    jobs: &mut [T],
    large: bool,
    run: &(impl Fn(&mut T) -> Result<()> + Sync),
) -> Result<()> {
    if !large {
        return jobs.iter_mut().try_for_each(run);
    }
    let count = jobs.len();
    let (jobs, failed) = (Mutex::new(jobs.iter_mut()), OnceLock::new());
    each(count, &|_| {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        if failed.get().is_none()
            && let Some(Err(error)) = job.map(run)
        {
            // A second failure has nothing to add.
            failed.set(error).ok();
        }
    });
    failed.into_inner().map_or(Ok(()), Err)
}

/// Runs `body` over rows `0..rows`, in pieces on several threads if each row's number of operations makes that pay. Each piece
/// but the last one has a multiple of `whole` rows: where vectors are along rows, only the last one is partial.
///
/// `written` are the slices that rows write to, each with the length of one row in it. `body` gets the number of its
/// first row, how many rows it does, and its part of each slice.
///
/// # Panics
/// If a slice is shorter than its rows.
#[inline]
pub fn split_rows<const N: usize>(
    rows: usize,
    operations: usize,
    whole: usize,
    written: [(&mut [f32], usize); N],
    body: &(impl Fn(usize, usize, [&mut [f32]; N]) + Sync),
) {
    let work = rows.saturating_mul(operations);
    if work < ROWS_WORTH {
        return body(0, rows, written.map(|(slice, _)| slice));
    }
    // As many pieces as 2, 4, 8 or 16 threads share evenly.
    let pieces = (work / ROWS_GRAIN).next_power_of_two();
    let size = rows.div_ceil(pieces).next_multiple_of(whole);
    // Of the last row there may be a part only: rows may be longer than what belongs to them.
    let written = written.map(|(slice, row)| {
        let end = slice.len().min(rows * row);
        (Shared::new(&mut slice[..end]), row, end)
    });
    each(rows.div_ceil(size), &|i| {
        let first = i * size;
        let rows = size.min(rows - first);
        // SAFETY: each piece is done once, and its rows belong to no other one.
        body(
            first,
            rows,
            written.map(|(slice, row, end)| unsafe { slice.part(first * row, (rows * row).min(end - first * row)) }),
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_done_once() {
        for rows in [0, 1, 15, 16, 17, 1000, 4099] {
            let (mut a, mut b) = (vec![0.0; rows], vec![0.0; rows * 3]);
            split_rows(rows, GRAIN / 64, 16, [(&mut a, 1), (&mut b, 3)], &|first, n, [a, b]| {
                assert_eq!((a.len(), b.len(), first % 16), (n, 3 * n, 0));
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
