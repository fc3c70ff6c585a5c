//! Connectionist temporal classification: the loss of a sequence of labels of which it is not known where each of them stands.
//!
//! Graves, Fernández, Gomez and Schmidhuber, 2006: a path says one class at each step, and spells what remains of it when repetitions
//! are merged and blanks are removed. The loss is -log of the sum over all paths that spell the labels. The sum is a recursion over
//! the steps, so it is a loop with two states: the logarithms of the sums over all paths that have said the first `i` labels and
//! stand on the blank behind them (`i` from 0 to all of them), and of those that stand on label `i`. The gradient is that of the loop.
//!
//! What is impossible has the logarithm [`NEVER`], a finite number, so that no difference of two of them is NaN.

use super::classes::one_hot;
use crate::graph::{Binary, Graph, NodeId, Reduction, Shape, Unary};
use crate::layers::embedding::positions_below;
use crate::layers::{log_softmax, matmul};
use crate::shape::{self, Fact, SequenceFact};

/// The logarithm of what never happens. Those of what may are far above it, however long the sequence.
const NEVER: f64 = -1e30;

/// The options of [`ctc`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Ctc {
    /// The class that says nothing; negative ones count from the end.
    pub blank: i64,
    /// How many of the steps are there, and how many classes this number has; all of them if it is not given.
    pub input_length: Option<(NodeId, usize)>,
    /// How many of the labels are there; those that are not `blank` if it is not given.
    pub target_length: Option<(NodeId, usize)>,
    /// Whether the loss of labels that no path spells is 0 instead of infinite.
    pub zero_infinity: bool,
}

/// -log p(labels | logits) / number of labels (or 1, if there are none) of `logits [steps, classes]` and `labels [labels]`.
///
/// A softmax along the last axis comes first, so that log-probabilities are logits as good as any. Labels that no path spells (there are
/// too few steps) have an infinite loss, or 0 with `zero_infinity`, and no gradient.
pub fn ctc(g: &mut Graph, logits: NodeId, labels: (NodeId, usize), options: &Ctc) -> Result<NodeId, Fact> {
    let [steps, classes] = shape::length_and_features(0, &g.shape(logits).dims)?;
    let &[count] = g.shape(labels.0).dims.as_slice() else {
        return Err(SequenceFact::Labels { shape: g.shape(labels.0).dims.clone(), classes: labels.1 }.into());
    };
    let blank = blank_class(options.blank, classes, labels.1)?;
    let labels = labels.0;
    let target_length = match options.target_length {
        Some((length, classes)) => {
            shape::length_up_to("target_length", &g.shape(length).dims, classes, count)?;
            length
        }
        None => others(g, labels, blank),
    };
    let running = match options.input_length {
        Some((length, classes)) => {
            shape::length_up_to("input_length", &g.shape(length).dims, classes, steps)?;
            Some(positions_below(g, length, steps))
        }
        None => None,
    };

    let (of_blank, of_labels) = log_probabilities(g, logits, labels, blank)?;
    let ends = paths(g, [of_blank, of_labels], labels, running);
    let log_p = spelled(g, ends, target_length);

    // The mean over the labels, as PyTorch's `reduction = "mean"`.
    let loss = g.unary(Unary::Negate, log_p);
    let one = g.filled(1.0, &g.shape(target_length).clone());
    let divisor = g.binary(Binary::Maximum, target_length, one);
    let mean = g.div(loss, divisor);
    let shape = g.shape(mean).clone();
    let bound = g.filled(-NEVER / 10.0, &shape);
    let loss = g.broadcast(loss, &shape);
    let impossible = g.binary(Binary::LessEqual, bound, loss);
    let instead = if options.zero_infinity {
        g.filled(0.0, &shape)
    } else {
        // Beyond what f32 holds: infinite.
        let unseen = g.detach(loss);
        g.scale(unseen, -NEVER)
    };
    Ok(g.select(impossible, instead, mean))
}

/// The number of the blank among the classes of the logits. Labels have as many classes, or lack only a blank that is the last one.
fn blank_class(blank: i64, classes: usize, of_labels: usize) -> Result<usize, Fact> {
    let index = if blank < 0 { blank + classes as i64 } else { blank };
    let index = usize::try_from(index).ok().filter(|index| *index < classes);
    let Some(index) = index else { return Err(SequenceFact::Blank { blank, classes }.into()) };
    if of_labels == classes || of_labels + 1 == classes && index == of_labels {
        return Ok(index);
    }
    Err(SequenceFact::Spelling { classes, of_labels, blank: index }.into())
}

/// How many of the labels are not this class.
fn others(g: &mut Graph, labels: NodeId, class: usize) -> NodeId {
    let shape = g.shape(labels).clone();
    let class = g.filled(class as f64, &shape);
    let (zero, one) = (g.filled(0.0, &shape), g.filled(1.0, &shape));
    let is_class = g.binary(Binary::Equal, labels, class);
    let other = g.select(is_class, zero, one);
    g.sum_sample(other)
}

/// The logarithms of the probabilities at each step: of the blank, `[steps, 1]`, and of each label, `[steps, labels]`.
fn log_probabilities(g: &mut Graph, logits: NodeId, labels: NodeId, blank: usize) -> Result<(NodeId, NodeId), Fact> {
    let all = log_softmax(g, logits, -1)?;
    // What is impossible at a step must stay a number when it is multiplied by 0.
    let never = g.filled(NEVER, &g.shape(all).clone());
    let all = g.binary(Binary::Maximum, all, never);
    let [steps, classes] = shape::length_and_features(0, &g.shape(all).dims)?;
    let of_blank = g.slice(all, &[0, blank], &[steps, 1]);
    let count = g.shape(labels).size();
    let like = g.filled(0.0, &Shape { batch: g.shape(labels).batch, dims: vec![classes, count] });
    let is_label = one_hot(g, labels, 0, like);
    Ok((of_blank, matmul(g, all, is_label)?))
}

/// The recursion over the steps: the logarithms of the sums over all paths, by where they end: on the blank behind the first `i` labels,
/// `[labels + 1]`, and on label `i`, `[labels]`. Steps that do not run change nothing.
fn paths(g: &mut Graph, log_p: [NodeId; 2], labels: NodeId, running: Option<NodeId>) -> [NodeId; 2] {
    let [of_blank, of_labels] = log_p;
    let (steps, count) = (g.shape(of_labels).dims[0], g.shape(of_labels).dims[1]);
    let [on_blanks, on_labels] = [count + 1, count].map(|n| Shape { batch: true, dims: vec![n] });

    // A path may go from one label to the next without a blank between them if they differ.
    let before = if count > 1 {
        let before = g.slice(labels, &[0], &[count - 1]);
        let first = g.filled(-1.0, &Shape { batch: g.shape(labels).batch, dims: vec![1] });
        g.concat(&[first, before], 0)
    } else {
        g.filled(-1.0, &g.shape(labels).clone())
    };
    let repeats = g.binary(Binary::Equal, labels, before);
    let repeats = g.broadcast(repeats, &on_labels);

    // In front of the first step, only the path that has said nothing is there.
    let place = g.iota(0, &on_blanks);
    let place = g.broadcast(place, &on_blanks);
    let [zero, never] = [0.0, NEVER].map(|x| g.filled(x, &on_blanks));
    let nothing_said = g.binary(Binary::Equal, place, zero);
    let begin = g.select(nothing_said, zero, never);
    let nowhere = g.filled(NEVER, &on_labels);

    let time = g.begin_loop(steps, false);
    let (b, l) = (g.carry(time, begin), g.carry(time, nowhere));
    let [p_blank, p_labels] = [of_blank, of_labels].map(|all| g.at(time, all));
    let from_label = behind_never(g, l);
    let new_b = log_add(g, &[b, from_label]);
    let new_b = g.add2(new_b, p_blank);
    let from_blank = g.slice(b, &[0], &[count]);
    let skipping = g.slice(from_label, &[0], &[count]);
    let skipping = g.select(repeats, nowhere, skipping);
    let new_l = log_add(g, &[l, from_blank, skipping]);
    let new_l = g.add2(new_l, p_labels);
    let next = [(b, new_b), (l, new_l)].map(|(old, new)| match running {
        None => (old, new),
        Some(running) => {
            let runs = g.at(time, running);
            let runs = g.broadcast(runs, &g.shape(old).clone());
            (old, g.select(runs, new, old))
        }
    });
    let ends = g.end_loop(time, &next);
    [ends[0], ends[1]]
}

/// The logarithm of the sum over the paths that have said so many labels and no others, whether they end on the last of them or on the
/// blank behind it.
fn spelled(g: &mut Graph, [on_blanks, on_labels]: [NodeId; 2], count: NodeId) -> NodeId {
    let all = behind_never(g, on_labels);
    let all = log_add(g, &[on_blanks, all]);
    let shape = g.shape(all).clone();
    let place = g.iota(0, &shape);
    let place = g.broadcast(place, &shape);
    let count = g.broadcast(count, &shape);
    let is_end = g.binary(Binary::Equal, place, count);
    let zero = g.filled(0.0, &shape);
    let end = g.select(is_end, all, zero);
    g.reduce(Reduction::Sum, end, &[0], false)
}

/// What belongs to label `i` at place `i + 1`; nothing comes before the first label.
fn behind_never(g: &mut Graph, on_labels: NodeId) -> NodeId {
    let never = g.filled(NEVER, &Shape { batch: true, dims: vec![1] });
    g.concat(&[never, on_labels], 0)
}

/// The logarithm of the sum of what these are logarithms of.
fn log_add(g: &mut Graph, logarithms: &[NodeId]) -> NodeId {
    let largest = logarithms.iter().copied().reduce(|a, b| g.binary(Binary::Maximum, a, b));
    let Some(largest) = largest else { unreachable!("there is something to add") };
    // Its gradient would cancel.
    let largest = g.detach(largest);
    let mut sum = None;
    for &x in logarithms {
        let x = g.sub(x, largest);
        let e = g.unary(Unary::Exp, x);
        sum = Some(sum.map_or(e, |sum| g.add2(sum, e)));
    }
    let Some(sum) = sum else { unreachable!("there is something to add") };
    let log = g.unary(Unary::Log, sum);
    g.add2(log, largest)
}
