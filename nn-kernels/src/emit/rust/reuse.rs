//! What is expensive and stands in two stages of a nest is computed once: the earlier stage leaves it in the place where the later one
//! stores its own result, and the later one reads it there.
//!
//! A softmax is the example: its exponentials are summed in one stage, and divided by their sum in the next one.

use super::nest::Nest;
use crate::ir::{Index, Store, TensorId, Value, ValueId};

/// Lets later stages read what earlier ones have computed.
pub(super) fn reuse(nest: &mut Nest) {
    for later in 1..nest.stages.len() {
        for earlier in 0..later {
            let Some((first, again, place)) = found(nest, earlier, later) else { continue };
            let (tensor, index) = place;
            let within = vec![];
            nest.stages[later].stage.body[again.0 as usize] = Value::Load { tensor, index: index.clone(), within };
            nest.stages[earlier].stage.stores.push(Store { tensor, index, value: first });
            drop_unused(nest, later);
            break;
        }
    }
}

/// A value of the earlier stage, the same one of the later stage, and a place for it.
fn found(nest: &Nest, earlier: usize, later: usize) -> Option<(ValueId, ValueId, (TensorId, Index))> {
    let (a, b) = (&nest.stages[earlier], &nest.stages[later]);
    if a.inner.is_empty() || a.inner != b.inner {
        return None;
    }
    let (a, b) = (&a.stage.body, &b.stage.body);
    let expensive = |value: &Value| matches!(value, Value::Unary(op, _) if op.is_expensive());
    let again = (0..b.len()).rev().find(|&i| expensive(&b[i]))?;
    let first = (0..a.len()).find(|&i| same(a, i, b, again))?;
    Some((ValueId(first as u32), ValueId(again as u32), place(nest, later)?))
}

/// An element for each point of a stage's loops that this stage alone stores, and nobody reads.
fn place(nest: &Nest, stage: usize) -> Option<(TensorId, Index)> {
    let axes = 0..nest.sizes(stage).len();
    let own = |store: &&Store| {
        store.index.is_affine() && axes.clone().all(|axis| store.index.uses(axis)) && nest.touches(store.tensor) == 1
    };
    nest.stages[stage].stage.stores.iter().find(own).map(|store| (store.tensor, store.index.clone()))
}

/// Whether two values of different bodies are the same number. Reductions are of stages in front of both.
fn same(a: &[Value], i: usize, b: &[Value], j: usize) -> bool {
    let (x, y) = (&a[i], &b[j]);
    let alike = renumbered(x, |_| ValueId(0)) == renumbered(y, |_| ValueId(0));
    alike && x.operands().zip(y.operands()).all(|(x, y)| same(a, x.0 as usize, b, y.0 as usize))
}

/// Drops the values of a stage that nothing uses.
fn drop_unused(nest: &mut Nest, stage: usize) {
    let stage = &mut nest.stages[stage].stage;
    let mut used = vec![false; stage.body.len()];
    let results = stage.reduce.iter().map(|(_, value)| *value).chain(stage.stores.iter().map(|store| store.value));
    results.for_each(|value| used[value.0 as usize] = true);
    for i in (0..used.len()).rev().filter(|&i| used[i]).collect::<Vec<_>>() {
        mark(&stage.body, i, &mut used);
    }
    let number = |value: ValueId| ValueId(used[..value.0 as usize].iter().filter(|used| **used).count() as u32);
    let body = stage.body.iter().zip(&used).filter(|(_, used)| **used).map(|(value, _)| renumbered(value, number));
    stage.body = body.collect();
    stage.reduce.iter_mut().for_each(|(_, value)| *value = number(*value));
    stage.stores.iter_mut().for_each(|store| store.value = number(store.value));
}

/// Marks what a value depends on.
fn mark(body: &[Value], i: usize, used: &mut [bool]) {
    used[i] = true;
    body[i].operands().for_each(|operand| mark(body, operand.0 as usize, used));
}

/// A value with other numbers of its operands.
fn renumbered(value: &Value, number: impl Fn(ValueId) -> ValueId) -> Value {
    let mut value = value.clone();
    match &mut value {
        Value::Unary(_, a) | Value::Gather { row: a, .. } => *a = number(*a),
        Value::Binary(_, a, b) => (*a, *b) = (number(*a), number(*b)),
        Value::Select(c, a, b) => (*c, *a, *b) = (number(*c), number(*a), number(*b)),
        _ => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Binary, Extent, Reduction, Unary};
    use crate::ir::{Kernel, Stage};

    const X: TensorId = TensorId(0);
    const Y: TensorId = TensorId(1);

    /// e^(x - largest) of a row of 16, and the stage's number of that value.
    fn exponentials(body: &mut Vec<Value>, index: &Index) -> ValueId {
        body.push(Value::Load { tensor: X, index: index.clone(), within: vec![] });
        body.push(Value::Reduced { stage: 0, slot: 0 });
        body.push(Value::Binary(Binary::Subtract, ValueId(0), ValueId(1)));
        body.push(Value::Unary(Unary::Exp, ValueId(2)));
        ValueId(3)
    }

    /// A softmax of rows of 16 in three stages, whose result lies at this index.
    fn softmax(place: &Index) -> Nest {
        let index = Index::axis(0).times(16).plus(&Index::axis(1));
        let inner = vec![Extent::Size(16)];
        let load = Value::Load { tensor: X, index: index.clone(), within: vec![] };
        let largest = Stage {
            inner: inner.clone(),
            body: vec![load],
            reduce: vec![(Reduction::Maximum, ValueId(0))],
            stores: vec![],
        };
        let mut sum = Stage { inner: inner.clone(), ..Stage::default() };
        let exp = exponentials(&mut sum.body, &index);
        sum.reduce = vec![(Reduction::Sum, exp)];
        let mut divide = Stage { inner, ..Stage::default() };
        let exp = exponentials(&mut divide.body, &index);
        divide.body.push(Value::Reduced { stage: 1, slot: 0 });
        divide.body.push(Value::Binary(Binary::Divide, exp, ValueId(4)));
        divide.stores = vec![Store { tensor: Y, index: place.clone(), value: ValueId(5) }];
        let kernel =
            Kernel { name: "k".into(), outer: vec![Extent::Batch], stages: vec![largest, sum, divide], covers: vec![] };
        Nest::new(&kernel)
    }

    #[test]
    fn a_softmax_computes_its_exponentials_once() {
        let place = Index::axis(0).times(16).plus(&Index::axis(1));
        let mut nest = softmax(&place);
        reuse(&mut nest);
        let [_, sum, divide] = &nest.stages[..] else { panic!("three stages") };
        assert_eq!(sum.stage.stores, [Store { tensor: Y, index: place.clone(), value: ValueId(3) }]);
        let body = [
            Value::Load { tensor: Y, index: place.clone(), within: vec![] },
            Value::Reduced { stage: 1, slot: 0 },
            Value::Binary(Binary::Divide, ValueId(0), ValueId(1)),
        ];
        assert_eq!(divide.stage.body, body);
        assert_eq!(divide.stage.stores, [Store { tensor: Y, index: place, value: ValueId(2) }]);
    }

    #[test]
    fn without_a_place_of_its_own_for_each_point_nothing_is_kept() {
        // All points of a row share an element, or the element is read as well.
        let shared = softmax(&Index::axis(0));
        let mut read = softmax(&Index::axis(0).times(16).plus(&Index::axis(1)));
        read.stages[0].stage.body.push(Value::Load { tensor: Y, index: Index::axis(0), within: vec![] });
        for nest in [shared, read] {
            let mut kept = nest.clone();
            reuse(&mut kept);
            assert_eq!(kept, nest);
        }
    }
}
