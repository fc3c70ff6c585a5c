//! Which axis of a nest becomes the vectors' lanes.

use std::collections::BTreeSet;

use super::nest::{Loops, Nest, Size};
use super::place::Places;
use crate::graph::{Binary, Unary};
use crate::ir::{Atom, Bound, Index, TensorId, Value};

/// The runtime's vectors.
pub(super) const LANES: usize = 8;
/// Its widest ones, for kernels that compute much.
pub(super) const LONG: usize = 16;
/// What a vector costs that is put together lane by lane, in additions.
const GATHER: usize = 12;

/// How an index walks along lanes, of which the first one is a multiple of [`LANES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// By so much from lane to lane.
    Step(i64),
    /// By one after so many lanes.
    Repeated(i64),
    /// From 0 up to so much, and again.
    Cycle(i64),
    /// In any other way.
    Crooked,
}

impl Walk {
    /// Of an index, if lanes are along this axis.
    pub(super) fn of(index: &Index, along: Option<usize>) -> Self {
        let Some(axis) = along else { return Walk::Step(0) };
        if let Some(step) = index.stride(axis) {
            return Walk::Step(step);
        }
        // One of its terms is a quotient or a remainder whose operand goes up by one, and is a multiple at the first lane.
        let mut crooked =
            index.terms.iter().filter(|t| !matches!(t.atom, Atom::Axis(a) if a != axis) && uses(&t.atom, axis));
        let (Some(term), None) = (crooked.next(), crooked.next()) else { return Walk::Crooked };
        let starts_whole = |i: &Index, by: i64| {
            let rest = i.terms.iter().filter(|t| t.atom != Atom::Axis(axis));
            LANES as i64 % by == 0
                && i.stride(axis) == Some(1)
                && i.offset % by == 0
                && rest.into_iter().all(|t| t.coefficient % by == 0)
        };
        match &term.atom {
            Atom::Div(i, by) if term.coefficient == 1 && starts_whole(i, *by) => Walk::Repeated(*by),
            Atom::Mod(i, by)
                if term.coefficient == 1 && index.terms.len() == 1 && index.offset == 0 && starts_whole(i, *by) =>
            {
                Walk::Cycle(*by)
            }
            _ => Walk::Crooked,
        }
    }

    /// What a load costs, in additions.
    fn cost(self) -> usize {
        match self {
            Walk::Step(0 | 1) | Walk::Cycle(_) => 1,
            Walk::Step(2) | Walk::Repeated(_) => 3,
            _ => GATHER,
        }
    }
}

fn uses(atom: &Atom, axis: usize) -> bool {
    match atom {
        Atom::Axis(a) => *a == axis,
        Atom::Div(i, _) | Atom::Mod(i, _) | Atom::Clamp(i, ..) => i.uses(axis),
        Atom::Step(_) => false,
    }
}

/// Where lanes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// Along this outer axis: every value is a vector over points that are independent.
    Outer(usize),
    /// Along the last inner axis of every stage that has one: lanes are combined when the loop ends.
    Inner,
}

/// The choice with the least estimated work.
pub(super) fn choose(nest: &Nest) -> Lanes {
    let outer = (0..nest.outer.len()).rev().map(Lanes::Outer);
    outer.chain([Lanes::Inner]).min_by_key(|&lanes| work(nest, lanes)).expect("there is at least one choice")
}

/// The axis of a stage along which lanes run.
pub(super) fn axis(nest: &Nest, lanes: Lanes, stage: usize) -> Option<usize> {
    match lanes {
        Lanes::Outer(axis) => Some(axis),
        Lanes::Inner => {
            (nest.outer.len() + nest.stages[stage].inner.len()).checked_sub(1).filter(|&a| a >= nest.outer.len())
        }
    }
}

/// Whether a kernel is compiled for the processor's widest vectors, too: it has functions with many instructions or random numbers in its
/// innermost loops, which would not wait for memory with eight lanes, and does nothing but what vectors of any width can do.
pub(super) fn is_long(nest: &Nest, lanes: Lanes) -> bool {
    let mut worth = false;
    for (n, Loops { stage, .. }) in nest.stages.iter().enumerate() {
        let along = axis(nest, lanes, n);
        let places = Places::new(nest, lanes, n);
        let innermost = match lanes {
            Lanes::Outer(_) => nest.outer.len(),
            Lanes::Inner => nest.sizes(n).len(),
        };
        let is_inside = |i: usize| along.is_some() && places.of[i].depth >= innermost;
        let walk = |index: &Index| Walk::of(index, along);
        let contiguous = |index: &Index| matches!(walk(index), Walk::Step(0 | 1));
        let alike = |within: &[Bound]| within.iter().all(|bound| walk(&bound.index) == Walk::Step(0));
        let fits = |value: &Value| match value {
            Value::Unary(Unary::Sin | Unary::Cos, _) | Value::Binary(Binary::Power, ..) => false,
            Value::Load { index, within, .. } => contiguous(index) && alike(within),
            Value::Gather { row, index, .. } => contiguous(index) && !is_inside(row.0 as usize),
            Value::Index(index) | Value::Random { index, .. } => matches!(walk(index), Walk::Step(0..)),
            Value::Within(within) => alike(within),
            _ => true,
        };
        if !stage.body.iter().all(fits) || !stage.stores.iter().all(|store| contiguous(&store.index)) {
            return false;
        }
        let heavy = |value: &Value| match value {
            Value::Unary(op, _) => op.is_expensive(),
            Value::Random { .. } => true,
            _ => false,
        };
        let sizes = nest.sizes(n);
        worth |= along.is_some_and(|axis| sizes[axis].batch || sizes[axis].times > LANES)
            && stage.body.iter().enumerate().any(|(i, value)| heavy(value) && is_inside(i));
    }
    worth
}

/// Whether the last of the vectors of so many `lanes` along an outer axis may begin before the one in front of it ends, so that all are
/// full: some points are computed twice then, which is cheaper than a part of a vector.
pub(super) fn overlaps(nest: &Nest, axis: usize, lanes: usize, written: &BTreeSet<TensorId>) -> bool {
    let size = nest.outer[axis];
    let stages = || nest.stages.iter().map(|loops| &loops.stage);
    let straight = |index: &Index| match Walk::of(index, Some(axis)) {
        Walk::Step(_) | Walk::Crooked => true,
        // These count from a multiple of the lanes.
        Walk::Repeated(_) | Walk::Cycle(_) => false,
    };
    // What a point reads must not be what it wrote the first time.
    let reads_written = |value: &Value| match value {
        Value::Load { tensor, .. } | Value::Gather { tensor, .. } => written.contains(tensor),
        _ => false,
    };
    !size.batch
        && size.times > lanes
        && !size.times.is_multiple_of(lanes)
        && stages().flat_map(|s| &s.body).all(|value| !reads_written(value) && value.indices().all(straight))
        && stages().flat_map(|s| &s.stores).all(|store| straight(&store.index))
}

fn work(nest: &Nest, lanes: Lanes) -> usize {
    let trips = |(axis, size): (usize, &Size), along: Option<usize>| {
        if along == Some(axis) { size.typical().div_ceil(LANES) } else { size.typical() }
    };
    let mut total = 0_usize;
    for (n, stage) in nest.stages.iter().enumerate() {
        let along = axis(nest, lanes, n);
        let count = nest.sizes(n).iter().enumerate().map(|x| trips(x, along)).fold(1, usize::saturating_mul);
        let store = |index: &Index| match Walk::of(index, along) {
            Walk::Step(0 | 1) => 1,
            _ => GATHER,
        };
        let stores: usize = stage.stage.stores.iter().map(|s| store(&s.index)).sum();
        let body: usize = stage.stage.body.iter().map(|v| operations(v).max(access(v, along))).sum();
        // Every trip of a loop costs something, and so does combining lanes.
        let ends = if matches!(lanes, Lanes::Inner) { stage.stage.reduce.len() * LANES } else { 0 };
        let outer = nest.outer.iter().map(|s| s.typical()).fold(1, usize::saturating_mul);
        total =
            total.saturating_add(count.saturating_mul(stores + body + 2)).saturating_add(ends.saturating_mul(outer));
    }
    total
}

/// What it costs to read what a value depends on, in additions.
fn access(value: &Value, along: Option<usize>) -> usize {
    let within: &[Bound] = match value {
        Value::Load { within, .. } | Value::Within(within) => within,
        _ => &[],
    };
    let bound = |b: &Bound| match Walk::of(&b.index, along) {
        Walk::Step(0) => 1,
        Walk::Step(_) if b.step == 1 => 3,
        _ => GATHER,
    };
    let index = match value {
        Value::Index(index) | Value::Load { index, .. } | Value::Random { index, .. } => Walk::of(index, along).cost(),
        // Lanes may have rows of their own.
        Value::Gather { index, .. } => match Walk::of(index, along) {
            Walk::Step(1) => 2,
            _ => GATHER,
        },
        _ => 1,
    };
    index + within.iter().map(bound).sum::<usize>()
}

/// What a value costs, in additions.
pub(super) fn operations(value: &Value) -> usize {
    match value {
        Value::Constant(_) | Value::Scalar(_) | Value::Reduced { .. } => 0,
        Value::Random { .. } => 16,
        Value::Unary(Unary::Sin | Unary::Cos, _) | Value::Binary(Binary::Power, ..) => 100,
        Value::Unary(Unary::Sqrt | Unary::Reciprocal, _) | Value::Binary(Binary::Divide, ..) => 5,
        Value::Unary(op, _) if op.is_expensive() => 16,
        _ => 1,
    }
}

/// What reading or writing a float costs in additions, where it comes from another cache than the nearest.
const MEMORY: usize = 4;

fn memory(value: &Value) -> usize {
    match value {
        Value::Load { .. } | Value::Gather { .. } => MEMORY - 1, // one is counted as an operation
        _ => 0,
    }
}

/// What one row of the nest (one point of its first axis) costs in additions, for a batch of this size.
pub(super) fn operations_of_row(nest: &Nest, batch: usize) -> usize {
    let mut total = 0_usize;
    for (n, stage) in nest.stages.iter().enumerate() {
        let body: usize = stage.stage.body.iter().map(|value| operations(value) + memory(value)).sum();
        let points = nest.sizes(n).iter().skip(1).map(|s| s.at(batch)).fold(1, usize::saturating_mul);
        total = total.saturating_add(points.saturating_mul(body + MEMORY * stage.stage.stores.len()));
    }
    total
}
