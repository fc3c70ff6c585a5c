//! Where each value of a nest is computed: as far outside as its axes allow, and products inside of the sums that use
//! them.

use super::nest::{Loops, Nest, Size};
use super::vector::{self, Lanes};
use crate::graph::{Binary, Reduction};
use crate::ir::{Value, ValueId};

/// A place between the loops: behind the headers of `depth` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub depth: usize,
    /// Whether it needs an earlier stage's reduction, so that it has to wait for its own stage.
    pub late: bool,
}

/// The loops of a nest in order, and the places of one stage's values.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The place of each value.
    pub of: Vec<Place>,
    /// The values that have no statement of their own: products that the sum which uses them computes, as a fused
    /// multiply-add, and constants that values are only divided by ([`folds`]).
    pub absorbed: Vec<bool>,
}

/// Outer axes, outermost loop first: the axis of the lanes is the innermost.
pub(super) fn outer_order(nest: &Nest, lanes: Lanes) -> Vec<usize> {
    let mut order: Vec<usize> = (0..nest.outer.len()).collect();
    if let Lanes::Outer(axis) = lanes {
        order.retain(|&a| a != axis);
        order.push(axis);
    }
    order
}

/// Whether a division by this value is printed as a multiplication by a constant.
pub(super) fn folds(divisor: &Value) -> bool {
    matches!(divisor, Value::Constant(c) if (1e-30..1e30).contains(&c.abs()))
}

impl Places {
    pub(super) fn new(nest: &Nest, lanes: Lanes, stage: usize) -> Self {
        let order = outer_order(nest, lanes);
        let depth = |axis: usize| order.iter().position(|&a| a == axis).unwrap_or(axis) + 1;
        let axes = nest.sizes(stage).len();
        let mut of: Vec<Place> = vec![];
        for value in &nest.stages[stage].stage.body {
            let late = matches!(value, Value::Reduced { .. });
            let mut place = Place { depth: if late { nest.outer.len() } else { 0 }, late };
            for index in value.indices() {
                let deepest = (0..axes).filter(|&a| index.uses(a)).map(depth).max();
                place.depth = place.depth.max(deepest.unwrap_or(0));
            }
            for operand in value.operands() {
                let operand = of[operand.0 as usize];
                place = Place { depth: place.depth.max(operand.depth), late: place.late || operand.late };
            }
            of.push(place);
        }
        let mut places = Places { absorbed: vec![false; of.len()], of };
        places.absorb(nest, lanes, stage);
        places
    }

    /// Finds products that are used once, by a sum at the same place, and folded divisors.
    fn absorb(&mut self, nest: &Nest, lanes: Lanes, stage: usize) {
        let Loops { inner, stage } = &nest.stages[stage];
        let mut uses = vec![0; stage.body.len()];
        let reduced = stage.reduce.iter().map(|(_, v)| *v);
        let stored = stage.stores.iter().map(|s| s.value);
        for v in stage.body.iter().flat_map(Value::operands).chain(reduced).chain(stored) {
            uses[v.0 as usize] += 1;
        }
        let single = |v: ValueId| {
            uses[v.0 as usize] == 1 && matches!(stage.body[v.0 as usize], Value::Binary(Binary::Multiply, ..))
        };
        for (i, value) in stage.body.iter().enumerate() {
            let divides = |v: &Value| matches!(v, Value::Binary(Binary::Divide, a, b) if b.0 as usize == i && a != b);
            if folds(value) && stage.body.iter().filter(|v| divides(v)).count() == uses[i] {
                self.absorbed[i] = true;
            }
            if let Value::Binary(Binary::Add | Binary::Subtract, a, b) = value {
                let fits = |v: &&ValueId| single(**v) && self.of[v.0 as usize] == self.of[i];
                if let Some(v) = [b, a].iter().find(|v| fits(v)) {
                    self.absorbed[v.0 as usize] = true;
                }
            }
        }
        // Across lanes, terms behind the end would have to be cut off one by one.
        let is_whole = |size: &Size| !size.batch && size.times.is_multiple_of(vector::LONG);
        let all_lanes = matches!(lanes, Lanes::Outer(_)) || inner.last().is_some_and(is_whole);
        for (how, v) in &stage.reduce {
            if *how == Reduction::Sum && all_lanes && single(*v) {
                self.absorbed[v.0 as usize] = true;
            }
        }
    }
}
