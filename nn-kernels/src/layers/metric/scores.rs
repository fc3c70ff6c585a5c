//! Scores of samples beside their truths, for curves over all thresholds.

use crate::graph::{Graph, NodeId, Shape};
use crate::layers::loss::{Counting, Target, binary_target};
use crate::layers::movement::output;
use crate::network::{MetricDeclaration, MetricKind, Summary};
use crate::shape::{self, Fact};

/// How many numbers of each sample the host may get for one metric.
const NUMBERS: usize = 1 << 16;

/// Scores and truths of all samples, as the host needs them for a curve or what is under it.
///
/// - Against `class(2)`, or numbers (true above 0.5) where the last axis has size 1 or there is none: one score for each, or along
///   `axis` (-1 by default) two, of which class 1 has the second.
/// - Against more classes, along `axis` each class has a score against all others.
/// - Against numbers of the same shape, each index along `axis` is a class, whose number is true above 0.5.
///
/// A decision counts once, or not at all where its mask is 0.
pub fn scores(
    g: &mut Graph,
    name: &str,
    prediction: NodeId,
    target: Target,
    axis: i64,
    summary: Summary,
    counting: Counting,
) -> Result<MetricDeclaration, Fact> {
    let dims = g.shape(prediction).dims.clone();
    let one_number = matches!(dims.last(), None | Some(1));
    let mut indexed = false;
    let (scores, truths, classes) = match target {
        Target::Classes { node, classes: 2 } if one_number || g.shape(node).dims == dims => {
            let truth = binary_target(g, prediction, target)?;
            (prediction, known(g, truth, target, counting)?, 1)
        }
        Target::Classes { node, classes } => {
            let axis = shape::classes(&dims, axis, &g.shape(node).dims, classes)?;
            let scores = last(g, prediction, axis);
            let truth = known(g, node, target, counting)?;
            if classes == 2 {
                (second(g, scores), truth, 1)
            } else {
                indexed = true;
                (scores, truth, classes)
            }
        }
        Target::Values(t) => {
            shape::same(&dims, &g.shape(t).dims)?;
            let t = known(g, t, target, counting)?;
            if one_number {
                (prediction, t, 1)
            } else {
                let axis = shape::axis(axis, &dims)?;
                (last(g, prediction, axis), last(g, t, axis), dims[axis])
            }
        }
    };
    let positions = g.shape(scores).size() / classes;
    let mut numbers = 0;
    let samples = [scores, truths].map(|x| {
        let size = g.shape(x).size();
        numbers += size;
        let flat = g.reshape(x, &[size]);
        output(g, flat)
    });
    if numbers > NUMBERS {
        return Err(Fact::TooMuchToKeep { what: "numbers of each sample", numbers, limit: NUMBERS });
    }
    let kind = MetricKind::Scores { summary, classes, positions, indexed };
    Ok(MetricDeclaration::of_samples(name, kind, samples.to_vec()))
}

/// The truths, and in the place of those that do not count a number that the host knows to be none.
fn known(g: &mut Graph, truth: NodeId, target: Target, counting: Counting) -> Result<NodeId, Fact> {
    /// Below it, a truth is none.
    const NONE: f64 = -1e30;
    let dims = g.shape(truth).dims.clone();
    let Some(counts) = counting.weights(g, target, &dims)? else { return Ok(truth) };
    let shape = Shape { batch: g.shape(truth).batch || g.shape(counts).batch, dims };
    let (truth, counts) = (g.broadcast(truth, &shape), g.broadcast(counts, &shape));
    let none = g.filled(NONE, &shape);
    Ok(g.select(counts, truth, none))
}

/// With an axis behind all others.
fn last(g: &mut Graph, x: NodeId, axis: usize) -> NodeId {
    let rank = g.shape(x).rank();
    let order: Vec<usize> = (0..rank).filter(|&a| a != axis).chain([axis]).collect();
    g.permute(x, &order)
}

/// The second of two numbers along the last axis.
fn second(g: &mut Graph, x: NodeId) -> NodeId {
    let mut dims = g.shape(x).dims.clone();
    let mut starts = vec![0; dims.len()];
    let last = dims.len() - 1;
    (starts[last], dims[last]) = (1, 1);
    g.slice(x, &starts, &dims)
}
