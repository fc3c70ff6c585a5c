//! Contractions with windows: a call of the runtime's engine for convolutions.
//!
//! The engine wants one operand as dimensions with ends, each moved by loops, and the rest as steps in memory. The IR has
//! bounds and one index for each operand, so the dimensions' strides are read off the index.

use super::nest::Size;
use super::winograd;
use crate::graph::Extent;
use crate::ir::{Atom, Bound, ContractionView, Index, Kernel, Operand, Store, Term};

/// The most loops and windows that the engine takes.
const LOOPS: usize = 16;
const WINDOWS: usize = 6;
/// Positions that lie less than this apart are better read together than as rows of a product.
const NEAR: i64 = 8;

/// One dimension with an end; see `Window` in the runtime.
#[derive(Debug)]
pub(super) struct Window {
    pub offset: i64,
    /// How each axis of the kernel moves it.
    pub steps: Vec<i64>,
    pub end: i64,
    pub divisor: i64,
    pub stride: i64,
}

/// An operand as its windows and the rest of its index.
#[derive(Debug)]
struct Parts {
    windows: Vec<Window>,
    offset: i64,
    /// How each axis moves the rest.
    steps: Vec<i64>,
}

/// The statement that computes the raw sums, and whether it does so by Winograd's transforms; `None` if the engine does not take
/// this contraction.
pub(super) fn call(kernel: &Kernel, view: &ContractionView, store: &Store, runtime: &str) -> Option<(String, bool)> {
    let extents = kernel.extents(0);
    let (first, second) = ((&view.a, &view.b, &view.m, &view.n), (&view.b, &view.a, &view.n, &view.m));
    let (a, b, own, channels) = match (view.a.is_plain(), view.b.is_plain()) {
        (false, false) => return None,
        (false, true) => first,
        (true, false) => second,
        (true, true) if overlaps(&view.a, &extents) => first,
        (true, true) if overlaps(&view.b, &extents) => second,
        // The larger one is read in place.
        (true, true) if points(&view.m, &extents) > points(&view.n, &extents) => first,
        (true, true) => second,
    };
    let parts = parts(a, extents.len())?;
    if view.group.iter().any(|&x| parts.windows.iter().any(|w| w.steps[x] != 0)) {
        return None;
    }
    let has_batch = |axes: &[usize]| axes.iter().any(|&x| extents[x] == Extent::Batch);
    let in_result = match (has_batch(own), has_batch(&view.k)) {
        (true, _) => true,
        (_, true) => false,
        _ => points(own, &extents) >= points(&view.k, &extents),
    };
    let (positions, taps) = if in_result { (own, &view.k) } else { (&view.k, own) };
    if !suits(&parts, positions, kernel.outer.len()) || !view.k.iter().all(|&x| a.uses(x)) {
        return None;
    }
    // Without windows, it has to be positions beside each other that make it more than a product.
    let near = positions.iter().any(|&x| (1..NEAR).contains(&parts.steps[x].abs()));
    if view.is_plain() && !near {
        return None;
    }
    let steps = |index: &Index| (0..extents.len()).map(|x| index.stride(x)).collect::<Option<Vec<i64>>>();
    let (b_steps, c_steps) = (steps(&b.index)?, steps(&store.index)?);
    let by_tiles = winograd::pays(&winograd::Loops {
        extents: &extents,
        windows: &parts.windows,
        positions,
        taps,
        channels,
        steps: if in_result { &c_steps } else { &b_steps },
    });
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
    let call = format!(
        "{runtime}::contract(&{runtime}::Contract {{ loops: &[{}], windows: &[{}], along: {runtime}::Along::{}, method: {runtime}::Method::{}, first: [{}, {}, {}] }}, t{}, t{}, &mut *t{});",
        loops.join(", "),
        windows.join(", "),
        if in_result { "Result" } else { "Sums" },
        if by_tiles { "Winograd" } else { "Direct" },
        parts.offset,
        b.index.offset,
        store.index.offset,
        a.tensor.0,
        b.tensor.0,
        store.tensor.0,
    );
    Some((call, by_tiles))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Binary, Reduction};
    use crate::ir::{Stage, TensorId, Value, ValueId};

    fn at(offset: i64, terms: &[(usize, i64)]) -> Index {
        terms.iter().fold(Index::constant(offset), |i, (a, c)| i.plus(&Index::axis(*a).times(*c)))
    }

    fn load(tensor: u32, index: Index, within: &[Bound]) -> Value {
        Value::Load { tensor: TensorId(tensor), index, within: within.to_vec() }
    }

    /// `t2[at(axes)] = Σ a * b`, the call that is printed for it.
    fn printed(outer: &[Extent], inner: &[Extent], a: Value, b: Value, store: Index) -> Option<String> {
        let product = Stage {
            inner: inner.to_vec(),
            body: vec![a, b, Value::Binary(Binary::Multiply, ValueId(0), ValueId(1))],
            reduce: vec![(Reduction::Sum, ValueId(2))],
            stores: vec![],
        };
        let store = Store { tensor: TensorId(2), index: store, value: ValueId(0) };
        let end =
            Stage { body: vec![Value::Reduced { stage: 0, slot: 0 }], stores: vec![store.clone()], ..Stage::default() };
        let kernel = Kernel { name: "k".into(), outer: outer.to_vec(), stages: vec![product, end], covers: vec![] };
        Some(call(&kernel, &kernel.contraction()?, &store, "rt")?.0)
    }

    const B: Extent = Extent::Batch;
    const fn size(n: usize) -> Extent {
        Extent::Size(n)
    }

    #[test]
    fn a_convolution_names_its_windows() {
        // Sequences of 2 channels and 9 elements, 3 filters of 5, padding 2. Axes: batch, filter, position, channel, tap.
        let bound = Bound { index: at(-2, &[(2, 1), (4, 1)]), end: 9, step: 1 };
        let x = load(0, at(-2, &[(0, 18), (3, 9), (2, 1), (4, 1)]), &[bound]);
        let w = load(1, at(0, &[(1, 10), (3, 5), (4, 1)]), &[]);
        let text = printed(&[B, size(3), size(9)], &[size(2), size(5)], x, w, at(0, &[(0, 27), (1, 9), (2, 1)]));
        assert_eq!(
            text.unwrap(),
            "rt::contract(&rt::Contract { loops: &[rt::Loop { count: batch, a: 18, b: 0, c: 27 }, \
             rt::Loop { count: 3, a: 0, b: 10, c: 9 }, rt::Loop { count: 9, a: 0, b: 0, c: 1 }, \
             rt::Loop { count: 2, a: 9, b: 5, c: 0 }, rt::Loop { count: 5, a: 0, b: 1, c: 0 }], \
             windows: &[rt::Window { offset: -2, steps: &[0, 0, 1, 0, 1], end: 9, divisor: 1, stride: 1 }], \
             along: rt::Along::Result, method: rt::Method::Direct, first: [0, 0, 0] }, t0, t1, &mut *t2);"
        );
    }

    #[test]
    fn the_gradient_of_a_strided_convolution_has_divisors() {
        // As above without channels, a stride of 2 and 5 positions: element i is read by position (i + 2 - tap) / 2.
        let position = at(2, &[(2, 1), (4, -1)]);
        let bound = Bound { index: position.clone(), end: 10, step: 2 };
        let g = load(0, at(0, &[(0, 15), (3, 5)]).plus(&position.quotient(2)), &[bound]);
        let w = load(1, at(0, &[(3, 10), (1, 5), (4, 1)]), &[]);
        let text =
            printed(&[B, size(2), size(9)], &[size(3), size(5)], g, w, at(0, &[(0, 18), (1, 9), (2, 1)])).unwrap();
        let window = "rt::Window { offset: 2, steps: &[0, 0, 1, 0, -1], end: 10, divisor: 2, stride: 1 }";
        assert!(text.contains(window) && text.contains("rt::Loop { count: 3, a: 5, b: 10, c: 0 }"), "{text}");
    }

    #[test]
    fn weights_of_their_own_for_each_position_are_left_to_loops() {
        // Axes: batch, position, tap; the weights depend on the position, too.
        let bound = Bound { index: at(-1, &[(1, 1), (2, 1)]), end: 9, step: 1 };
        let x = load(0, at(-1, &[(0, 9), (1, 1), (2, 1)]), &[bound]);
        let w = load(1, at(0, &[(1, 3), (2, 1)]), &[]);
        assert_eq!(printed(&[B, size(9)], &[size(3)], x, w, at(0, &[(0, 9), (1, 1)])), None);
    }

    #[test]
    fn rows_that_do_not_merge_stay_a_product() {
        // Axes: batch, row, feature, term; rows of other things lie between these.
        let x = load(0, at(0, &[(0, 1024), (1, 64), (3, 1)]), &[]);
        let w = load(1, at(0, &[(2, 32), (3, 1)]), &[]);
        let store = at(0, &[(0, 256), (1, 32), (2, 1)]);
        assert_eq!(printed(&[B, size(8), size(32)], &[size(32)], x, w, store), None);
    }
}
