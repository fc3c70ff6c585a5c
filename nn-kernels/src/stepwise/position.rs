//! What is known about numbers that are made of positions: the masks of causal attention.

use super::accesses::source_axis;
use crate::graph::{Binary, Graph, Node, NodeId, Op, Unary};

/// `offset + Σ coefficient * index`, over indices along axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    offset: f64,
    terms: Vec<(usize, f64)>,
}

impl Affine {
    fn constant(offset: f64) -> Self {
        Affine { offset, terms: vec![] }
    }

    /// `self + factor * other`.
    fn plus(&self, factor: f64, other: &Affine) -> Self {
        let mut sum = self.clone();
        sum.offset += factor * other.offset;
        for &(axis, c) in &other.terms {
            match sum.terms.iter_mut().find(|(a, _)| *a == axis) {
                Some((_, own)) => *own += factor * c,
                None => sum.terms.push((axis, factor * c)),
            }
        }
        sum.terms.retain(|(_, c)| *c != 0.0);
        sum
    }
}

/// For each node, what it is of indices, where it is such a sum.
pub(super) fn affine(graph: &Graph) -> Vec<Option<Affine>> {
    let mut all: Vec<Option<Affine>> = Vec::with_capacity(graph.len());
    for (id, node) in graph.nodes() {
        all.push(of_node(graph, id, node, &all));
    }
    all
}

fn of_node(graph: &Graph, id: NodeId, node: &Node, known: &[Option<Affine>]) -> Option<Affine> {
    let arg = |i: usize| known[node.args[i].index()].clone();
    match &node.op {
        Op::Constant(c) => Some(Affine::constant(*c)),
        Op::Iota(axis) => Some(Affine { offset: 0.0, terms: vec![(*axis, 1.0)] }),
        Op::Detach => arg(0),
        Op::Unary(Unary::Negate) => Some(Affine::constant(0.0).plus(-1.0, &arg(0)?)),
        Op::Binary(Binary::Add) => Some(arg(0)?.plus(1.0, &arg(1)?)),
        Op::Binary(Binary::Subtract) => Some(arg(0)?.plus(-1.0, &arg(1)?)),
        Op::Binary(Binary::Multiply) => match (arg(0)?, arg(1)?) {
            (a, b) if a.terms.is_empty() => Some(Affine::constant(0.0).plus(a.offset, &b)),
            (a, b) if b.terms.is_empty() => Some(Affine::constant(0.0).plus(b.offset, &a)),
            _ => None,
        },
        Op::Broadcast | Op::Reshape | Op::Permute(_) | Op::Slice(_) => {
            let from = arg(0)?;
            let mut moved = Affine::constant(from.offset);
            let rank = node.shape.rank();
            for (axis, c) in from.terms {
                if let Op::Slice(starts) = &node.op {
                    moved.offset += c * starts[axis] as f64;
                    moved.terms.push((axis, c));
                    continue;
                }
                // Along an axis of one element, the index is 0.
                if graph.shape(node.args[0]).dims[axis] > 1 {
                    let to = (0..rank).find(|&to| source_axis(graph, id, 0, to) == Some(axis))?;
                    moved.terms.push((to, c));
                }
            }
            Some(moved)
        }
        _ => None,
    }
}

/// Whether a comparison is true (or false) wherever the index along `history` is larger than that along `time`; `None` if neither is known.
pub(super) fn behind(op: Binary, a: &Affine, b: &Affine, time: usize, history: usize) -> Option<bool> {
    let difference = a.plus(-1.0, b);
    // c * (history - time) + offset
    let c = match difference.terms[..] {
        [(x, cx), (y, cy)] if cx == -cy && [x, y] == [history, time] => cx,
        [(x, cx), (y, cy)] if cx == -cy && [x, y] == [time, history] => cy,
        _ => return None,
    };
    let nearest = c + difference.offset;
    match op {
        Binary::LessEqual if c > 0.0 && nearest > 0.0 => Some(false),
        Binary::LessEqual if c < 0.0 && nearest <= 0.0 => Some(true),
        Binary::Less if c > 0.0 && nearest >= 0.0 => Some(false),
        Binary::Less if c < 0.0 && nearest < 0.0 => Some(true),
        Binary::Equal if (c > 0.0 && nearest > 0.0) || (c < 0.0 && nearest < 0.0) => Some(false),
        _ => None,
    }
}
