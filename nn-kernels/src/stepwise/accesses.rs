//! How axes go from a node to its arguments, and back.

use crate::graph::{Access, Contraction, Extent, Graph, Node, NodeId, Op, same_axis};

/// Where a dimension of an argument is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// By this per-sample axis of the result, alone.
    Axis(usize),
    /// By an axis that is summed over, alone.
    Summed,
    /// By windows that move with this axis of the result: from so many positions before its own to so many behind.
    Window {
        /// The axis.
        axis: usize,
        /// The first one, relative to the axis's position.
        from: i64,
        /// The last one.
        to: i64,
    },
    /// By windows that move by other steps than one, or not at all.
    Strided,
    /// From its end to its beginning.
    Backwards,
}

/// How each per-sample dimension of an argument of a contraction or window is read.
pub(super) fn reads(graph: &Graph, node: &Node, argument: usize) -> Vec<Read> {
    let of = graph.shape(node.args[argument]);
    match &node.op {
        Op::Contract(c) => {
            let accesses = if argument == 0 { &c.a } else { &c.b };
            let lead = usize::from(node.shape.batch);
            let results = node.shape.extents().len();
            let extents = extents(node, c);
            let accesses = &accesses[usize::from(of.batch)..];
            accesses.iter().map(|access| read(access, &extents, lead, results)).collect()
        }
        Op::Window(accesses) => {
            let extents: Vec<usize> = node.shape.dims.clone();
            accesses.iter().map(|access| read(access, &extents, 0, extents.len())).collect()
        }
        _ => vec![],
    }
}

/// The sizes of a contraction's axes; the batch counts as 1.
fn extents(node: &Node, contraction: &Contraction) -> Vec<usize> {
    let size = |extent: &Extent| if let Extent::Size(n) = extent { *n } else { 1 };
    node.shape.extents().iter().chain(&contraction.reduced).map(size).collect()
}

fn read(access: &Access, extents: &[usize], lead: usize, results: usize) -> Read {
    if let Some(axis) = access.as_axis() {
        return if axis < results { Read::Axis(axis - lead) } else { Read::Summed };
    }
    if let [(_, -1)] = access.terms[..] {
        return Read::Backwards;
    }
    // What moves with the result is its longest axis; the others are taps.
    let moving = access.terms.iter().filter(|(axis, _)| *axis < results).max_by_key(|(axis, _)| extents[*axis]);
    match moving {
        Some(&(axis, 1)) if access.divisor == 1 => {
            let taps = access.terms.iter().filter(|(other, _)| *other != axis);
            let reach = taps.map(|&(tap, c)| c * (extents[tap] as i64 - 1));
            let (before, behind) = reach.fold((0, 0), |(a, b), r| (a + r.min(0), b + r.max(0)));
            Read::Window { axis: axis - lead, from: access.offset + before, to: access.offset + behind }
        }
        _ => Read::Strided,
    }
}

/// The axis of an argument that is this axis of the result, for operations that move each element as it is: `None` where the argument
/// does not have it, or has only a part of it.
pub(super) fn source_axis(graph: &Graph, id: NodeId, argument: usize, axis: usize) -> Option<usize> {
    let node = graph.node(id);
    let from = &graph.shape(node.args[argument]).dims;
    let to = &node.shape.dims;
    match &node.op {
        Op::Broadcast => {
            let source = (axis + from.len()).checked_sub(to.len())?;
            (from[source] == to[axis]).then_some(source)
        }
        Op::Reshape => same_axis(to, axis, from),
        Op::Permute(perm) => Some(perm[axis]),
        Op::Slice(_) => (from[axis] == to[axis]).then_some(axis),
        Op::Concat(along) => (*along != axis).then_some(axis),
        Op::Reduce { axes, .. } => (0..from.len()).filter(|a| !axes.contains(a)).nth(axis),
        Op::Gather if argument == 1 => (axis < from.len()).then_some(axis),
        Op::Gather => None,
        Op::Contract(_) | Op::Window(_) => {
            reads(graph, node, argument).iter().position(|read| *read == Read::Axis(axis))
        }
        _ => Some(axis),
    }
}

/// The axis of the result that is this axis of its argument, for the same operations.
pub(super) fn result_axis(graph: &Graph, id: NodeId, argument: usize, axis: usize) -> Option<usize> {
    let rank = graph.shape(id).rank();
    (0..rank).find(|&result| source_axis(graph, id, argument, result) == Some(axis))
}
