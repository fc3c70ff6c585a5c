//! The arguments of one call, bound to the parameters of its function.

use std::collections::BTreeMap;

use nn_kernels::graph::NodeId;
use nn_kernels::layers::{Counting, Init, Target};
use nn_kernels::network::{Constraint, Group, Penalty};
use nn_kernels::shape::{Margins, Padding, PerAxis};

use super::Kind;
use crate::diagnostics::Place;

/// Arguments by parameter. The kinds have been checked: asking for another kind than the table says is a bug in the table.
#[derive(Debug, Default)]
pub struct Arguments {
    /// Those that the call gives, and defaults.
    pub bound: BTreeMap<&'static str, Bound>,
    /// Where the call gives them.
    pub places: BTreeMap<&'static str, Place>,
}

/// One argument.
#[derive(Clone, Debug)]
pub enum Bound {
    /// A tensor of plain numbers.
    Tensor(NodeId),
    /// What a prediction is compared with.
    Target(Target),
    /// Several tensors.
    Tensors(Vec<NodeId>),
    /// A count or an axis.
    Integer(i64),
    /// Axes or dimensions.
    Integers(Vec<i64>),
    /// One number for all axes, or one for each.
    PerAxis(PerAxis),
    /// The padding of a convolution.
    Padding(Padding),
    /// What surrounds a tensor.
    Margins(Margins),
    /// A number.
    Number(f64),
    /// Numbers.
    Numbers(Vec<f64>),
    /// `true` or `false`.
    Flag(bool),
    /// A word or a name.
    Word(String),
    /// An initializer.
    Init(Init),
    /// A regularizer.
    Regularizer(Penalty),
    /// A constraint.
    Constraint(Constraint),
    /// Patterns of names.
    Patterns(Vec<String>),
    /// Groups of parameters.
    Groups(Vec<Group>),
}

impl Bound {
    /// A whole number as an argument of this kind.
    pub fn integer(n: i64, kind: Kind) -> Self {
        let numbers = || PerAxis::All(usize::try_from(n).unwrap_or(usize::MAX));
        match kind {
            Kind::PerAxis(_) => Bound::PerAxis(numbers()),
            Kind::Padding => Bound::Padding(Padding::Numbers(numbers())),
            _ => Bound::Integer(n),
        }
    }
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $pattern:pat => $value:expr, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&self, name: &str) -> $type {
            match self.bound.get(name) {
                Some($pattern) => $value,
                other => unreachable!("argument `{name}` is {other:?}"),
            }
        }
    };
}

impl Arguments {
    getter!(
        /// A [`Bound::Tensor`].
        tensor, Bound::Tensor(node) => *node, NodeId
    );
    getter!(
        /// A [`Bound::Target`].
        target, Bound::Target(target) => *target, Target
    );
    getter!(
        /// A [`Bound::Tensors`].
        tensors, Bound::Tensors(nodes) => nodes, &[NodeId]
    );
    getter!(
        /// A [`Bound::Integer`].
        integer, Bound::Integer(n) => *n, i64
    );
    getter!(
        /// A [`Bound::Integer`] that is a count.
        count, Bound::Integer(n) => *n as usize, usize
    );
    getter!(
        /// A [`Bound::Integers`].
        integers, Bound::Integers(list) => list, &[i64]
    );
    getter!(
        /// A [`Bound::PerAxis`].
        per_axis, Bound::PerAxis(numbers) => numbers, &PerAxis
    );
    getter!(
        /// A [`Bound::Padding`].
        padding, Bound::Padding(padding) => padding, &Padding
    );
    getter!(
        /// A [`Bound::Margins`].
        margins, Bound::Margins(margins) => margins, &Margins
    );
    getter!(
        /// A [`Bound::Number`].
        number, Bound::Number(x) => *x, f64
    );
    getter!(
        /// A [`Bound::Flag`].
        flag, Bound::Flag(flag) => *flag, bool
    );
    getter!(
        /// A [`Bound::Word`].
        word, Bound::Word(word) => word, &str
    );

    getter!(
        /// A [`Bound::Patterns`].
        patterns, Bound::Patterns(patterns) => patterns, &[String]
    );

    /// A [`Bound::Groups`] that may be missing.
    pub fn groups(&self, name: &str) -> Vec<Group> {
        match self.bound.get(name) {
            Some(Bound::Groups(groups)) => groups.clone(),
            _ => vec![],
        }
    }

    /// A tensor of classes, and how many there are.
    pub fn tokens(&self, name: &str) -> (NodeId, usize) {
        match self.target(name) {
            Target::Classes { node, classes } => (node, classes),
            values => unreachable!("argument `{name}` is {values:?}"),
        }
    }

    /// As [`Arguments::tokens`], for what may be missing.
    pub fn tokens_or_none(&self, name: &str) -> Option<(NodeId, usize)> {
        self.bound.contains_key(name).then(|| self.tokens(name))
    }

    /// A [`Bound::Tensor`] that may be missing.
    pub fn tensor_or_none(&self, name: &str) -> Option<NodeId> {
        self.bound.contains_key(name).then(|| self.tensor(name))
    }

    /// A [`Bound::Number`] that may be missing.
    pub fn number_or_none(&self, name: &str) -> Option<f64> {
        self.bound.contains_key(name).then(|| self.number(name))
    }

    /// [`Bound::Numbers`] that may be missing.
    pub fn numbers(&self, name: &str) -> Option<&[f64]> {
        match self.bound.get(name) {
            Some(Bound::Numbers(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// A [`Bound::Integer`] that may be missing.
    pub fn integer_or_none(&self, name: &str) -> Option<i64> {
        self.bound.contains_key(name).then(|| self.integer(name))
    }

    /// Which positions count, as `mask` and `ignore_index` say.
    pub fn counting(&self) -> Counting {
        let mask = match self.bound.get("mask") {
            Some(Bound::Tensor(mask)) => Some(*mask),
            _ => None,
        };
        Counting { mask, ignore_index: self.integer_or_none("ignore_index") }
    }

    /// What a prediction is compared with, of whatever kind.
    pub fn compared(&self) -> Target {
        match self.bound.get("target") {
            Some(Bound::Target(target)) => *target,
            _ => Target::Values(self.tensor("target")),
        }
    }

    /// A [`Bound::Init`] that may be missing.
    pub fn init(&self, name: &str) -> Option<Init> {
        match self.bound.get(name) {
            Some(Bound::Init(init)) => Some(init.clone()),
            _ => None,
        }
    }

    /// A [`Bound::Regularizer`] that may be missing.
    pub fn regularizer(&self, name: &str) -> Option<Penalty> {
        match self.bound.get(name) {
            Some(Bound::Regularizer(penalty)) => Some(*penalty),
            _ => None,
        }
    }

    /// A [`Bound::Constraint`] that may be missing.
    pub fn constraint(&self, name: &str) -> Option<Constraint> {
        match self.bound.get(name) {
            Some(Bound::Constraint(constraint)) => Some(*constraint),
            _ => None,
        }
    }

    /// What `axis` or `axes` say, if they are given.
    pub fn axes(&self) -> Option<&[i64]> {
        let given = ["axis", "axes"].into_iter().find(|name| self.bound.contains_key(name));
        given.map(|name| self.integers(name))
    }
}
