//! Losses: one scalar for each sample, the mean over its elements (for classes, over its positions).
//!
//! The compiler takes the mean over the batch, so that the result is that of PyTorch's `reduction = "mean"`. Losses never
//! broadcast: operands of different shapes are a [`Fact`].
//!
//! - [`numbers`] and [`classes`] give a value for each position;
//! - [`ctc`] gives one for a whole sequence;
//! - [`positions`] makes means of them, of all positions or of those that count.

mod classes;
mod ctc;
mod numbers;
mod positions;
mod terms;

use crate::graph::{Graph, NodeId, Shape};
use crate::shape::{self, Fact};

pub(super) use classes::{binary_target, class_axis, one_hot};
pub use ctc::{Ctc, ctc};
pub use positions::{Counting, Positions, weighted_mean};
pub use terms::{Term, is_counted, terms};

/// Losses before their mean: a value for each position.
pub mod losses {
    pub use super::classes::{
        binary_cross_entropy, binary_cross_entropy_with_logits, binary_cross_entropy_with_pos_weight, cross_entropy,
        hinge,
    };
    pub use super::numbers::{
        cosine_similarity, huber, kl_divergence, log_cosh, mae, mape, mse, poisson_nll, smooth_l1,
    };
    pub use crate::layers::segment::focal_loss;
}

/// What a prediction is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Class indices: a value of type `class(classes)` or `class(classes)[dims]`.
    Classes {
        /// The indices.
        node: NodeId,
        /// How many classes there are.
        classes: usize,
    },
    /// Plain numbers: regression values, one-hot or soft classes, probabilities, ±1.
    Values(NodeId),
}

/// A value that is to be minimized: it must be a scalar. The result has one for each sample.
pub fn per_sample_loss(g: &mut Graph, x: NodeId) -> Result<NodeId, Fact> {
    shape::scalar(&g.shape(x).dims)?;
    Ok(g.broadcast(x, &Shape::batched(&[])))
}

/// Functions that are the mean of all positions of those in [`losses`].
macro_rules! means {
    ($($name:ident($($argument:ident: $type:ty),*);)+) => {
        $(
            #[doc = concat!("The mean of [`losses::", stringify!($name), "`] over a sample.")]
            pub fn $name(g: &mut Graph, prediction: NodeId, $($argument: $type),*) -> Result<NodeId, Fact> {
                losses::$name(g, prediction, $($argument),*).map(|positions| positions.mean(g))
            }
        )+
    };
}

means! {
    mse(target: NodeId);
    mae(target: NodeId);
    huber(target: NodeId, delta: f64);
    smooth_l1(target: NodeId, beta: f64);
    log_cosh(target: NodeId);
    kl_divergence(target: NodeId, log_target: bool);
    poisson_nll(target: NodeId, log_input: bool, full: bool, eps: f64);
    binary_cross_entropy(target: Target);
    binary_cross_entropy_with_logits(target: Target);
    binary_cross_entropy_with_pos_weight(target: Target, pos_weight: f64);
    hinge(target: Target);
    focal_loss(target: Target, gamma: f64, alpha: Option<f64>, axis: Option<i64>);
}

/// The mean of [`losses::cross_entropy`] over a sample, of classes and positions that count alike.
pub fn cross_entropy(
    g: &mut Graph,
    logits: NodeId,
    target: Target,
    axis: i64,
    label_smoothing: f64,
) -> Result<NodeId, Fact> {
    let positions = losses::cross_entropy(g, logits, target, axis, label_smoothing, None, Counting::default())?;
    Ok(positions.mean(g))
}
