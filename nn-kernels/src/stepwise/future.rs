//! What is known about the entries of later positions, along an axis of history.

use crate::graph::{Binary, Reduction, Unary};

/// The entries of later positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Future {
    /// They are what they are in the whole sequence.
    Known,
    /// All of them are this number.
    Constant(f64),
    /// They are so low that nothing is left of them beside others in an exponential.
    Lowest,
    /// They are anything, and finite.
    Unknown,
}

/// What is at most this is [`Future::Lowest`]. No score comes near it.
const LOWEST: f64 = -1e9;

impl Future {
    fn is_known(self) -> bool {
        matches!(self, Future::Known | Future::Constant(_))
    }

    fn is_lowest(self) -> bool {
        self == Future::Lowest || matches!(self, Future::Constant(c) if c <= LOWEST)
    }

    /// Of an elementwise function.
    pub(super) fn unary(op: Unary, x: Future) -> Future {
        match (op, x) {
            (_, Future::Constant(c)) => Future::Constant(op.eval(c)),
            (_, Future::Known) => Future::Known,
            (Unary::Exp, x) if x.is_lowest() => Future::Constant(0.0),
            _ => Future::Unknown,
        }
    }

    /// Of an elementwise function of two.
    pub(super) fn binary(op: Binary, a: Future, b: Future) -> Future {
        let zero = Future::Constant(0.0);
        match (op, a, b) {
            (_, Future::Constant(x), Future::Constant(y)) => Future::Constant(op.eval(x, y)),
            (Binary::Multiply, a, b) if a == zero || b == zero => zero,
            (Binary::Divide, a, b) if a == zero && b.is_known() => zero,
            (Binary::Add, a, b) if a.is_lowest() || b.is_lowest() => Future::Lowest,
            (Binary::Subtract, a, b) if a.is_lowest() && !b.is_lowest() => Future::Lowest,
            (_, a, b) if a.is_known() && b.is_known() => Future::Known,
            _ => Future::Unknown,
        }
    }

    /// Of a sum or a difference with one number for all positions, also those that are not later; the number is the second operand or
    /// the first.
    pub(super) fn shifted(op: Binary, number: f64, x: Future, is_first: bool) -> Future {
        let number = Future::Constant(number);
        match (x, is_first) {
            (Future::Unknown, _) => Future::Unknown,
            (Future::Lowest, _) => {
                let shift = Future::binary(op, Future::Constant(0.0), number);
                let stays = is_first || op == Binary::Add;
                if stays && matches!(shift, Future::Constant(c) if c < -LOWEST / 2.0) { x } else { Future::Unknown }
            }
            (_, true) => Future::binary(op, x, number),
            (_, false) => Future::binary(op, number, x),
        }
    }

    /// Of a choice.
    pub(super) fn select(condition: Future, a: Future, b: Future) -> Future {
        match condition {
            Future::Constant(0.0) => b,
            Future::Constant(_) => a,
            _ => Future::either(a, b, condition.is_known()),
        }
    }

    fn either(a: Future, b: Future, known: bool) -> Future {
        match (a, b) {
            (Future::Constant(x), Future::Constant(y)) if x == y => a,
            (a, b) if a.is_lowest() && b.is_lowest() => Future::Lowest,
            (a, b) if known && a.is_known() && b.is_known() => Future::Known,
            _ => Future::Unknown,
        }
    }

    /// Of tensors side by side.
    pub(super) fn beside(parts: impl IntoIterator<Item = Future>) -> Future {
        parts.into_iter().reduce(|a, b| Future::either(a, b, true)).unwrap_or(Future::Known)
    }

    /// Of what is combined along other axes.
    pub(super) fn reduced(how: Reduction, x: Future) -> Future {
        match (how, x) {
            (Reduction::Sum, Future::Constant(0.0)) | (_, Future::Known) => x,
            (Reduction::Sum, Future::Constant(_)) => Future::Known,
            (Reduction::Maximum | Reduction::Minimum, Future::Constant(_)) => x,
            (Reduction::Maximum, Future::Lowest) => x,
            _ => Future::Unknown,
        }
    }

    /// Of a sum of products in which positions are not summed over.
    pub(super) fn product(a: Future, b: Future) -> Future {
        match Future::binary(Binary::Multiply, a, b) {
            Future::Constant(c) if c != 0.0 => Future::Known,
            of_one => of_one,
        }
    }

    /// Whether later entries do not matter where all are combined.
    pub(super) fn may_be_reduced(self, how: Reduction) -> bool {
        self.is_known() || (how == Reduction::Maximum && self.is_lowest())
    }

    /// Whether they do not matter in a sum of products.
    pub(super) fn may_be_summed(a: Future, b: Future) -> bool {
        Future::binary(Binary::Multiply, a, b).is_known()
    }
}
