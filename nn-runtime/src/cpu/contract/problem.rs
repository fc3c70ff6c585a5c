//! A contraction as the engine sees it: loops with roles, and what is known to hold for them.

use std::ops::{Deref, DerefMut};

use super::{Along, Contract};
use crate::cpu::memory::Shared;

/// The most loops that a contraction has: group, four of positions, four of taps, two of channels, and some to spare.
const LOOPS: usize = 16;
/// The most windows.
pub(super) const WINDOWS: usize = 6;

/// A short list without memory of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Few<T, const N: usize> {
    items: [T; N],
    len: usize,
}

impl<T: Copy + Default, const N: usize> Few<T, N> {
    pub fn new() -> Self {
        Few { items: [T::default(); N], len: 0 }
    }

    pub fn push(&mut self, item: T) {
        assert!(self.len < N, "no contraction has this many loops or windows");
        self.items[self.len] = item;
        self.len += 1;
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..self.len]
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items[..self.len]
    }
}

impl<T: Copy + Default, const N: usize> FromIterator<T> for Few<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut few = Few::new();
        items.into_iter().for_each(|item| few.push(item));
        few
    }
}

/// Numbers of loops.
pub(super) type Axes = Few<usize, LOOPS>;

/// What a loop is for; see the [engine's text](super).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Group,
    Position,
    Tap,
    Channel,
}

/// A loop.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Axis {
    pub role: Role,
    pub count: usize,
    /// Steps of both operands and of the result, beside what windows do.
    pub steps: [isize; 3],
    /// Steps of each window's `u`.
    pub windows: [isize; WINDOWS],
    /// Whether it is summed over.
    pub summed: bool,
}

/// A dimension with an end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dim {
    pub offset: isize,
    pub end: isize,
    pub divisor: isize,
    pub stride: isize,
}

/// A contraction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    pub axes: Few<Axis, LOOPS>,
    pub windows: Few<Dim, WINDOWS>,
    pub first: [isize; 3],
}

pub(super) fn signed(n: usize) -> isize {
    isize::try_from(n).expect("sizes lie within slices")
}

/// The greatest common divisor of numbers that are not negative.
pub(super) fn gcd(a: isize, b: isize) -> isize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A place in a slice that [`Problem::check`] has found to be one.
pub(super) fn place(n: isize) -> usize {
    usize::try_from(n).expect("indices are not negative")
}

impl Problem {
    pub fn new(p: &Contract<'_>) -> Self {
        assert!(p.loops.iter().all(|l| l.count > 0), "a contraction of nothing");
        assert!(
            p.windows.iter().all(|w| w.steps.len() == p.loops.len() && w.divisor > 0),
            "each loop moves each window"
        );
        let axis = |(i, l): (usize, &super::Loop)| {
            let mut windows = [0; WINDOWS];
            p.windows.iter().zip(&mut windows).for_each(|(w, step)| *step = w.steps[i]);
            let of_a = l.a != 0 || windows.iter().any(|&s| s != 0);
            let role = match (of_a, l.b != 0, l.c != 0, p.along) {
                (true, true, true, _) => Role::Group,
                (true, _, true, Along::Result) | (_, _, false, Along::Sums) => Role::Position,
                (true, _, true, Along::Sums) | (_, _, false, Along::Result) => Role::Tap,
                (false, _, true, _) => Role::Channel,
            };
            Axis { role, count: l.count, steps: [l.a, l.b, l.c], windows, summed: l.c == 0 }
        };
        let dim = |w: &super::Window<'_>| Dim {
            offset: w.offset,
            end: signed(w.end),
            divisor: signed(w.divisor),
            stride: w.stride,
        };
        assert!(p.windows.len() <= WINDOWS, "no contraction has this many loops or windows");
        let mut problem = Problem {
            axes: p.loops.iter().enumerate().filter(|(_, l)| l.count > 1).map(axis).collect(),
            windows: p.windows.iter().map(dim).collect(),
            first: p.first,
        };
        let stays = |axis: &Axis| axis.role != Role::Group || axis.windows.iter().all(|&s| s == 0);
        assert!(problem.axes.iter().all(stays), "a group moves no window");
        (0..p.windows.len()).filter(|&w| p.windows[w].stride < 0).for_each(|w| problem.turn(w));
        problem
    }

    /// Counts a window's `u` from the other end, so that it walks memory forwards.
    fn turn(&mut self, window: usize) {
        let w = &mut self.windows[window];
        let last = (w.end - 1) / w.divisor;
        self.first[0] += w.stride * last;
        *w = Dim {
            offset: last * w.divisor - w.offset,
            end: last * w.divisor + 1,
            stride: -w.stride,
            divisor: w.divisor,
        };
        self.axes.iter_mut().for_each(|axis| axis.windows[window] = -axis.windows[window]);
    }

    /// Panics unless every element lies within its slice, and no two elements of the result share a place.
    pub fn check(&self, lens: [usize; 3]) {
        for (operand, what) in ["the first operand", "the second operand", "the result"].into_iter().enumerate() {
            let (mut lo, mut hi) = (self.first[operand], self.first[operand]);
            for axis in self.axes.iter() {
                let way = axis.steps[operand] * signed(axis.count - 1);
                (lo, hi) = (lo + way.min(0), hi + way.max(0));
            }
            for w in self.windows.iter().filter(|_| operand == 0) {
                let way = w.stride * ((w.end - 1) / w.divisor);
                (lo, hi) = (lo + way.min(0), hi + way.max(0));
            }
            assert!(lo >= 0 && hi < signed(lens[operand]), "{what} is too short");
        }
        let mut steps: Few<(usize, usize), LOOPS> =
            self.axes.iter().filter(|x| !x.summed).map(|x| (x.steps[2].unsigned_abs(), x.count)).collect();
        steps.sort_unstable();
        let mut span = 0;
        for (step, count) in steps.iter() {
            assert!(*step > span, "the result's elements lie on one another");
            span += step * (count - 1);
        }
    }

    /// The same where an axis runs over `start, start + step, …` only.
    pub fn part(&self, axis: usize, start: usize, step: usize, count: usize) -> Self {
        let mut part = *self;
        let (start, step) = (signed(start), signed(step));
        let axis = &mut part.axes[axis];
        axis.count = count;
        for (first, s) in part.first.iter_mut().zip(&mut axis.steps) {
            *first += start * *s;
            *s *= step;
        }
        for (window, s) in part.windows.iter_mut().zip(&mut axis.windows) {
            window.offset += start * *s;
            *s *= step;
        }
        part
    }

    /// The same with an axis run backwards.
    pub fn reversed(&self, axis: usize) -> Self {
        let count = self.axes[axis].count;
        let mut part = self.part(axis, count - 1, 1, count);
        let axis = &mut part.axes[axis];
        axis.steps.iter_mut().chain(&mut axis.windows).for_each(|s| *s = -*s);
        part
    }

    /// The axes of a role.
    pub fn with_role(&self, role: Role) -> Axes {
        (0..self.axes.len()).filter(|&i| self.axes[i].role == role).collect()
    }

    /// How many points some axes have.
    pub fn points(&self, axes: &[usize]) -> usize {
        axes.iter().map(|&i| self.axes[i].count).product()
    }

    /// How far an axis moves through the first operand's memory, windows included.
    pub fn stride(&self, axis: usize) -> isize {
        let axis = &self.axes[axis];
        axis.steps[0] + self.windows.iter().zip(axis.windows).map(|(w, s)| w.stride * s).sum::<isize>()
    }

    /// Multiply-adds.
    pub fn work(&self) -> usize {
        self.axes.iter().map(|a| a.count).fold(1, usize::saturating_mul)
    }

    /// Whether the sums have no terms.
    pub fn is_empty(&self) -> bool {
        self.axes.iter().any(|a| a.count == 0)
    }

    /// Sums without terms.
    pub fn clear(&self, o: Operands<'_>) {
        let results: Axes = (0..self.axes.len()).filter(|&i| !self.axes[i].summed).collect();
        self.each(&results, |at| {
            // SAFETY: `check` has found all elements of the result within it, and nobody else is at work yet.
            unsafe { o.set(self.first[2] + at[2], 0.0) };
        });
    }

    /// Calls `f` with the steps of both operands and of the result at each point of some axes, the last one fastest.
    pub fn each(&self, axes: &[usize], mut f: impl FnMut([isize; 3])) {
        let mut point = [0usize; LOOPS];
        let mut at = [0isize; 3];
        if self.points(axes) == 0 {
            return;
        }
        loop {
            f(at);
            let mut moved = false;
            for (i, &axis) in axes.iter().enumerate().rev() {
                let axis = &self.axes[axis];
                point[i] += 1;
                let times = if point[i] < axis.count { 1 } else { 1 - signed(axis.count) };
                at.iter_mut().zip(axis.steps).for_each(|(at, step)| *at += times * step);
                if point[i] < axis.count {
                    moved = true;
                    break;
                }
                point[i] = 0;
            }
            if !moved {
                return;
            }
        }
    }
}

/// The memory of a contraction.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub c: Shared<'a>,
}

impl Operands<'_> {
    /// Writes one element of the result.
    ///
    /// # Safety
    /// Nobody else touches it at the same time.
    #[inline(always)]
    pub unsafe fn set(&self, at: isize, x: f32) {
        // SAFETY: the caller says so.
        unsafe { self.c.part(place(at), 1)[0] = x };
    }
}
