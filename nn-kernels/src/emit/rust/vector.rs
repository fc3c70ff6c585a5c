//! Which axis of a nest becomes the vectors' lanes.

use super::nest::{Nest, Size};
use crate::graph::{Binary, Unary};
use crate::ir::{Index, Value};

/// The runtime's vectors.
const LANES: usize = 8;

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

fn work(nest: &Nest, lanes: Lanes) -> usize {
    let trips = |(axis, size): (usize, &Size), along: Option<usize>| {
        if along == Some(axis) { size.typical().div_ceil(LANES) } else { size.typical() }
    };
    let mut total = 0_usize;
    for (n, stage) in nest.stages.iter().enumerate() {
        let along = axis(nest, lanes, n);
        let count = nest.sizes(n).iter().enumerate().map(|x| trips(x, along)).fold(1, usize::saturating_mul);
        let access = |index: &Index| match along.map_or(Some(0), |a| index.stride(a)) {
            Some(0 | 1) => 1,
            _ => LANES,
        };
        let stores: usize = stage.stage.stores.iter().map(|s| access(&s.index)).sum();
        let body: usize =
            stage.stage.body.iter().map(|v| operations(v).max(v.indices().map(access).max().unwrap_or(1))).sum();
        // Every trip of a loop costs something, and so does combining lanes.
        let ends = if matches!(lanes, Lanes::Inner) { stage.stage.reduce.len() * LANES } else { 0 };
        let outer = nest.outer.iter().map(|s| s.typical()).fold(1, usize::saturating_mul);
        total =
            total.saturating_add(count.saturating_mul(stores + body + 2)).saturating_add(ends.saturating_mul(outer));
    }
    total
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

/// What one row of the nest (one point of its first axis) costs in additions, for a batch of this size.
pub(super) fn operations_of_row(nest: &Nest, batch: usize) -> usize {
    let mut total = 0_usize;
    for (n, stage) in nest.stages.iter().enumerate() {
        let body: usize = stage.stage.body.iter().map(operations).sum();
        let points = nest.sizes(n).iter().skip(1).map(|s| s.at(batch)).fold(1, usize::saturating_mul);
        total = total.saturating_add(points.saturating_mul(body + stage.stage.stores.len()));
    }
    total
}
