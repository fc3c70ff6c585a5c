//! Memory on the CPU: arenas, their pool, and disjoint slices of them.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::program::Schedule;

/// Slices that kernels read and write at the same time. The plan keeps the tensors of one kernel apart.
///
/// # Panics
/// If ranges overlap or leave the memory: then generated code and runtime do not belong together.
#[inline]
pub fn disjoint<const N: usize>(memory: &mut [f32], ranges: [Range<usize>; N]) -> [&mut [f32]; N] {
    memory.get_disjoint_mut(ranges).expect("the tensors of a kernel lie apart, within the memory")
}

/// The optimizer's state vectors of these numbers.
///
/// # Panics
/// If a number stands twice or there is no such vector: then generated code and runtime do not belong together.
#[inline]
pub fn states<const N: usize>(states: &mut [Vec<f32>], numbers: [usize; N]) -> [&mut [f32]; N] {
    states.get_disjoint_mut(numbers).expect("a kernel names each state once").map(Vec::as_mut_slice)
}

/// A cache line of floats: arenas start at the beginning of one.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// The activations of one run of a schedule.
#[derive(Default)]
pub(crate) struct Arena(Vec<Line>);

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arena({} floats)", self.0.len() * 16)
    }
}

impl Arena {
    /// Its floats, for a schedule and a capacity; grows to them.
    pub(crate) fn floats(&mut self, schedule: &Schedule, capacity: usize) -> Result<&mut [f32]> {
        let floats = (schedule.sample_floats.checked_mul(capacity))
            .and_then(|n| n.checked_add(schedule.fixed_floats))
            .ok_or_else(|| out_of_memory(usize::MAX))?;
        let lines = floats.div_ceil(16);
        if lines > self.0.len() {
            self.0.try_reserve_exact(lines - self.0.len()).map_err(|_| out_of_memory(floats))?;
            self.0.resize(lines, bytemuck::Zeroable::zeroed());
        }
        Ok(&mut bytemuck::cast_slice_mut(&mut self.0)[..floats])
    }
}

/// A vector of this length.
pub(crate) fn filled(value: f32, floats: usize) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    all.try_reserve_exact(floats).map_err(|_| out_of_memory(floats))?;
    all.resize(floats, value);
    Ok(all)
}

fn out_of_memory(floats: usize) -> Error {
    let bytes = floats.saturating_mul(4);
    Error::OutOfMemory { device: "CPU".into(), what: format!("{bytes} bytes") }
}

/// Arenas that are not in use, for methods that many threads call at once.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Arena>>);

impl Pool {
    /// Runs `f` with an arena of the pool, and puts it back.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Arena) -> R) -> R {
        // A poisoned lock is no harm: the list of arenas is always whole.
        let arena = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut arena = arena.unwrap_or_default();
        let result = f(&mut arena);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(arena);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_lie_apart() {
        let mut memory: Vec<f32> = (0..10).map(|i| i as f32).collect();
        let [a, b] = disjoint(&mut memory, [6..8, 0..3]);
        a[0] = b[2];
        assert_eq!((a, b), (&mut [2.0, 7.0][..], &mut [0.0, 1.0, 2.0][..]));
    }

    #[test]
    #[should_panic(expected = "lie apart")]
    fn overlapping_slices_are_refused() {
        disjoint(&mut [0.0; 10], [2..5, 4..6]);
    }

    #[test]
    fn a_pool_hands_out_each_arena_once() {
        let pool = Pool::default();
        pool.with(|a| {
            a.0.push(Line([1.0; 16]));
            pool.with(|b| assert!(b.0.is_empty()));
        });
        let mut sizes = vec![];
        pool.with(|a| pool.with(|b| sizes.extend([a.0.len(), b.0.len()])));
        sizes.sort_unstable();
        assert_eq!(sizes, [0, 1]);
    }
}
