//! Contractions: a call of one of the runtime's engines, and what is left of the kernel behind it.

use super::nest::{Loops, Nest, Size};
use super::{small, windowed};
use crate::ir::{ContractionView, Index, Kernel, ScatterView, Stage, Store, TensorId, Value, ValueId};

/// A contraction as a matrix product with loops around it, and its epilogue.
#[derive(Debug)]
pub(super) struct ProductText {
    /// The statement that computes the raw sums into the result's memory; the slices are `t5` and so on.
    pub call: String,
    /// Whether it is a convolution by Winograd's transforms.
    pub winograd: bool,
    /// What happens to the sums; `None` if nothing does.
    pub epilogue: Option<Nest>,
}

/// One loop, with its steps in both operands and in the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub size: Size,
    pub a: usize,
    pub b: usize,
    pub c: usize,
}

impl ProductText {
    /// `None` if the kernel is none, or if its sums cannot be put where its first result goes.
    pub(super) fn new(kernel: &Kernel, runtime: &str, small: bool) -> Option<Self> {
        if let Some(view) = kernel.scatter() {
            return scatter(kernel, &view, runtime);
        }
        let view = kernel.contraction()?;
        // The raw sums go where the first result goes that nobody reads.
        let store = kernel.stages[1..].iter().flat_map(|s| &s.stores).find(|s| !kernel.reads(s.tensor))?.clone();
        let product = if view.is_plain() { product(kernel, &view, &store) } else { None };
        let windowed = match &product {
            // Loops around whole products, except for those that have products of their own, are what windows look like.
            Some(product) if product.around.iter().all(|l| l.a > 0 && l.b > 0 && l.c > 0) => None,
            _ => windowed::call(kernel, &view, &store, runtime),
        };
        let (call, winograd) = match windowed {
            Some(windowed) => windowed,
            None => (call(runtime, &view, &store, &product?, small)?, false),
        };
        Some(ProductText { call, winograd, epilogue: epilogue(kernel, &store) })
    }
}

/// Sums by number: a walk over the numbers.
fn scatter(kernel: &Kernel, view: &ScatterView, runtime: &str) -> Option<ProductText> {
    let store = kernel.stages[1..].iter().flat_map(|s| &s.stores).find(|s| !kernel.reads(s.tensor))?;
    let points: Vec<Index> = (0..kernel.outer.len()).map(Index::axis).collect();
    if store.index != Index::linear(&points, &kernel.outer) {
        return None;
    }
    let sizes = view.positions.iter().map(|&extent| Size::of(extent));
    let positions = sizes.reduce(|outer, inner| outer.around(inner).unwrap_or(outer))?;
    let (rows, columns, positions) = (view.rows, view.columns, positions.text());
    let (numbers, values, result) = (view.numbers.0, view.values.0, store.tensor.0);
    let call = format!("{runtime}::scatter([{rows}, {columns}], {positions}, t{numbers}, t{values}, &mut *t{result});");
    Some(ProductText { call, winograd: false, epilogue: epilogue(kernel, store) })
}

/// The loops of a matrix product: rows, columns and terms, and loops around it.
pub(super) struct Product {
    pub m: Axis,
    pub n: Axis,
    pub k: Axis,
    pub around: Vec<Axis>,
}

fn product(kernel: &Kernel, view: &ContractionView, store: &Store) -> Option<Product> {
    let sizes: Vec<Size> = kernel.extents(0).into_iter().map(Size::of).collect();
    let axis = |axis: &usize| -> Option<Axis> {
        let step = |index: &Index| usize::try_from(index.stride(*axis)?).ok();
        let c = if *axis < kernel.outer.len() { step(&store.index)? } else { 0 };
        Some(Axis { size: sizes[*axis], a: step(&view.a.index)?, b: step(&view.b.index)?, c })
    };
    let axes = |list: &[usize]| list.iter().map(axis).collect::<Option<Vec<Axis>>>();
    let (mut m, mut n, mut k) = (merge(axes(&view.m)?), merge(axes(&view.n)?), merge(axes(&view.k)?));
    let (rows, columns, sum) = (largest(&mut m), largest(&mut n), largest(&mut k));
    let mut around = merge(axes(&view.group)?);
    around.extend(m.into_iter().chain(n).chain(k));
    Some(Product { m: rows, n: columns, k: sum, around })
}

fn call(runtime: &str, view: &ContractionView, store: &Store, product: &Product, small: bool) -> Option<String> {
    let Product { m, n, k, around } = product;
    let slice = |tensor: TensorId, index: &Index, how: &str| {
        let offset = usize::try_from(index.offset).ok()?;
        let t = format!("t{}", tensor.0);
        Some(match (offset, how) {
            (0, "&") => t,
            (0, _) => format!("&mut *{t}"),
            (offset, how) => format!("{how}{t}[{offset}..]"),
        })
    };
    let (a, b, c) = (
        slice(view.a.tensor, &view.a.index, "&")?,
        slice(view.b.tensor, &view.b.index, "&")?,
        slice(store.tensor, &store.index, "&mut ")?,
    );
    if small && let Some(call) = small::product(runtime, product, [&a, &b, &c]) {
        return Some(call);
    }
    let around: Vec<String> = (around.iter())
        .map(|l| format!("{runtime}::Around {{ count: {}, a: {}, b: {}, c: {} }}", l.size.text(), l.a, l.b, l.c))
        .collect();
    let sizes = sizes(runtime, m, n, k);
    Some(format!("{runtime}::product(&{sizes}, &[{}], {a}, {b}, {c});", around.join(", ")))
}

/// The runtime's description of a product.
pub(super) fn sizes(runtime: &str, m: &Axis, n: &Axis, k: &Axis) -> String {
    format!(
        "{runtime}::Product {{ m: {}, n: {}, k: {}, a: [{}, {}], b: [{}, {}], c: [{}, {}] }}",
        m.size.text(),
        n.size.text(),
        k.size.text(),
        m.a,
        k.a,
        k.b,
        n.b,
        m.c,
        n.c,
    )
}

/// Neighbouring loops that walk all three like one, as one.
fn merge(axes: Vec<Axis>) -> Vec<Axis> {
    let mut merged: Vec<Axis> = vec![];
    for axis in axes {
        let one = merged.last().and_then(|long| {
            let n = axis.size.times;
            let fits = long.a == axis.a * n && long.b == axis.b * n && long.c == axis.c * n;
            long.size.around(axis.size).filter(|_| fits).map(|size| Axis { size, ..axis })
        });
        match one {
            Some(one) => *merged.last_mut().expect("there is a last one") = one,
            None => merged.push(axis),
        }
    }
    merged
}

/// Takes out the loop that runs most often; one that runs once if there is none.
fn largest(axes: &mut Vec<Axis>) -> Axis {
    let at = (0..axes.len()).max_by_key(|&i| axes[i].size.typical());
    at.map_or(Axis { size: Size { batch: false, times: 1 }, a: 0, b: 0, c: 0 }, |at| axes.remove(at))
}

/// The stages behind the first one as one stage without inner loops, which finds the sums where `raw` will store.
fn epilogue(kernel: &Kernel, raw: &Store) -> Option<Nest> {
    let mut stage = Stage::default();
    // Results of reductions, by stage and slot. What later stages "reduce" over no loop is just a value.
    let sum = ValueId(0);
    stage.body.push(Value::Load { tensor: raw.tensor, index: raw.index.clone(), within: vec![] });
    let mut reduced: Vec<Vec<ValueId>> = vec![vec![sum]];
    for later in &kernel.stages[1..] {
        let mut new: Vec<ValueId> = vec![];
        for value in &later.body {
            let at = |v: &ValueId| new[v.0 as usize];
            let value = match value {
                Value::Reduced { stage, slot } => {
                    new.push(reduced[*stage][*slot]);
                    continue;
                }
                Value::Unary(op, a) => Value::Unary(*op, at(a)),
                Value::Binary(op, a, b) => Value::Binary(*op, at(a), at(b)),
                Value::Select(c, a, b) => Value::Select(at(c), at(a), at(b)),
                Value::Gather { tensor, row, rows, stride, index } => {
                    Value::Gather { tensor: *tensor, row: at(row), rows: *rows, stride: *stride, index: index.clone() }
                }
                other => other.clone(),
            };
            let known = stage.body.iter().position(|v| *v == value);
            new.push(ValueId(known.unwrap_or(stage.body.len()) as u32));
            if known.is_none() {
                stage.body.push(value);
            }
        }
        reduced.push(later.reduce.iter().map(|(_, v)| new[v.0 as usize]).collect());
        stage.stores.extend(later.stores.iter().map(|s| Store { value: new[s.value.0 as usize], ..s.clone() }));
    }
    // The sums themselves are in place already.
    stage.stores.retain(|s| !(s.value == sum && s.tensor == raw.tensor && s.index == raw.index));
    if stage.stores.is_empty() {
        return None;
    }
    let without_loops = Kernel { stages: vec![stage], ..kernel.clone() };
    let nest = Nest::new(&without_loops);
    debug_assert!(nest.stages.iter().all(|Loops { inner, stage }| inner.is_empty() && stage.reduce.is_empty()));
    Some(nest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Binary, Extent, Reduction};

    fn load(tensor: u32, terms: &[(usize, i64)]) -> Value {
        let index = terms.iter().fold(Index::default(), |i, (a, c)| i.plus(&Index::axis(*a).times(*c)));
        Value::Load { tensor: TensorId(tensor), index, within: vec![] }
    }

    /// `out[b, o] = Σ x[b, i] w[o, i]` for 3 outputs and 5 inputs.
    fn dense() -> Kernel {
        let index = Index::axis(0).times(3).plus(&Index::axis(1));
        Kernel {
            name: "dense".into(),
            outer: vec![Extent::Batch, Extent::Size(3)],
            stages: vec![
                Stage {
                    inner: vec![Extent::Size(5)],
                    body: vec![
                        load(0, &[(0, 5), (2, 1)]),
                        load(1, &[(1, 5), (2, 1)]),
                        Value::Binary(Binary::Multiply, ValueId(0), ValueId(1)),
                    ],
                    reduce: vec![(Reduction::Sum, ValueId(2))],
                    stores: vec![],
                },
                Stage {
                    body: vec![Value::Reduced { stage: 0, slot: 0 }],
                    stores: vec![Store { tensor: TensorId(2), index, value: ValueId(0) }],
                    ..Stage::default()
                },
            ],
            covers: vec![],
        }
    }

    #[test]
    fn a_dense_layer_is_one_product() {
        let text = ProductText::new(&dense(), "rt", false).unwrap();
        assert_eq!(
            text.call,
            "rt::product(&rt::Product { m: batch, n: 3, k: 5, a: [5, 1], b: [1, 5], c: [3, 1] }, &[], t0, t1, &mut *t2);"
        );
        assert!(text.epilogue.is_none(), "the sums are the result");
    }

    #[test]
    fn an_epilogue_reads_the_sums_in_place() {
        let mut kernel = dense();
        kernel.stages[1].body.push(Value::Unary(crate::graph::Unary::Tanh, ValueId(0)));
        kernel.stages[1].stores[0].value = ValueId(1);
        let nest = ProductText::new(&kernel, "rt", false).unwrap().epilogue.unwrap();
        // One loop: the batch takes the columns in.
        assert_eq!(nest.outer, [Size { batch: true, times: 3 }]);
        assert_eq!(nest.stages[0].stage.body[0], load(2, &[(0, 1)]));
    }

    #[test]
    fn a_kernel_that_reads_what_it_stores_is_left_to_loops() {
        let mut kernel = dense();
        kernel.stages[1].body = vec![
            Value::Reduced { stage: 0, slot: 0 },
            load(2, &[(0, 3), (1, 1)]),
            Value::Binary(Binary::Add, ValueId(0), ValueId(1)),
        ];
        kernel.stages[1].stores[0].value = ValueId(2);
        assert!(ProductText::new(&kernel, "rt", false).is_none());
    }
}
