//! The primitive operations.

use super::{Access, Loop};

/// What a node computes. Arguments are in [`super::Node::args`], result shapes in [`super::Node::shape`].
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A tensor that comes from outside.
    Leaf(Leaf),
    /// The same number everywhere (scalar shape; broadcast it).
    Constant(f64),
    /// A number that the host sets for each step (scalar shape).
    Scalar(StepScalar),
    /// Each element is its own index along this axis of the per-sample shape.
    Iota(usize),
    /// Uniform numbers in [0, 1), a function of seed, step, this stream's number and the element's position alone.
    Random(u32),
    /// Elementwise, one argument.
    Unary(Unary),
    /// Elementwise, two arguments.
    Binary(Binary),
    /// Elementwise: `args[0] != 0 ? args[1] : args[2]`.
    Select,
    /// The first argument while training, the second one otherwise. Specialisation removes it.
    ByPhase,
    /// The same value, no gradient.
    Detach,
    /// NumPy's broadcasting to the node's shape: per-sample dimensions are aligned at the right, and a dimension of
    /// the argument is 1, absent or equal. A tensor without batch may become one with it.
    Broadcast,
    /// The same numbers in row-major order under another per-sample shape. The batch stays.
    Reshape,
    /// Per-sample axes reordered: axis `i` of the result is axis `perm[i]` of the argument.
    Permute(Vec<usize>),
    /// The block that starts at these per-sample indices and has the node's shape.
    Slice(Vec<usize>),
    /// Arguments one after another along this per-sample axis.
    Concat(usize),
    /// For each per-sample dimension of the argument, where it is read; axes are per-sample axes of the result. Windows of
    /// pooling, flips, steps and zero padding.
    Window(Vec<Access>),
    /// Combines elements along axes; these axes vanish.
    Reduce {
        /// How elements are combined.
        how: Reduction,
        /// Per-sample axes of the argument, ascending.
        axes: Vec<usize>,
        /// Whether the batch is reduced as well.
        batch: bool,
    },
    /// A sum of products of two tensors: dense layers, matrix products, convolutions and all their gradients.
    Contract(Contraction),
    /// Rows of a table, `args[0]` (which has no batch), by whole numbers, `args[1]`: the result's dimensions are those of the numbers,
    /// then those of a row. A number that is no row's counts as the nearest one's.
    Gather,
    /// What [`Op::Gather`] does to gradients: a table in which row `r` is the sum of those rows of the values, `args[1]`, whose number in
    /// `args[0]` is `r`. The first dimensions of the values are those of the numbers.
    Scatter,
    /// What a step of a loop reads: the argument's row along its first per-sample axis. Index arithmetic, as other moves are.
    At(Loop),
    /// A loop's state of this number at the beginning of a step; the argument is what it starts from.
    Carry(Loop, usize),
    /// The first argument, a value of the loop's body, at every step: a new first per-sample axis. The other arguments are the next
    /// values of these states, on which it depends.
    Stacked(Loop, Vec<usize>),
    /// The first of these states behind the loop's last step. The arguments are the states' next values.
    Final(Loop, Vec<usize>),
}

/// Tensors that come from outside the computation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// The network's input or target of this number (inputs first, then targets).
    Field(usize),
    /// The network's parameter of this number.
    Parameter(usize),
    /// The network's kept tensor of this number: what the run before has left of each sample, zeros at first. No gradient.
    Kept(usize),
    /// What the kept tensor of this number becomes, where the pass has left it (copies behind the pass only).
    KeptNext(usize),
    /// The part of the vector of all parameters that begins at this float (updates only). The layout is that of
    /// [`crate::plan::Plan::parameters`].
    Parameters(usize),
    /// The part of the vector of all gradients that begins at this float; behind those of trained parameters are the buffers' new
    /// values (updates only).
    Gradients(usize),
    /// The part of the optimizer's state vector of this number that begins at this float (updates only).
    State(usize, usize),
    /// What all gradients are multiplied by so that their norm stays within a bound: one number (updates only).
    ClipFactor,
    /// 1 if all gradients are finite, else 0 (updates only).
    Finite,
}

/// Numbers that the host sets anew for each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepScalar {
    /// 1 / number of samples in the batch.
    InverseBatch,
    /// The current learning rate.
    LearningRate,
    /// 1 - beta^t, where t counts training steps from 1 (Adam's bias correction).
    BiasCorrection(f64),
    /// The number t of this training step, counted from 1.
    Step,
    /// Which position of its sequence this step is, counted from 0 (step programs only).
    Position,
}

/// Elementwise functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // they are what they are called
pub enum Unary {
    Negate,
    Exp,
    /// exp(x) - 1, accurate near 0.
    ExpM1,
    Log,
    /// log(1 + x), accurate near 0.
    Log1p,
    Sqrt,
    Reciprocal,
    Abs,
    /// -1, 0 or 1.
    Sign,
    Floor,
    Tanh,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// The error function.
    Erf,
    Sin,
    Cos,
    /// The nearest number that an f16 holds, ties to even; infinite from 65,520 on (IEEE's rounding).
    ToHalf,
    /// 1 for a number, 0 for infinities and NaN.
    IsFinite,
}

/// Elementwise functions of two arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// As C's `pow`: a negative base with a whole exponent is exact in sign.
    Power,
    Minimum,
    Maximum,
    /// 1 where a < b, else 0.
    Less,
    /// 1 where a <= b, else 0.
    LessEqual,
    /// 1 where a = b, else 0.
    Equal,
}

/// How [`Op::Reduce`] combines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Reduction {
    Sum,
    Maximum,
    Minimum,
}

/// A sum of products: `out[o…] = Σ over r… of a[…] * b[…]`.
///
/// The iteration space has the axes of the result (in its order, batch included where the result has one), then the
/// reduced ones. Each dimension of an operand (its batch first, where it has one) is read by an [`Access`]: by one axis in
/// matrix products, by windows in convolutions. The batch is always read by an axis alone. A batch that is reduced is just a
/// reduced axis: this is how gradients of weights come about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contraction {
    /// The reduced axes; their numbers follow those of the result's dimensions.
    pub reduced: Vec<super::Extent>,
    /// For each dimension of the first operand, where it is read.
    pub a: Vec<Access>,
    /// For each dimension of the second operand, where it is read.
    pub b: Vec<Access>,
}

impl Contraction {
    /// A matrix product: each dimension of an operand is read by one axis.
    pub fn of_axes(
        reduced: Vec<super::Extent>,
        a: impl IntoIterator<Item = usize>,
        b: impl IntoIterator<Item = usize>,
    ) -> Self {
        let plain = |axis| Access::axis(axis);
        Contraction { reduced, a: a.into_iter().map(plain).collect(), b: b.into_iter().map(plain).collect() }
    }
}

/// An operation with floats replaced by their bits, for interning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum OpKey {
    Leaf(Leaf),
    Constant(u64),
    Scalar(u8, u64),
    Iota(usize),
    Random(u32),
    Unary(Unary),
    Binary(Binary),
    Select,
    ByPhase,
    Detach,
    Broadcast,
    Reshape,
    Permute(Vec<usize>),
    Slice(Vec<usize>),
    Concat(usize),
    Window(Vec<Access>),
    Reduce(Reduction, Vec<usize>, bool),
    Contract(Contraction),
    Gather,
    Scatter,
    At(Loop),
    Carry(Loop, usize),
    Stacked(Loop, Vec<usize>),
    Final(Loop, Vec<usize>),
}

impl Op {
    pub(super) fn key(&self) -> OpKey {
        match self {
            Op::Leaf(l) => OpKey::Leaf(l.clone()),
            Op::Constant(c) => OpKey::Constant(c.to_bits()),
            Op::Scalar(StepScalar::InverseBatch) => OpKey::Scalar(0, 0),
            Op::Scalar(StepScalar::LearningRate) => OpKey::Scalar(1, 0),
            Op::Scalar(StepScalar::BiasCorrection(beta)) => OpKey::Scalar(2, beta.to_bits()),
            Op::Scalar(StepScalar::Step) => OpKey::Scalar(3, 0),
            Op::Scalar(StepScalar::Position) => OpKey::Scalar(4, 0),
            Op::Iota(a) => OpKey::Iota(*a),
            Op::Random(s) => OpKey::Random(*s),
            Op::Unary(u) => OpKey::Unary(*u),
            Op::Binary(b) => OpKey::Binary(*b),
            Op::Select => OpKey::Select,
            Op::ByPhase => OpKey::ByPhase,
            Op::Detach => OpKey::Detach,
            Op::Broadcast => OpKey::Broadcast,
            Op::Reshape => OpKey::Reshape,
            Op::Permute(p) => OpKey::Permute(p.clone()),
            Op::Slice(s) => OpKey::Slice(s.clone()),
            Op::Concat(a) => OpKey::Concat(*a),
            Op::Window(accesses) => OpKey::Window(accesses.clone()),
            Op::Reduce { how, axes, batch } => OpKey::Reduce(*how, axes.clone(), *batch),
            Op::Contract(c) => OpKey::Contract(c.clone()),
            Op::Gather => OpKey::Gather,
            Op::Scatter => OpKey::Scatter,
            Op::At(l) => OpKey::At(*l),
            Op::Carry(l, k) => OpKey::Carry(*l, *k),
            Op::Stacked(l, carries) => OpKey::Stacked(*l, carries.clone()),
            Op::Final(l, carries) => OpKey::Final(*l, carries.clone()),
        }
    }
}
