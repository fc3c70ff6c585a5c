//! Numbers that are not finite, looked for while training runs; and the last state without any, to go back to.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::memory::Floats;
use super::parallel::split_rows;
use crate::error::Result;

/// A look at all numbers comes whenever so many steps have ended: it reads each of them once, an update reads and writes them.
const EVERY: usize = 64;

/// Floats that are looked at without asking for an end.
const ROW: usize = 1024;

/// Whether training is watched, and what it goes back to.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) on: bool,
    /// Steps since the last look.
    steps: usize,
    parameters: Floats,
    states: Vec<Floats>,
}

impl Watch {
    /// So many steps have ended. Says whether numbers that are not finite have been found.
    pub(super) fn finds(&mut self, ended: usize, parameters: &[f32], states: &[Floats]) -> bool {
        self.steps += ended;
        if !self.on || self.steps < EVERY {
            return false;
        }
        self.steps = 0;
        !all_finite(parameters, states)
    }

    /// Notes what to go back to, in memory that is there after the first time.
    pub(super) fn note(&mut self, parameters: &[f32], states: &[Floats]) -> Result<()> {
        self.states.resize_with(states.len(), Floats::new);
        for (kept, now) in std::iter::once((&mut self.parameters, parameters))
            .chain(self.states.iter_mut().zip(states.iter().map(|state| &**state)))
        {
            kept.grow(now.len())?;
            kept.copy_from_slice(now);
        }
        Ok(())
    }

    /// Goes back.
    pub(super) fn recall(&self, parameters: &mut [f32], states: &mut [Floats]) {
        if self.parameters.is_empty() {
            return;
        }
        parameters.copy_from_slice(&self.parameters);
        states.iter_mut().zip(&self.states).for_each(|(state, kept)| state.copy_from_slice(kept));
    }
}

/// Whether all parameters and states are finite.
pub(super) fn all_finite(parameters: &[f32], states: &[Floats]) -> bool {
    is_finite(parameters) && states.iter().all(|state| is_finite(state))
}

/// Whether all numbers are finite; on several threads if they are many.
fn is_finite(values: &[f32]) -> bool {
    let found = AtomicBool::new(false);
    split_rows(values.len().div_ceil(ROW), ROW, 1, [], &|first, rows, []| {
        let values = &values[first * ROW..values.len().min((first + rows) * ROW)];
        if !values.chunks(ROW).all(row_is_finite) {
            found.store(true, Relaxed);
        }
    });
    !found.into_inner()
}

/// Without branches, so that it becomes vector instructions.
fn row_is_finite(values: &[f32]) -> bool {
    const LARGEST: i32 = f32::MAX.to_bits() as i32;
    let is_bad = |value: &f32| u32::from((value.to_bits() & 0x7fff_ffff) as i32 > LARGEST);
    values.iter().fold(0, |bad, value| bad | is_bad(value)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_among_many_is_found() {
        for len in [1, 15, 1024, 1025, 700_000] {
            let mut values = vec![-f32::MAX; len];
            assert!(is_finite(&values), "{len}");
            for (at, bad) in
                [(0, f32::NAN), (len / 2, f32::INFINITY), (len - 1, f32::NEG_INFINITY), (len - 1, -f32::NAN)]
            {
                let good = std::mem::replace(&mut values[at], bad);
                assert!(!is_finite(&values), "{bad} at {at} of {len}");
                values[at] = good;
            }
        }
        assert!(is_finite(&[]));
    }

    #[test]
    fn a_look_comes_after_some_steps_of_whichever_runs() {
        let mut watch = Watch { on: true, ..Watch::default() };
        let bad = [f32::NAN];
        let finds: Vec<bool> = (0..130).map(|_| watch.finds(1, &bad, &[])).collect();
        let found: Vec<usize> = (0..130).filter(|&step| finds[step]).collect();
        assert_eq!(found, [63, 127]);
        assert!(watch.finds(500, &bad, &[]));
        watch.on = false;
        assert!(!watch.finds(500, &bad, &[]));
    }
}
