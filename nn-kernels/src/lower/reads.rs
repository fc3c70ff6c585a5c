//! Who reads what where: the arguments of a node at a point, through every movement of indices.

use super::steps;
use crate::graph::{Access, Extent, Graph, NodeId, Op};
use crate::ir::{Bound, Index};

/// What is read: a node, where, and within which bounds. Where a bound does not hold, the point is outside, and 0 is read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub node: NodeId,
    pub point: Vec<Index>,
    pub within: Vec<Bound>,
}

impl Read {
    pub fn at(node: NodeId, point: Vec<Index>) -> Self {
        Read { node, point, within: vec![] }
    }
}

/// What a node at a point reads, and where. For reductions, the axes behind the point's are the reduced ones.
pub(super) fn arguments_at(graph: &Graph, id: NodeId, point: &[Index], extents: &[Extent]) -> Vec<Read> {
    let node = graph.node(id);
    match &node.op {
        Op::Contract(c) => {
            let all: Vec<Index> =
                point.iter().cloned().chain((0..c.reduced.len()).map(|i| Index::axis(point.len() + i))).collect();
            let read = |i: usize, accesses: &[Access]| {
                accessed(node.args[i], &graph.shape(node.args[i]).extents(), accesses, &all, extents)
            };
            vec![read(0, &c.a), read(1, &c.b)]
        }
        Op::Window(accesses) => {
            let from = graph.shape(node.args[0]);
            let lead = usize::from(from.batch);
            let dims = &from.extents()[lead..];
            let mut read = accessed(node.args[0], dims, accesses, &point[lead..], extents);
            read.point.splice(0..0, point[..lead].iter().cloned());
            vec![read]
        }
        Op::Reduce { axes, batch, .. } => {
            let shape = graph.shape(node.args[0]);
            let mut kept = point.iter().cloned();
            let mut inner = (point.len()..).map(Index::axis);
            let mut next = |reduced: bool| if reduced { inner.next() } else { kept.next() };
            let batch = if shape.batch { next(*batch) } else { None };
            let rest = (0..shape.rank()).filter_map(|a| next(axes.contains(&a)));
            vec![Read::at(node.args[0], batch.into_iter().chain(rest.collect::<Vec<_>>()).collect())]
        }
        // The table is read at a row that nobody knows before: that is left to who asks for a gather.
        Op::Gather => {
            let numbers = graph.shape(node.args[1]).extents().len();
            vec![Read::at(node.args[1], point[..numbers].to_vec())]
        }
        Op::Scatter => {
            let numbers = graph.shape(node.args[0]).extents().len();
            let positions = || (point.len()..point.len() + numbers).map(Index::axis);
            vec![
                Read::at(node.args[0], positions().collect()),
                Read::at(node.args[1], positions().chain(point[1..].iter().cloned()).collect()),
            ]
        }
        Op::Concat(axis) => {
            let axis = axis + usize::from(node.shape.batch);
            let mut start = 0;
            let part = |&arg: &NodeId| {
                let shape = graph.shape(arg);
                let size = shape.dims[axis - usize::from(shape.batch)] as i64;
                let mut inside = point.to_vec();
                inside[axis] = inside[axis].clone().plus_constant(-start).clamp(0, size - 1, extents);
                start += size;
                Read::at(arg, inside)
            };
            node.args.iter().map(part).collect()
        }
        op if super::moves(op) => vec![Read::at(node.args[0], moved(graph, id, point, extents))],
        _ => steps::operands(node).iter().map(|&a| Read::at(a, point.to_vec())).collect(),
    }
}

/// A read by accesses to dimensions; `axes` are the indices of the axes that the accesses name.
fn accessed(node: NodeId, dims: &[Extent], accesses: &[Access], axes: &[Index], extents: &[Extent]) -> Read {
    let mut read = Read::at(node, vec![]);
    for (access, dim) in accesses.iter().zip(dims) {
        let Extent::Size(size) = *dim else {
            let batch = access.as_axis().expect("the batch is read by an axis alone");
            read.point.push(axes[batch].clone());
            continue;
        };
        let position = access
            .terms
            .iter()
            .fold(Index::constant(access.offset), |sum, &(axis, c)| sum.plus(&axes[axis].clone().times(c)));
        let end = size as i64 * access.divisor;
        let inside = position.range(extents).is_some_and(|(lo, hi)| lo >= 0 && hi < end);
        if !(inside && access.divisor == 1) {
            read.within.push(Bound { index: position.clone(), end, step: access.divisor });
        }
        // The quotient stays as it is written, so that it can be recognised by its bound.
        read.point.push(position.quotient(access.divisor));
    }
    read
}

/// The index, or the nearest one that lies in a dimension of this size.
pub(super) fn inside(index: Index, size: i64, extents: &[Extent]) -> Index {
    match index.as_quotient() {
        Some((position, divisor)) => position.clone().clamp(0, size * divisor - 1, extents).div(divisor, extents),
        None => index.clamp(0, size - 1, extents),
    }
}

/// Where a movement operation, read at a point, reads its argument.
fn moved(graph: &Graph, id: NodeId, point: &[Index], extents: &[Extent]) -> Vec<Index> {
    let node = graph.node(id);
    let from = graph.shape(node.args[0]);
    let lead = usize::from(node.shape.batch);
    let dims = &point[lead..];
    let moved: Vec<Index> = match &node.op {
        Op::Broadcast => {
            let skip = dims.len() - from.rank();
            let at = |(i, &d): (usize, &usize)| if d == 1 { Index::default() } else { dims[skip + i].clone() };
            from.dims.iter().enumerate().map(at).collect()
        }
        Op::Reshape => reshaped(dims, &node.shape.dims, &from.dims, extents),
        Op::Permute(perm) => {
            let mut moved = vec![Index::default(); dims.len()];
            perm.iter().zip(dims).for_each(|(&p, d)| moved[p] = d.clone());
            moved
        }
        Op::At(of) => std::iter::once(Index::step(of.steps)).chain(dims.iter().cloned()).collect(),
        Op::Slice(starts) => dims.iter().zip(starts).map(|(d, &s)| d.clone().plus_constant(s as i64)).collect(),
        _ => dims.to_vec(),
    };
    point[..lead].iter().take(usize::from(from.batch)).cloned().chain(moved).collect()
}

/// A point of dimensions `of` as a point of dimensions `to`. Dimensions that a reshape leaves alone keep their index as it is,
/// even if it may lie outside; only what is split or merged goes through a position.
fn reshaped(point: &[Index], of: &[usize], to: &[usize], extents: &[Extent]) -> Vec<Index> {
    let sizes = |dims: &[usize]| dims.iter().map(|&d| Extent::Size(d)).collect::<Vec<_>>();
    let (mut i, mut j) = (0, 0);
    let mut result = vec![];
    while i < of.len() || j < to.len() {
        // The shortest runs of dimensions, from here on, that have equally many elements.
        let (first_of, first_to) = (i, j);
        let (mut left, mut right) = (1, 1);
        loop {
            if left == right && (i > first_of || j > first_to) {
                break;
            }
            if j == to.len() || (i < of.len() && left <= right) {
                left *= of[i];
                i += 1;
            } else {
                right *= to[j];
                j += 1;
            }
        }
        let (of, to) = (&of[first_of..i], &to[first_to..j]);
        if of == to {
            result.extend_from_slice(&point[first_of..i]);
        } else {
            result.extend(Index::linear(&point[first_of..i], &sizes(of)).delinearize(&sizes(to), extents));
        }
    }
    result
}
