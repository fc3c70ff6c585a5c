//! Divisors split off: a window that is divided by 2 reads something at every second position, with every second tap.
//!
//! `u = offset + r * row + s * tap` is divisible for given `row % divisor` only where `tap` runs in steps. So each remainder
//! of the result's loop gives a contraction of its own, with fewer terms and no divisor.

use super::problem::{Axes, Axis, Dim, Few, Problem, gcd, signed};

/// Calls `f` for contractions without divisors that give together what this one gives. Some of them may be empty sums.
pub(super) fn each(problem: &Problem, f: &mut dyn FnMut(&Problem)) {
    let Some(window) = problem.windows.iter().position(|w| w.divisor > 1) else {
        return f(problem);
    };
    let moves: Axes = (0..problem.axes.len()).filter(|&i| problem.axes[i].windows[window] != 0).collect();
    let results: Axes = moves.iter().copied().filter(|&i| !problem.axes[i].summed).collect();
    let sums: Axes = moves.iter().copied().filter(|&i| problem.axes[i].summed).collect();
    assert!(results.len() <= 1 && sums.len() <= 1, "a divided window moves along one result and one sum");
    let by = problem.windows[window].divisor;
    let Some(&result) = results.first() else {
        return each(&with_divisible_terms(problem, window, sums.first()), f);
    };
    let count = problem.axes[result].count;
    let times = by as usize;
    for rest in 0..times.min(count) {
        let part = problem.part(result, rest, times, (count - rest).div_ceil(times));
        each(&with_divisible_terms(&part, window, sums.first()), f);
    }
}

/// The terms at which a window is divisible, where its result's axis does not matter to that; the window without its divisor.
fn with_divisible_terms(problem: &Problem, window: usize, sum: Option<&usize>) -> Problem {
    let Dim { offset, divisor, .. } = problem.windows[window];
    let mut part = match sum {
        None if offset.rem_euclid(divisor) == 0 => *problem,
        None => return empty(problem),
        Some(&sum) => {
            let axis = &problem.axes[sum];
            let step = axis.windows[window];
            let starts = |i: &usize| (offset + step * signed(*i)).rem_euclid(divisor) == 0;
            let Some(start) = (0..axis.count.min(divisor as usize)).find(starts) else {
                return empty(problem);
            };
            let period = (divisor / gcd(step.abs(), divisor)) as usize;
            problem.part(sum, start, period, (axis.count - start).div_ceil(period))
        }
    };
    for axis in part.axes.iter_mut() {
        debug_assert_eq!(axis.windows[window] % divisor, 0);
        axis.windows[window] /= divisor;
    }
    let dim = &mut part.windows[window];
    // Rounded up: the last element may be read at a `u` in front of the end.
    dim.end = (dim.end + divisor - 1) / divisor;
    dim.offset /= divisor;
    dim.divisor = 1;
    part
}

/// The same without terms.
fn empty(problem: &Problem) -> Problem {
    let mut part = Problem { windows: Few::new(), ..*problem };
    part.axes.push(Axis { count: 0, summed: true, ..Axis::default() });
    part
}
