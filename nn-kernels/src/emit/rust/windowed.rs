//! Contractions with windows: a call of the runtime's engine for convolutions.
//!
//! The engine wants one operand as dimensions with ends, each moved by loops, and the rest as steps in memory. The IR has
//! bounds and one index for each operand, so the dimensions' strides are read off the index.

use super::nest::Size;
use crate::graph::Extent;
use crate::ir::{Atom, Bound, ContractionView, Index, Kernel, Operand, Store, Term};

/// The most loops and windows that the engine takes.
const LOOPS: usize = 16;
const WINDOWS: usize = 6;

/// One dimension with an end; see `Window` in the runtime.
#[derive(Debug)]
struct Window {
    offset: i64,
    /// How each axis of the kernel moves it.
    steps: Vec<i64>,
    end: i64,
    divisor: i64,
    stride: i64,
}

/// An operand as its windows and the rest of its index.
#[derive(Debug)]
struct Parts {
    windows: Vec<Window>,
    offset: i64,
    /// How each axis moves the rest.
    steps: Vec<i64>,
}

/// The statement that computes the raw sums; `None` if the engine does not take this contraction.
pub(super) fn call(kernel: &Kernel, view: &ContractionView, store: &Store, runtime: &str) -> Option<String> {
    let extents = kernel.extents(0);
    let (a, b, own) = match (view.a.is_plain(), view.b.is_plain()) {
        (false, false) => return None,
        (false, true) => (&view.a, &view.b, &view.m),
        (true, false) => (&view.b, &view.a, &view.n),
        (true, true) if overlaps(&view.a, &extents) => (&view.a, &view.b, &view.m),
        (true, true) if overlaps(&view.b, &extents) => (&view.b, &view.a, &view.n),
        // The larger one is read in place.
        (true, true) if points(&view.m, &extents) > points(&view.n, &extents) => (&view.a, &view.b, &view.m),
        (true, true) => (&view.b, &view.a, &view.n),
    };
    let parts = parts(a, extents.len())?;
    let has_batch = |axes: &[usize]| axes.iter().any(|&x| extents[x] == Extent::Batch);
    let in_result = match (has_batch(own), has_batch(&view.k)) {
        (true, _) => true,
        (_, true) => false,
        _ => points(own, &extents) >= points(&view.k, &extents),
    };
    if !suits(&parts, if in_result { own } else { &view.k }, kernel.outer.len()) || !view.k.iter().all(|&x| a.uses(x)) {
        return None;
    }
    let steps = |index: &Index| (0..extents.len()).map(|x| index.stride(x)).collect::<Option<Vec<i64>>>();
    let (b_steps, c_steps) = (steps(&b.index)?, steps(&store.index)?);
    let loops: Vec<String> = (0..extents.len())
        .map(|x| {
            let (count, c) = (Size::of(extents[x]).text(), if x < kernel.outer.len() { c_steps[x] } else { 0 });
            format!("{runtime}::Loop {{ count: {count}, a: {}, b: {}, c: {c} }}", parts.steps[x], b_steps[x])
        })
        .collect();
    let windows: Vec<String> = (parts.windows.iter())
        .map(|w| {
            let Window { offset, steps, end, divisor, stride } = w;
            format!(
                "{runtime}::Window {{ offset: {offset}, steps: &{steps:?}, end: {end}, divisor: {divisor}, stride: {stride} }}"
            )
        })
        .collect();
    Some(format!(
        "{runtime}::contract(&{runtime}::Contract {{ loops: &[{}], windows: &[{}], along: {runtime}::Along::{}, first: [{}, {}, {}] }}, t{}, t{}, &mut *t{});",
        loops.join(", "),
        windows.join(", "),
        if in_result { "Result" } else { "Sums" },
        parts.offset,
        b.index.offset,
        store.index.offset,
        a.tensor.0,
        b.tensor.0,
        store.tensor.0,
    ))
}

fn points(axes: &[usize], extents: &[Extent]) -> usize {
    axes.iter().map(|&x| Size::of(extents[x]).typical()).fold(1, usize::saturating_mul)
}

/// Whether different points read the same element: windows without edges.
fn overlaps(operand: &Operand, extents: &[Extent]) -> bool {
    let axes = (0..extents.len()).filter(|&x| operand.uses(x)).collect::<Vec<_>>();
    let typical: Vec<Extent> = extents.iter().map(|&e| Extent::Size(Size::of(e).typical())).collect();
    operand.index.range(&typical).is_some_and(|(lo, hi)| (hi - lo + 1) < points(&axes, extents) as i64)
}

/// Splits an operand; `None` if its index is not made of its bounds.
fn parts(operand: &Operand, axes: usize) -> Option<Parts> {
    let mut rest = operand.index.clone();
    let mut windows: Vec<Window> = vec![];
    let mut bounds: Vec<&Bound> = vec![];
    for bound in &operand.within {
        if !bounds.contains(&bound) {
            bounds.push(bound);
        }
    }
    for bound in bounds {
        let steps = (0..axes).map(|x| bound.index.stride(x)).collect::<Option<Vec<i64>>>()?;
        let stride = match bound.step {
            1 => {
                let axis = steps.iter().position(|&s| s != 0)?;
                let stride = coefficient(&rest, &Atom::Axis(axis)) / steps[axis];
                rest = rest.plus(&bound.index.clone().times(-stride));
                // What else the axis does would be in the rest: then it is not clear which part belongs here.
                if (0..axes).any(|x| steps[x] != 0 && coefficient(&rest, &Atom::Axis(x)) != 0) {
                    return None;
                }
                stride
            }
            by => {
                let quotient = Atom::Div(Box::new(bound.index.clone()), by);
                let stride = coefficient(&rest, &quotient);
                rest.terms.retain(|t| t.atom != quotient);
                stride
            }
        };
        if stride == 0 {
            return None;
        }
        windows.push(Window { offset: bound.index.offset, steps, end: bound.end, divisor: bound.step, stride });
    }
    let steps = (0..axes).map(|x| rest.stride(x)).collect::<Option<Vec<i64>>>()?;
    Some(Parts { windows, offset: rest.offset, steps })
}

fn coefficient(index: &Index, atom: &Atom) -> i64 {
    index.terms.iter().find(|Term { atom: a, .. }| a == atom).map_or(0, |t| t.coefficient)
}

/// Whether the engine takes these windows, with these axes as the positions along which they move.
fn suits(parts: &Parts, positions: &[usize], outer: usize) -> bool {
    let windows = &parts.windows;
    let memory = |x: usize| parts.steps[x] + windows.iter().map(|w| w.stride * w.steps[x]).sum::<i64>();
    // The fastest position has to be the unit of all positions in its window.
    let fastest = positions.iter().copied().min_by_key(|&x| memory(x).abs());
    let is_unit = |w: &Window| match fastest {
        Some(x) if w.steps[x] != 0 => positions.iter().all(|&p| w.steps[p] % w.steps[x] == 0),
        _ => true,
    };
    // An axis moves one window, or the rest.
    let is_single =
        |x: usize| windows.iter().filter(|w| w.steps[x] != 0).count() + usize::from(parts.steps[x] != 0) <= 1;
    // A divided window moves along one axis of the result and one of the sums.
    let is_simple = |w: &Window| {
        let moves = |range: std::ops::Range<usize>| w.steps[range].iter().filter(|&&s| s != 0).count() <= 1;
        w.divisor == 1 || (moves(0..outer) && moves(outer..w.steps.len()))
    };
    parts.steps.len() <= LOOPS
        && windows.len() <= WINDOWS
        && windows.iter().all(|w| is_unit(w) && is_simple(w))
        && (0..parts.steps.len()).all(is_single)
}
