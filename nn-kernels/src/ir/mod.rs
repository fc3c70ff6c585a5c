//! The kernel IR: loop nests over tensors. Both printers and the interpreter read nothing else.
//!
//! A [`Kernel`] has outer axes, whose points are independent of each other and may run in any order or all at once,
//! and a list of [`Stage`]s that run one after another for each outer point. A stage has inner axes of its own; its
//! body is evaluated for each inner point, in order. What a body computes may be stored, and may be combined over the
//! inner axes into a number that later stages of the same outer point can use.
//!
//! This one form covers every archetype:
//! - *map*: one stage without inner axes that stores;
//! - *reduce*: a stage that reduces, then one that stores;
//! - *row* (softmax, normalization, cross-entropy and its gradient): several reductions over a row, then stores over it;
//! - *scatter*: as a contraction, but what it sums is 0 where a number that is loaded is not that of the outer point's row. The printers
//!   walk over the numbers instead ([`Kernel::scattered`]);
//! - *contract*: the first stage sums a product of two loads over its inner axes, and the other stages are its
//!   epilogue, without inner axes. Printers give it a tiled schedule of their own ([`Kernel::contraction`]).
//!
//! Axes are numbered: the outer ones first, then the inner ones of the stage at hand (inner axes of different
//! stages share numbers). Memory is addressed by [`Index`]es into [`crate::plan::Tensor`]s, in elements.
//!
//! A load may be bounded ([`Bound`]): outside it gives 0. Windows over the edges of an image are nothing else.
//!
//! No point of a kernel reads what another point (or an earlier stage) of the same kernel stored. A tensor that is
//! both read and written (an optimizer's parameters) is read only at the very index that the same point writes later.

mod index;
mod validate;

use crate::graph::{Binary, Extent, Reduction, StepScalar, Unary};

pub use index::{Atom, Index, Term};
pub use validate::validate;

/// The number of a tensor in [`crate::plan::Schedule::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

/// The number of a value within its stage's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// One dispatch. See the [module's text](self).
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// Unique within its schedule; an identifier: lower-case letters, digits and `_`.
    pub name: String,
    /// The axes whose points are independent, outermost first. [`Extent::Batch`] can only be the first one.
    pub outer: Vec<Extent>,
    /// What happens at each outer point, in order.
    pub stages: Vec<Stage>,
    /// The graph operations that went into it, for the readable plan: `dense: contract + bias, relu`.
    pub covers: Vec<String>,
}

/// A loop over inner axes. See the [module's text](self).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// The stage's loops, outermost first; empty for a body that runs once.
    pub inner: Vec<Extent>,
    /// What is computed at each inner point, in order; operands come earlier.
    pub body: Vec<Value>,
    /// What is combined over the inner points. Result `i` is [`Value::Reduced`] with slot `i` for later stages.
    pub reduce: Vec<(Reduction, ValueId)>,
    /// What is stored at each inner point.
    pub stores: Vec<Store>,
}

/// One scalar operation of a body.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Constant(f64),
    /// The step scalar of this kind.
    Scalar(StepScalar),
    /// An index as a number.
    Index(Index),
    /// An element of a tensor; 0 where a bound does not hold, and then the index may lie anywhere.
    Load {
        tensor: TensorId,
        index: Index,
        within: Vec<Bound>,
    },
    /// An element of one of a tensor's rows, of which there are `rows` at a distance of `stride` elements. The row's number is a value, a
    /// whole number; one that is no row's counts as the nearest one's. The index is that within the row.
    Gather {
        tensor: TensorId,
        row: ValueId,
        rows: usize,
        stride: usize,
        index: Index,
    },
    /// 1 where all bounds hold, else 0.
    Within(Vec<Bound>),
    /// Uniform in [0, 1), by stream and element position.
    Random {
        stream: u32,
        index: Index,
    },
    /// The result of an earlier stage's reduction.
    Reduced {
        stage: usize,
        slot: usize,
    },
    Unary(Unary, ValueId),
    Binary(Binary, ValueId, ValueId),
    /// `0 != 0 ? 1 : 2`
    Select(ValueId, ValueId, ValueId),
}

/// A condition on a point: `0 <= index < end`, and `index` is a multiple of `step`. Windows that reach over an edge have them,
/// and those that look between the elements of what was strided.
///
/// Where a step is not 1, memory indices contain the quotient of this very index by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bound {
    /// What is bounded; it may be negative.
    pub index: Index,
    /// What it must stay below.
    pub end: i64,
    /// What it must be a multiple of; at least 1.
    pub step: i64,
}

impl Bound {
    /// Whether it holds at a point.
    pub fn holds(&self, point: &[usize]) -> bool {
        let i = self.index.eval(point);
        (0..self.end).contains(&i) && i % self.step == 0
    }
}

/// Writes one element.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// The tensor written to.
    pub tensor: TensorId,
    /// Which element.
    pub index: Index,
    /// What is written.
    pub value: ValueId,
}

/// A contract kernel's main product, `out[m, n] = Σ_k a[m, k] * b[k, n]` for each point of the group axes.
///
/// Axes are grouped by which operand depends on them. Each group is a list of kernel axes, outermost first; a
/// group may be empty (size 1).
#[derive(Clone, Debug, PartialEq)]
pub struct ContractionView {
    /// Outer axes that index both operands (a batched matrix product).
    pub group: Vec<usize>,
    /// Outer axes that index `a` alone.
    pub m: Vec<usize>,
    /// Outer axes that index `b` alone.
    pub n: Vec<usize>,
    /// The inner axes.
    pub k: Vec<usize>,
    /// The first operand.
    pub a: Operand,
    /// The second operand.
    pub b: Operand,
}

/// What a scatter kernel sums by number, wherever it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Scattered<'k> {
    /// Rows of the result.
    pub rows: usize,
    /// The loops over all positions, outermost first.
    pub positions: &'k [Extent],
    /// The positions' numbers: an index in the kernel's axes.
    pub numbers: (TensorId, Index),
    /// What is summed.
    pub values: (TensorId, Index),
}

/// A scatter kernel's sums, `out[row, column] = Σ values[position, column]` over the positions whose number is `row`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterView {
    /// Rows of the result.
    pub rows: usize,
    /// Numbers in a row.
    pub columns: usize,
    /// The loops over all positions, outermost first.
    pub positions: Vec<Extent>,
    /// The positions' numbers, one behind another.
    pub numbers: TensorId,
    /// The positions' rows, one behind another.
    pub values: TensorId,
}

/// An operand of a contraction: where its elements lie, and where they count as 0.
///
/// The index is affine in the kernel's axes, but for quotients of a bound's index by that bound's step.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // as in Value::Load
pub struct Operand {
    pub tensor: TensorId,
    pub index: Index,
    pub within: Vec<Bound>,
}

impl Operand {
    fn of(value: &Value) -> Option<Self> {
        let Value::Load { tensor, index, within } = value else { return None };
        Operand::is_regular(index, within).then(|| Operand {
            tensor: *tensor,
            index: index.clone(),
            within: within.clone(),
        })
    }

    /// Whether a load at this index, within these bounds, can be an operand.
    pub(crate) fn is_regular(index: &Index, within: &[Bound]) -> bool {
        let stepped = |atom: &Atom| within.iter().any(|b| *atom == Atom::Div(Box::new(b.index.clone()), b.step));
        index.terms.iter().all(|t| matches!(t.atom, Atom::Axis(_) | Atom::Step(_)) || stepped(&t.atom))
            && within.iter().all(|b| b.index.is_affine())
    }

    /// Whether it depends on an axis.
    pub fn uses(&self, axis: usize) -> bool {
        self.index.uses(axis) || self.within.iter().any(|b| b.index.uses(axis))
    }

    /// Whether every point has an element, at an affine index.
    pub fn is_plain(&self) -> bool {
        self.within.is_empty() && self.index.is_affine()
    }
}

impl ContractionView {
    /// Whether it is a matrix product: no operand has windows that reach over an edge.
    pub fn is_plain(&self) -> bool {
        self.a.is_plain() && self.b.is_plain()
    }
}

impl Kernel {
    /// The extents of all axes that a stage's body can use.
    pub fn extents(&self, stage: usize) -> Vec<Extent> {
        self.outer.iter().chain(&self.stages[stage].inner).copied().collect()
    }

    /// The product at the heart of a contract kernel; `None` for every other kernel.
    ///
    /// It is one if the first stage does nothing but sum a product of two loads over at least one axis, no later stage
    /// has inner axes, and each outer axis indexes exactly one operand or both.
    pub fn contraction(&self) -> Option<ContractionView> {
        let (first, rest) = self.stages.split_first()?;
        if first.inner.is_empty() || !first.stores.is_empty() || rest.iter().any(|s| !s.inner.is_empty()) {
            return None;
        }
        let [(Reduction::Sum, product)] = first.reduce[..] else { return None };
        let [a, b, Value::Binary(Binary::Multiply, ValueId(0), ValueId(1))] = &first.body[..] else { return None };
        if product != ValueId(2) {
            return None;
        }
        let mut view = ContractionView {
            group: vec![],
            m: vec![],
            n: vec![],
            k: (self.outer.len()..self.outer.len() + first.inner.len()).collect(),
            a: Operand::of(a)?,
            b: Operand::of(b)?,
        };
        for axis in 0..self.outer.len() {
            match (view.a.uses(axis), view.b.uses(axis)) {
                (true, true) => view.group.push(axis),
                (true, false) => view.m.push(axis),
                (false, true) => view.n.push(axis),
                (false, false) => return None,
            }
        }
        Some(view)
    }

    /// The sums by number at the heart of a scatter kernel; `None` for every other kernel.
    ///
    /// It is one if the first stage does nothing but sum, over all positions, a value where the position's number is that of the first
    /// outer axis, and if no later stage has inner axes.
    pub fn scattered(&self) -> Option<Scattered<'_>> {
        let (first, rest) = self.stages.split_first()?;
        if first.inner.is_empty() || !first.stores.is_empty() || rest.iter().any(|s| !s.inner.is_empty()) {
            return None;
        }
        let [(Reduction::Sum, ValueId(5))] = first.reduce[..] else { return None };
        let [
            Value::Load { tensor: numbers, index: at, within: no_bounds },
            Value::Index(row),
            Value::Binary(Binary::Equal, ValueId(0), ValueId(1)),
            Value::Load { tensor: values, index: of, within: none_either },
            Value::Constant(0.0),
            Value::Select(ValueId(2), ValueId(3), ValueId(4)),
        ] = &first.body[..]
        else {
            return None;
        };
        let (&Extent::Size(rows), columns) = (self.outer.first()?, &self.outer[1..]) else { return None };
        let by_row = *row == Index::axis(0) && !at.uses(0) && !of.uses(0);
        let plain = no_bounds.is_empty() && none_either.is_empty() && !columns.contains(&Extent::Batch);
        (by_row && plain).then(|| Scattered {
            rows,
            positions: &first.inner,
            numbers: (*numbers, at.clone()),
            values: (*values, of.clone()),
        })
    }

    /// As [`Kernel::scattered`], where numbers and values lie in order.
    pub fn scatter(&self) -> Option<ScatterView> {
        let Scattered { rows, positions: inner, numbers: (numbers, at), values: (values, of) } = self.scattered()?;
        let columns = match self.outer[1..] {
            [] => 1,
            [Extent::Size(columns)] => columns,
            _ => return None,
        };
        let positions: Vec<Index> = (0..inner.len()).map(|i| Index::axis(self.outer.len() + i)).collect();
        let position = Index::linear(&positions, inner);
        let column = if self.outer.len() > 1 { Index::axis(1) } else { Index::default() };
        let in_order = at == position && of == position.times(columns as i64).plus(&column);
        in_order.then(|| ScatterView { rows, columns, positions: inner.to_vec(), numbers, values })
    }

    /// Whether any stage stores to this tensor.
    pub fn writes(&self, tensor: TensorId) -> bool {
        self.stages.iter().flat_map(|s| &s.stores).any(|s| s.tensor == tensor)
    }

    /// Whether any stage loads from this tensor.
    pub fn reads(&self, tensor: TensorId) -> bool {
        self.loads().any(|t| t == tensor)
    }

    /// The tensors loaded from, in order of appearance, with repetitions.
    pub fn loads(&self) -> impl Iterator<Item = TensorId> + '_ {
        self.stages.iter().flat_map(|s| &s.body).filter_map(|v| match v {
            Value::Load { tensor, .. } | Value::Gather { tensor, .. } => Some(*tensor),
            _ => None,
        })
    }

    /// All tensors that the kernel touches, each once, in ascending order.
    pub fn tensors(&self) -> Vec<TensorId> {
        let stored = self.stages.iter().flat_map(|s| &s.stores).map(|s| s.tensor);
        let mut all: Vec<TensorId> = self.loads().chain(stored).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Value {
    /// The values it is computed from.
    pub fn operands(&self) -> impl Iterator<Item = ValueId> {
        let list: [Option<ValueId>; 3] = match *self {
            Value::Unary(_, a) | Value::Gather { row: a, .. } => [Some(a), None, None],
            Value::Binary(_, a, b) => [Some(a), Some(b), None],
            Value::Select(c, a, b) => [Some(c), Some(a), Some(b)],
            _ => [None; 3],
        };
        list.into_iter().flatten()
    }

    /// The indices that it depends on.
    pub fn indices(&self) -> impl Iterator<Item = &Index> {
        let (index, within): (Option<&Index>, &[Bound]) = match self {
            Value::Index(index) | Value::Random { index, .. } | Value::Gather { index, .. } => (Some(index), &[]),
            Value::Load { index, within, .. } => (Some(index), within),
            Value::Within(within) => (None, within),
            _ => (None, &[]),
        };
        index.into_iter().chain(within.iter().map(|b| &b.index))
    }

    /// How many neighbours along an axis have the same value of it, as far as indices say; see [`Index::repeats`].
    pub fn repeats(&self, axis: usize) -> i64 {
        self.indices().map(|index| index.repeats(axis)).min().unwrap_or(4)
    }

    /// Changes all indices that it depends on.
    pub fn map_indices(&mut self, f: impl Fn(&Index) -> Index) {
        let (index, within): (Option<&mut Index>, &mut [Bound]) = match self {
            Value::Index(index) | Value::Random { index, .. } | Value::Gather { index, .. } => (Some(index), &mut []),
            Value::Load { index, within, .. } => (Some(index), within),
            Value::Within(within) => (None, within),
            _ => (None, &mut []),
        };
        index.into_iter().chain(within.iter_mut().map(|b| &mut b.index)).for_each(|i| *i = f(i));
    }
}
