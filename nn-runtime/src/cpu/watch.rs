//! Numbers that are not finite, looked for while training runs; and the last state without any, to go back to.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::memory::Floats;
use super::parallel::split_rows;
use super::simd::{Kernel, LANES, Simd, dispatch};
use crate::error::Result;

/// A look at all numbers comes whenever so many steps have ended: then it costs well below a hundredth of them, since each of these
/// steps reads and writes as many.
const EVERY: usize = 256;

/// Floats that are looked at, or copied, together.
const ROW: usize = 1024;
/// What reading or copying a float costs, in operations: it comes from far away.
const COPY: usize = 16;

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
            copy(now, kept);
        }
        Ok(())
    }

    /// Goes back.
    pub(super) fn recall(&self, parameters: &mut [f32], states: &mut [Floats]) {
        if self.parameters.is_empty() {
            return;
        }
        copy(&self.parameters, parameters);
        states.iter_mut().zip(&self.states).for_each(|(state, kept)| copy(kept, state));
    }
}

/// Whether all parameters and states are finite.
pub(super) fn all_finite(parameters: &[f32], states: &[Floats]) -> bool {
    is_finite(parameters) && states.iter().all(|state| is_finite(state))
}

/// Whether all numbers are finite; on several threads if they are many.
fn is_finite(values: &[f32]) -> bool {
    let found = AtomicBool::new(false);
    split_rows(values.len().div_ceil(ROW), ROW * COPY, 1, [], &|first, rows, []| {
        let values = &values[first * ROW..values.len().min((first + rows) * ROW)];
        if !values.chunks(ROW).all(|row| dispatch(IsFinite(row))) {
            found.store(true, Relaxed);
        }
    });
    !found.into_inner()
}

/// Looks at a row: what is finite times 0 is 0, and all else is NaN.
struct IsFinite<'a>(&'a [f32]);

impl Kernel for IsFinite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        const VECTORS: usize = 4;
        let zero = s.splat(0.0);
        let mut sums = [zero; VECTORS];
        let (whole, rest) = self.0.as_chunks::<{ VECTORS * LANES }>();
        for values in whole {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = s.mul_add(s.load(values, i * LANES, LANES), zero, *sum);
            }
        }
        let [a, b, c, d] = sums;
        let lanes = s.lanes(s.add(s.add(a, b), s.add(c, d)));
        lanes.iter().sum::<f32>() == 0.0 && rest.iter().all(|value| value.is_finite())
    }
}

/// Copies numbers, on several threads if they are many.
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    let (whole, rest) = to.split_at_mut(to.len() / ROW * ROW);
    split_rows(whole.len() / ROW, ROW * COPY, 1, [(&mut *whole, ROW)], &|first, rows, [to]| {
        to.copy_from_slice(&from[first * ROW..(first + rows) * ROW]);
    });
    rest.copy_from_slice(&from[whole.len()..]);
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
    fn copies_are_whole() {
        for len in [0, 7, 1024, 3000, 500_001] {
            let from: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let mut to = vec![-1.0; len];
            copy(&from, &mut to);
            assert_eq!(from, to);
        }
    }

    #[test]
    fn a_look_comes_after_some_steps_of_whichever_runs() {
        let mut watch = Watch { on: true, ..Watch::default() };
        let bad = [f32::NAN];
        let finds: Vec<bool> = (0..600).map(|_| watch.finds(1, &bad, &[])).collect();
        let found: Vec<usize> = (0..600).filter(|&step| finds[step]).collect();
        assert_eq!(found, [EVERY - 1, 2 * EVERY - 1]);
        assert!(watch.finds(500, &bad, &[]));
        watch.on = false;
        assert!(!watch.finds(500, &bad, &[]));
    }
}
