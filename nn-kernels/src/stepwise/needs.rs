//! What a node in some form is made of.

use super::accesses::{Read, reads, source_axis};
use super::class::Class;
use super::{Form, Obstacle, Reason, obstacle};
use crate::graph::{Graph, NodeId, Op};

/// How a node is made in some form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// By its operation, of arguments in the forms that follow from this one.
    Itself,
    /// All rows so far, of this position's row and of what is kept.
    Kept,
    /// One row of it, by the position's number, of the same without this axis of time.
    Picked,
}

/// How a node is made in a form.
pub(super) fn made(graph: &Graph, classes: &[Class], id: NodeId, form: Form) -> Made {
    let class = &classes[id.index()];
    let ordinary = form.time.filter(|axis| !class.axes().contains(axis));
    if let Some(axis) = ordinary {
        return if passes(graph, id, axis) { Made::Itself } else { Made::Picked };
    }
    let is_history = |axis: usize| class.axes().contains(&axis);
    match (class, form) {
        // Before it is broadcast, it is smaller.
        (Class::Timed(_), Form { time: None, history: Some(axis) }) if is_history(axis) => {
            if graph.node(id).op == Op::Broadcast { Made::Itself } else { Made::Kept }
        }
        _ => Made::Itself,
    }
}

/// Whether one row along an axis can be made of one row of the arguments.
fn passes(graph: &Graph, id: NodeId, axis: usize) -> bool {
    let node = graph.node(id);
    let is_there = |argument| source_axis(graph, id, argument, axis).is_some();
    match &node.op {
        Op::Constant(_) | Op::Iota(_) | Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Detach => true,
        Op::Broadcast | Op::Permute(_) => true,
        Op::Reshape | Op::Slice(_) | Op::Reduce { .. } => is_there(0),
        Op::Concat(along) => *along != axis,
        Op::Gather => is_there(1),
        Op::Contract(_) => (0..2).all(|argument| {
            let reads = reads(graph, node, argument);
            let uses = |read: &&Read| matches!(read, Read::Axis(a) | Read::Window { axis: a, .. } if *a == axis);
            let is_plain = reads.iter().all(|read| matches!(read, Read::Axis(_) | Read::Summed));
            is_plain && reads.iter().filter(uses).count() <= 1
        }),
        _ => false,
    }
}

/// The arguments of a node in some form, in their forms. For what is kept or picked: the node itself in another form.
pub(super) fn needs(graph: &Graph, classes: &[Class], id: NodeId, form: Form) -> Result<Vec<(NodeId, Form)>, Obstacle> {
    let is_open = |axis: &&usize| form.time != Some(**axis) && form.history != Some(**axis);
    if classes[id.index()].axes().iter().any(|axis| is_open(&axis)) {
        return Err(obstacle(graph, id, Reason::LooksAhead));
    }
    match made(graph, classes, id, form) {
        Made::Kept => Ok(vec![(id, Form { time: form.history, history: None })]),
        Made::Picked => Ok(vec![(id, Form { time: None, ..form })]),
        Made::Itself => arguments(graph, classes, id, form).map_err(|reason| obstacle(graph, id, reason)),
    }
}

fn arguments(graph: &Graph, classes: &[Class], id: NodeId, form: Form) -> Result<Vec<(NodeId, Form)>, Reason> {
    let node = graph.node(id);
    let all = |form: Form| node.args.iter().map(|arg| (*arg, form)).collect::<Vec<_>>();
    let is_over_time = classes[id.index()] != Class::Fixed;
    match &node.op {
        Op::At(_) if is_over_time => Ok(all(Form { time: Some(0), history: form.history.map(|axis| axis + 1) })),
        Op::Stacked(..) if is_over_time => {
            let mut args = all(Form::WHOLE);
            args[0].1.history = form.history.and_then(|axis| axis.checked_sub(1));
            Ok(args)
        }
        Op::At(_) | Op::Carry(..) | Op::Stacked(..) | Op::Final(..) => Ok(all(Form::WHOLE)),
        // What there is at the end: the row of this position.
        Op::Slice(_) if classes[id.index()] == Class::Now => {
            let axes = classes[node.args[0].index()].axes();
            Ok(all(axes.first().map_or(Form::WHOLE, |axis| Form::row(*axis))))
        }
        Op::Contract(_) | Op::Window(_) => windows(graph, classes, id, form),
        Op::Reduce { axes, .. } => {
            let arg = node.args[0];
            let mut of_arg = form.map(|axis| source_axis(graph, id, 0, axis));
            for axis in classes[arg.index()].axes().iter().filter(|axis| axes.contains(axis)) {
                if of_arg.history.replace(*axis).is_some() {
                    return Err(Reason::Pairs);
                }
            }
            Ok(vec![(arg, of_arg)])
        }
        _ => {
            let of_arg = |argument| form.map(|axis| source_axis(graph, id, argument, axis));
            Ok(node.args.iter().enumerate().map(|(i, arg)| (*arg, of_arg(i))).collect())
        }
    }
}

/// The arguments of a contraction or a window.
fn windows(graph: &Graph, classes: &[Class], id: NodeId, form: Form) -> Result<Vec<(NodeId, Form)>, Reason> {
    let node = graph.node(id);
    let summed = summed_positions(graph, classes, id);
    let mut args = vec![];
    for (argument, &arg) in node.args.iter().enumerate() {
        let mut of_arg = Form::WHOLE;
        for (dimension, read) in reads(graph, node, argument).into_iter().enumerate() {
            let place = match read {
                Read::Axis(axis) | Read::Window { axis, .. } if form.time == Some(axis) => &mut of_arg.time,
                Read::Axis(axis) if form.history == Some(axis) => &mut of_arg.history,
                Read::Summed if summed.contains(&(argument, dimension)) => &mut of_arg.history,
                _ => continue,
            };
            if place.replace(dimension).is_some() {
                return Err(Reason::Pairs);
            }
        }
        args.push((arg, of_arg));
    }
    Ok(args)
}

/// The dimensions of a contraction's arguments (argument, dimension) that are read by an axis which sums over positions.
pub(super) fn summed_positions(graph: &Graph, classes: &[Class], id: NodeId) -> Vec<(usize, usize)> {
    let node = graph.node(id);
    let Op::Contract(c) = &node.op else { return vec![] };
    let mut dimensions = vec![];
    for (argument, accesses) in [&c.a, &c.b].into_iter().enumerate() {
        let lead = usize::from(graph.shape(node.args[argument]).batch);
        let reads = reads(graph, node, argument);
        let summed = reads.iter().enumerate().filter(|(_, read)| **read == Read::Summed);
        dimensions.extend(summed.map(|(d, _)| (argument, d, accesses[lead + d].as_axis())));
    }
    let is_time =
        |(argument, d, _): &&(usize, usize, Option<usize>)| classes[node.args[*argument].index()].axes().contains(d);
    let over: Vec<Option<usize>> = dimensions.iter().filter(is_time).map(|(_, _, axis)| *axis).collect();
    dimensions.retain(|(_, _, axis)| over.contains(axis));
    dimensions.into_iter().map(|(argument, d, _)| (argument, d)).collect()
}
