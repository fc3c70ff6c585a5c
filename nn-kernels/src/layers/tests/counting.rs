//! What counts: means over positions by masks and ignored classes, and what is made of them over several batches.

use super::*;
use crate::compile::{Options, compile};
use crate::graph::Unary;
use crate::network::{Field, MetricDeclaration};
use crate::plan::LossTerm;

fn classes(g: &mut Graph, i: usize, dims: &[usize], classes: usize) -> Target {
    Target::Classes { node: field(g, i, dims), classes }
}

fn mask(node: NodeId) -> Counting {
    Counting { mask: Some(node), ignore_index: None }
}

fn ignoring(index: i64) -> Counting {
    Counting { mask: None, ignore_index: Some(index) }
}

/// Of two samples of two positions each; a mask of the first axis is for both numbers of a position.
#[test]
fn the_mean_is_over_all_that_counts_in_the_batch() {
    let mut g = Graph::new();
    let (x, t, m) = (field(&mut g, 0, &[2, 2]), field(&mut g, 1, &[2, 2]), field(&mut g, 2, &[2]));
    let errors = losses::mse(&mut g, x, t).unwrap().counting(&mut g, Target::Values(t), mask(m)).unwrap();
    let y = errors.mean(&mut g);
    let xs = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    let ms = [1.0, 0.5, 0.0, 2.0];
    let per_sample = value(&g, y, 2, &[&xs, &[0.0; 8], &ms], true);
    let sum = (1.0 + 4.0) + 0.5 * (9.0 + 16.0) + 2.0 * (49.0 + 64.0);
    close(&[(per_sample[0] + per_sample[1]) / 2.0], &[sum / 7.0]);
    // One position is the mean of its own; without any, nothing is lost.
    close(&value(&g, y, 1, &[&xs[..4], &[0.0; 4], &[0.0, 3.0]], true), &[(9.0 + 16.0) / 2.0]);
    close(&value(&g, y, 1, &[&xs[..4], &[0.0; 4], &[0.0, 0.0]], true), &[0.0]);
    // A mask of one number for each sample weighs samples.
    let w = field(&mut g, 3, &[]);
    let errors = losses::mse(&mut g, x, t).unwrap().counting(&mut g, Target::Values(t), mask(w)).unwrap();
    let y = errors.mean(&mut g);
    let weighed = value(&g, y, 2, &[&xs, &[0.0; 8], &ms, &[3.0, 1.0]], true);
    close(&[(weighed[0] + weighed[1]) / 2.0], &[(3.0 * 30.0 + 174.0) / 16.0]);
}

#[test]
fn ignored_classes_are_compared_with_nothing() {
    let mut g = Graph::new();
    let x = field(&mut g, 0, &[2, 3]);
    let target = classes(&mut g, 1, &[2], 3);
    let surprise = losses::cross_entropy(&mut g, x, target, -1, 0.0, None, ignoring(1)).unwrap().mean(&mut g);
    let right = right(&mut g, x, target, -1, None, ignoring(1)).unwrap().mean(&mut g);
    let xs = [0.0, 0.0, 0.0, 9.0, 0.0, 0.0];
    close(&value(&g, surprise, 1, &[&xs, &[2.0, 1.0]], true), &[3.0_f64.ln()]);
    close(&value(&g, right, 1, &[&xs, &[1.0, 0.0]], true), &[1.0]);
    close(&value(&g, right, 1, &[&xs, &[0.0, 1.0]], true), &[1.0]);
    close(&value(&g, right, 1, &[&xs, &[1.0, 1.0]], true), &[0.0]);
    // The last class of a label may lack its logit where it is ignored, and only there.
    let more = classes(&mut g, 1, &[2], 4);
    assert!(losses::cross_entropy(&mut g, x, more, -1, 0.0, None, ignoring(3)).is_ok());
    for counting in [Counting::default(), ignoring(2)] {
        let fact = losses::cross_entropy(&mut g, x, more, -1, 0.0, None, counting).unwrap_err();
        assert!(matches!(fact, Fact::Classes { .. }), "{fact:?}");
    }
}

#[test]
fn what_cannot_count_is_told() {
    let mut g = Graph::new();
    let (x, t) = (field(&mut g, 0, &[2, 3]), field(&mut g, 1, &[2, 3]));
    let target = classes(&mut g, 2, &[2], 3);
    let wide = field(&mut g, 3, &[3]);
    let fact = losses::mse(&mut g, x, t).unwrap().counting(&mut g, Target::Values(t), mask(wide)).unwrap_err();
    assert_eq!(fact, Fact::Mask { mask: vec![3], positions: vec![2, 3] });
    let fact = losses::cross_entropy(&mut g, x, target, -1, 0.0, None, mask(t)).unwrap_err();
    assert_eq!(fact, Fact::Mask { mask: vec![2, 3], positions: vec![2] });
    for index in [-1, 3] {
        let fact = top_k_accuracy(&mut g, x, target, 1, -1, ignoring(index)).unwrap_err();
        assert!(matches!(fact, Fact::Option { name: "ignore_index", .. }), "{fact:?}");
    }
    let fact = losses::cross_entropy(&mut g, x, Target::Values(t), -1, 0.0, None, ignoring(0)).unwrap_err();
    assert_eq!(fact, Fact::IgnoredNumbers);
}

/// Nothing is learned through a mask, even if it is computed from what is learned.
#[test]
fn masks_have_no_gradient() {
    let mut g = Graph::new();
    let (x, t) = (field(&mut g, 0, &[2]), field(&mut g, 1, &[2]));
    let errors = losses::mse(&mut g, x, t).unwrap().counting(&mut g, Target::Values(t), mask(x)).unwrap();
    let y = errors.mean(&mut g);
    let one = g.filled(1.0, &Shape::batched(&[]));
    let gradient = crate::autodiff::gradients(&mut g, y, one, &[x])[0].unwrap();
    // x = (1, 3): Σ m d² / Σ m with m = x held fast.
    close(&value(&g, gradient, 1, &[&[1.0, 3.0], &[0.0, 1.0]], true), &[2.0 / 4.0, 3.0 * 2.0 * 2.0 / 4.0]);
}

fn network(loss: impl Fn(&mut Graph, NodeId, Target) -> NodeId) -> Network {
    let mut n = Network { name: "N".into(), inputs: 1, ..Network::default() };
    for (name, dims, classes) in [("x", vec![2, 3], None), ("y", vec![2], Some(3))] {
        n.fields.push(Field { name: name.into(), dims, classes });
    }
    let x = field(&mut n.graph, 0, &[2, 3]);
    let target = classes(&mut n.graph, 1, &[2], 3);
    n.loss = Some(loss(&mut n.graph, x, target));
    n.metrics = vec![mean_metric(&mut n.graph, "loss", n.loss.unwrap()).unwrap()];
    n
}

/// Where positions count differently, a step leaves what they count; elsewhere, nothing more than before.
#[test]
fn steps_leave_what_their_loss_counts_only_where_that_differs() {
    let kinds = |n: &Network| n.metrics.iter().map(|m: &MetricDeclaration| m.kind).collect::<Vec<_>>();
    let n = network(|g, x, t| losses::cross_entropy(g, x, t, -1, 0.0, None, ignoring(0)).unwrap().mean(g));
    let plan = compile(&n, &Options::default());
    assert_eq!((plan.loss_terms, kinds(&n)), (vec![LossTerm { value: 0, weight: 3 }], vec![MetricKind::Ratio]));
    assert_eq!(plan.evaluate.unwrap().result_floats, 4);
    let n = network(|g, x, t| cross_entropy(g, x, t, -1, 0.0).unwrap());
    let plan = compile(&n, &Options::default());
    assert_eq!((plan.loss_terms, kinds(&n)), (vec![], vec![MetricKind::Mean]));
    assert_eq!(plan.evaluate.unwrap().result_floats, 2);
    // A part of such a mean counts as much; of a sum, each term counts as it does.
    let n = network(|g, x, t| {
        let mean = losses::cross_entropy(g, x, t, -1, 0.0, None, ignoring(0)).unwrap().mean(g);
        g.scale(mean, 0.5)
    });
    let plan = compile(&n, &Options::default());
    assert_eq!((plan.loss_terms, kinds(&n)), (vec![LossTerm { value: 0, weight: 3 }], vec![MetricKind::SumOfRatios]));
    let n = network(|g, x, t| {
        let [a, b, c] =
            [0, 1, 0].map(|class| losses::cross_entropy(g, x, t, -1, 0.0, None, ignoring(class)).unwrap().mean(g));
        let plain = cross_entropy(g, x, t, -1, 0.1).unwrap();
        let (a, twice) = (g.scale(a, 0.5), g.scale(c, 2.0));
        let both = g.sub(a, b);
        let three = g.add2(both, twice);
        g.add2(three, plain)
    });
    let plan = compile(&n, &Options::default());
    let expected = vec![LossTerm { value: 7, weight: 8 }, LossTerm { value: 9, weight: 10 }];
    assert_eq!((plan.loss_terms, kinds(&n)), (expected, vec![MetricKind::SumOfRatios]));
    // Nobody can average a root over batches.
    let (mut g, x, t) = counted();
    let mean = losses::cross_entropy(&mut g, x, t, -1, 0.0, None, ignoring(0)).unwrap().mean(&mut g);
    let root = g.unary(Unary::Sqrt, mean);
    assert_eq!(terms(&mut g, root), Err(Fact::CurvedMean));
}

fn counted() -> (Graph, NodeId, Target) {
    let mut g = Graph::new();
    let x = field(&mut g, 0, &[2, 3]);
    let target = classes(&mut g, 1, &[2], 3);
    (g, x, target)
}
