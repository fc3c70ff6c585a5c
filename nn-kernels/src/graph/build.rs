//! Constructors of primitives. They compute result shapes and fold what is trivial; they trust their callers.
//!
//! Callers are layers and gradients, which have checked the user's shapes by [`crate::shape`] before: a wrong shape
//! here is a bug of this crate, so debug builds assert.

use super::{Access, Binary, Contraction, Extent, Graph, Leaf, NodeId, Op, Reduction, Shape, StepScalar, Unary};

impl Graph {
    /// A tensor that comes from outside.
    pub fn leaf(&mut self, leaf: Leaf, shape: Shape) -> NodeId {
        self.add(Op::Leaf(leaf), vec![], shape)
    }

    /// A scalar constant.
    pub fn constant(&mut self, value: f64) -> NodeId {
        self.add(Op::Constant(value), vec![], Shape::fixed(&[]))
    }

    /// A constant, broadcast to a shape.
    pub fn filled(&mut self, value: f64, shape: &Shape) -> NodeId {
        let c = self.constant(value);
        self.broadcast(c, shape)
    }

    /// A number that the host sets for each step.
    pub fn scalar(&mut self, scalar: StepScalar) -> NodeId {
        self.add(Op::Scalar(scalar), vec![], Shape::fixed(&[]))
    }

    /// Each element's index along a per-sample axis.
    pub fn iota(&mut self, axis: usize, shape: &Shape) -> NodeId {
        self.add(Op::Iota(axis), vec![], Shape { batch: false, dims: shape.dims.clone() })
    }

    /// Uniform random numbers in [0, 1); the stream must be used nowhere else. In the body of a loop, each step has its own.
    pub fn random(&mut self, stream: u32, shape: &Shape) -> NodeId {
        let Some(steps) = self.open_loop else { return self.add(Op::Random(stream), vec![], shape.clone()) };
        let dims = std::iter::once(steps.steps).chain(shape.dims.iter().copied()).collect();
        let all = self.add(Op::Random(stream), vec![], Shape { batch: shape.batch, dims });
        self.at(steps, all)
    }

    /// The value of a node that is a constant, possibly broadcast.
    pub fn as_constant(&self, mut id: NodeId) -> Option<f64> {
        loop {
            match &self.node(id).op {
                Op::Constant(c) => return Some(*c),
                Op::Broadcast | Op::Reshape | Op::Permute(_) | Op::Slice(_) | Op::Detach => id = self.node(id).args[0],
                _ => return None,
            }
        }
    }

    /// An elementwise function.
    pub fn unary(&mut self, op: Unary, x: NodeId) -> NodeId {
        let shape = self.shape(x).clone();
        if let Some(c) = self.as_constant(x) {
            return self.filled(op.eval(c), &shape);
        }
        if op == Unary::Negate
            && let Op::Unary(Unary::Negate) = self.node(x).op
        {
            return self.node(x).args[0];
        }
        self.add(Op::Unary(op), vec![x], shape)
    }

    /// An elementwise function of two tensors of one shape; see [`Graph::broadcast_binary`] for others.
    pub fn binary(&mut self, op: Binary, a: NodeId, b: NodeId) -> NodeId {
        debug_assert_eq!(self.shape(a), self.shape(b));
        let shape = self.shape(a).clone();
        let (ca, cb) = (self.as_constant(a), self.as_constant(b));
        if let (Some(ca), Some(cb)) = (ca, cb) {
            return self.filled(op.eval(ca, cb), &shape);
        }
        match (op, ca, cb) {
            (Binary::Add, Some(0.0), _) | (Binary::Multiply, Some(1.0), _) => return b,
            (Binary::Add | Binary::Subtract, _, Some(0.0)) => return a,
            (Binary::Multiply | Binary::Divide | Binary::Power, _, Some(1.0)) => return a,
            (Binary::Subtract, Some(0.0), _) => return self.unary(Unary::Negate, b),
            (Binary::Multiply, Some(-1.0), _) => return self.unary(Unary::Negate, b),
            (Binary::Multiply, _, Some(-1.0)) => return self.unary(Unary::Negate, a),
            (Binary::Power, _, Some(2.0)) => return self.binary(Binary::Multiply, a, a),
            // Gradients of what does not depend on the parameters are zeros; they end here. (0 * infinity would be
            // NaN, but then the forward pass is already lost.)
            (Binary::Multiply, Some(0.0), _) | (Binary::Divide, Some(0.0), _) => return a,
            (Binary::Multiply, _, Some(0.0)) => return b,
            _ => {}
        }
        self.add(Op::Binary(op), vec![a, b], shape)
    }

    /// An elementwise function of two tensors, broadcast to their common shape (which must exist).
    pub fn broadcast_binary(&mut self, op: Binary, a: NodeId, b: NodeId) -> NodeId {
        let shape = self.common_shape(a, b);
        let (a, b) = (self.broadcast(a, &shape), self.broadcast(b, &shape));
        self.binary(op, a, b)
    }

    fn common_shape(&self, a: NodeId, b: NodeId) -> Shape {
        let (a, b) = (self.shape(a), self.shape(b));
        let rank = a.rank().max(b.rank());
        let dim = |s: &Shape, i: usize| (i + s.rank()).checked_sub(rank).map_or(1, |i| s.dims[i]);
        Shape { batch: a.batch || b.batch, dims: (0..rank).map(|i| dim(a, i).max(dim(b, i))).collect() }
    }

    /// `a + b`, broadcasting.
    pub fn add2(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.broadcast_binary(Binary::Add, a, b)
    }

    /// `a - b`, broadcasting.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.broadcast_binary(Binary::Subtract, a, b)
    }

    /// `a * b`, broadcasting.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.broadcast_binary(Binary::Multiply, a, b)
    }

    /// `a / b`, broadcasting.
    pub fn div(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.broadcast_binary(Binary::Divide, a, b)
    }

    /// `x * c` for a constant.
    pub fn scale(&mut self, x: NodeId, c: f64) -> NodeId {
        let c = self.constant(c);
        self.mul(x, c)
    }

    /// `x + c` for a constant.
    pub fn offset(&mut self, x: NodeId, c: f64) -> NodeId {
        let c = self.constant(c);
        self.add2(x, c)
    }

    /// `condition != 0 ? a : b`, for three tensors of one shape.
    pub fn select(&mut self, condition: NodeId, a: NodeId, b: NodeId) -> NodeId {
        debug_assert!(self.shape(condition) == self.shape(a) && self.shape(a) == self.shape(b));
        if a == b {
            return a;
        }
        match self.as_constant(condition) {
            Some(0.0) => b,
            Some(_) => a,
            None => {
                let shape = self.shape(a).clone();
                self.add(Op::Select, vec![condition, a, b], shape)
            }
        }
    }

    /// `training` while training, `inference` otherwise.
    pub fn by_phase(&mut self, training: NodeId, inference: NodeId) -> NodeId {
        debug_assert_eq!(self.shape(training), self.shape(inference));
        if training == inference {
            return training;
        }
        let shape = self.shape(training).clone();
        self.add(Op::ByPhase, vec![training, inference], shape)
    }

    /// The same value without a gradient.
    pub fn detach(&mut self, x: NodeId) -> NodeId {
        let shape = self.shape(x).clone();
        self.add(Op::Detach, vec![x], shape)
    }

    /// NumPy's broadcasting to `shape`.
    pub fn broadcast(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        let from = self.shape(x);
        if from == shape {
            return x;
        }
        debug_assert!(from.rank() <= shape.rank() && (shape.batch || !from.batch), "{from:?} to {shape:?}");
        debug_assert!(
            from.dims.iter().rev().zip(shape.dims.iter().rev()).all(|(f, t)| f == t || *f == 1),
            "{from:?} to {shape:?}"
        );
        // A broadcast of a broadcast is one broadcast.
        if let Op::Broadcast = self.node(x).op {
            let inner = self.node(x).args[0];
            return self.broadcast(inner, shape);
        }
        self.add(Op::Broadcast, vec![x], shape.clone())
    }

    /// The same numbers under other per-sample dimensions.
    pub fn reshape(&mut self, x: NodeId, dims: &[usize]) -> NodeId {
        let from = self.shape(x);
        if from.dims == dims {
            return x;
        }
        debug_assert_eq!(from.size(), dims.iter().product::<usize>());
        let shape = Shape { batch: from.batch, dims: dims.to_vec() };
        if let Op::Reshape = self.node(x).op {
            let inner = self.node(x).args[0];
            return self.reshape(inner, dims);
        }
        if let Some(c) = self.as_constant(x) {
            return self.filled(c, &shape);
        }
        self.add(Op::Reshape, vec![x], shape)
    }

    /// Per-sample axes reordered.
    pub fn permute(&mut self, x: NodeId, perm: &[usize]) -> NodeId {
        if perm.iter().enumerate().all(|(i, &p)| i == p) {
            return x;
        }
        let from = self.shape(x);
        let shape = Shape { batch: from.batch, dims: perm.iter().map(|&p| from.dims[p]).collect() };
        self.add(Op::Permute(perm.to_vec()), vec![x], shape)
    }

    /// The block that starts at `starts` and has dimensions `dims`.
    pub fn slice(&mut self, x: NodeId, starts: &[usize], dims: &[usize]) -> NodeId {
        let from = self.shape(x);
        if from.dims == dims {
            return x;
        }
        debug_assert!(starts.iter().zip(dims).zip(&from.dims).all(|((s, d), f)| s + d <= *f));
        let shape = Shape { batch: from.batch, dims: dims.to_vec() };
        self.add(Op::Slice(starts.to_vec()), vec![x], shape)
    }

    /// Tensors one after another along a per-sample axis. All must agree in the batch and in the other axes.
    pub fn concat(&mut self, parts: &[NodeId], axis: usize) -> NodeId {
        if let [one] = parts {
            return *one;
        }
        let mut shape = self.shape(parts[0]).clone();
        shape.dims[axis] = parts.iter().map(|&p| self.shape(p).dims[axis]).sum();
        self.add(Op::Concat(axis), parts.to_vec(), shape)
    }

    /// Reads `x` at `accesses` (one for each per-sample dimension, axes are those of `dims`); elements outside are 0.
    pub fn window(&mut self, x: NodeId, accesses: Vec<Access>, dims: &[usize]) -> NodeId {
        let from = self.shape(x);
        debug_assert_eq!(from.rank(), accesses.len());
        debug_assert!(
            accesses.iter().all(|a| !a.terms.is_empty() && a.terms.iter().all(|(axis, _)| *axis < dims.len()))
        );
        let shape = Shape { batch: from.batch, dims: dims.to_vec() };
        let whole = from.dims == dims && accesses.iter().enumerate().all(|(i, a)| a.as_axis() == Some(i));
        if whole {
            return x;
        }
        self.add(Op::Window(accesses), vec![x], shape)
    }

    /// Combines along per-sample `axes`, and over the batch if `batch`; these axes vanish.
    pub fn reduce(&mut self, how: Reduction, x: NodeId, axes: &[usize], batch: bool) -> NodeId {
        if axes.is_empty() && !batch {
            return x;
        }
        let from = self.shape(x);
        debug_assert!(from.batch || !batch);
        let dims: Vec<usize> = (0..from.rank()).filter(|i| !axes.contains(i)).map(|i| from.dims[i]).collect();
        if !batch && axes.iter().all(|&a| from.dims[a] == 1) {
            return self.reshape(x, &dims);
        }
        let shape = Shape { batch: from.batch && !batch, dims };
        let mut axes = axes.to_vec();
        axes.sort_unstable();
        self.add(Op::Reduce { how, axes, batch }, vec![x], shape)
    }

    /// Combines along per-sample `axes` and keeps them with size 1.
    pub fn reduce_keep(&mut self, how: Reduction, x: NodeId, axes: &[usize]) -> NodeId {
        let mut dims = self.shape(x).dims.clone();
        axes.iter().for_each(|&a| dims[a] = 1);
        let r = self.reduce(how, x, axes, false);
        self.reshape(r, &dims)
    }

    /// The sum over all per-sample axes: one number a sample.
    pub fn sum_sample(&mut self, x: NodeId) -> NodeId {
        let axes: Vec<usize> = (0..self.shape(x).rank()).collect();
        self.reduce(Reduction::Sum, x, &axes, false)
    }

    /// The mean over all per-sample axes: one number a sample.
    pub fn mean_sample(&mut self, x: NodeId) -> NodeId {
        let n = self.shape(x).size();
        let sum = self.sum_sample(x);
        self.scale(sum, 1.0 / n as f64)
    }

    /// Sums `x` down to `shape`, undoing a broadcast from `shape` to `x`'s shape.
    pub fn sum_to(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        let from = self.shape(x).clone();
        if from == *shape {
            return x;
        }
        let lead = from.rank() - shape.rank();
        let axes: Vec<usize> =
            (0..from.rank()).filter(|&i| i < lead || (shape.dims[i - lead] == 1 && from.dims[i] != 1)).collect();
        let r = self.reduce(Reduction::Sum, x, &axes, from.batch && !shape.batch);
        self.reshape(r, &shape.dims)
    }

    /// A sum of products; see [`Contraction`]. `shape` is the result's.
    pub fn contract(&mut self, a: NodeId, b: NodeId, contraction: Contraction, shape: Shape) -> NodeId {
        if cfg!(debug_assertions) {
            let mut extents = shape.extents();
            extents.extend(&contraction.reduced);
            for (operand, accesses) in [(a, &contraction.a), (b, &contraction.b)] {
                let dims = self.shape(operand).extents();
                assert_eq!(dims.len(), accesses.len(), "operand of {contraction:?}");
                for (dim, access) in dims.iter().zip(accesses) {
                    let plain = access.as_axis().is_some_and(|axis| extents[axis] == *dim);
                    assert!(plain || *dim != Extent::Batch, "operand of {contraction:?}");
                }
            }
        }
        self.add(Op::Contract(contraction), vec![a, b], shape)
    }

    /// Rows of a table without batch, by whole numbers; see [`Op::Gather`].
    pub fn gather(&mut self, table: NodeId, numbers: NodeId) -> NodeId {
        let (table_shape, numbers_shape) = (self.shape(table), self.shape(numbers));
        debug_assert!(!table_shape.batch && table_shape.rank() > 0);
        let dims = numbers_shape.dims.iter().chain(&table_shape.dims[1..]).copied().collect();
        let shape = Shape { batch: numbers_shape.batch, dims };
        self.add(Op::Gather, vec![table, numbers], shape)
    }

    /// A table of so many rows, each the sum of the values of its number; see [`Op::Scatter`].
    pub fn scatter(&mut self, numbers: NodeId, values: NodeId, rows: usize) -> NodeId {
        let (from, of) = (self.shape(values), self.shape(numbers));
        debug_assert!(from.batch == of.batch && from.dims.starts_with(&of.dims));
        let dims = std::iter::once(rows).chain(from.dims[of.rank()..].iter().copied()).collect();
        self.add(Op::Scatter, vec![numbers, values], Shape { batch: false, dims })
    }
}
