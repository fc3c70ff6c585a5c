//! A loss or a metric as a sum of means: of those over positions that count differently ([`Positions::mean`](super::Positions::mean)), each with what it
//! counts, and of the rest, which is a mean over samples. Over several batches each of them is averaged by its own weight, so that the
//! numbers of an epoch are exact whatever its batches.

use std::collections::BTreeMap;

use super::weighted_mean;
use crate::graph::{Binary, Graph, NodeId, Op, Unary};
use crate::shape::Fact;

/// A part of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its value of each sample.
    pub value: NodeId,
    /// How much a sample counts in it; `None` where that is 1.
    pub weight: Option<NodeId>,
}

/// Whether there is a mean over positions that count differently in a value.
pub fn is_counted(g: &Graph, value: NodeId) -> bool {
    reached(g, value)[value.index()]
}

/// The terms of a value of each sample, one for each weight; the values may be new nodes.
///
/// # Errors
/// If it is no sum of such means, times what does not depend on them: a root of one of them, say. Nobody could average that over
/// batches.
pub fn terms(g: &mut Graph, value: NodeId) -> Result<Vec<Term>, Fact> {
    let has = reached(g, value);
    if !has[value.index()] {
        return Ok(vec![Term { value, weight: None }]);
    }
    linear(g, &has, &mut BTreeMap::new(), value)
}

/// Terms of a sum: those of one weight are one.
fn add(g: &mut Graph, mut terms: Vec<Term>, others: Vec<Term>) -> Vec<Term> {
    for term in others {
        match terms.iter_mut().find(|other| other.weight == term.weight) {
            Some(other) => other.value = g.add2(other.value, term.value),
            None => terms.push(term),
        }
    }
    terms
}

/// Of each node, whether the value depends on it and there is such a mean in it.
fn reached(g: &Graph, value: NodeId) -> Vec<bool> {
    let mut wanted = vec![false; g.len()];
    wanted[value.index()] = true;
    let nodes: Vec<NodeId> = g.nodes().map(|(id, _)| id).take_while(|id| id.index() <= value.index()).collect();
    for id in nodes.iter().rev() {
        if wanted[id.index()] {
            g.node(*id).args.iter().for_each(|arg| wanted[arg.index()] = true);
        }
    }
    let mut has = vec![false; g.len()];
    for &id in nodes.iter().filter(|id| wanted[id.index()]) {
        has[id.index()] = weighted_mean(g, id).is_some() || g.node(id).args.iter().any(|arg| has[arg.index()]);
    }
    has
}

/// Each node is taken apart once, however often it is used.
fn linear(
    g: &mut Graph,
    has: &[bool],
    known: &mut BTreeMap<NodeId, Vec<Term>>,
    value: NodeId,
) -> Result<Vec<Term>, Fact> {
    if let Some(terms) = known.get(&value) {
        return Ok(terms.clone());
    }
    let terms = taken_apart(g, has, known, value)?;
    known.insert(value, terms.clone());
    Ok(terms)
}

fn taken_apart(
    g: &mut Graph,
    has: &[bool],
    known: &mut BTreeMap<NodeId, Vec<Term>>,
    value: NodeId,
) -> Result<Vec<Term>, Fact> {
    if let Some((_, weight)) = weighted_mean(g, value) {
        return Ok(vec![Term { value, weight: Some(weight) }]);
    }
    if !has[value.index()] {
        return Ok(vec![Term { value, weight: None }]);
    }
    let node = g.node(value).clone();
    let mut each = |g: &mut Graph, of: NodeId, change: &mut dyn FnMut(&mut Graph, NodeId) -> NodeId| {
        let terms = linear(g, has, known, of)?;
        Ok(terms.into_iter().map(|term| Term { value: change(g, term.value), ..term }).collect::<Vec<_>>())
    };
    match (&node.op, node.args.as_slice()) {
        (Op::Binary(Binary::Add), &[a, b]) => {
            let (a, b) = (each(g, a, &mut |_, x| x)?, each(g, b, &mut |_, x| x)?);
            Ok(add(g, a, b))
        }
        (Op::Binary(Binary::Subtract), &[a, b]) => {
            let (a, b) = (each(g, a, &mut |_, x| x)?, each(g, b, &mut |g, x| g.unary(Unary::Negate, x))?);
            Ok(add(g, a, b))
        }
        (Op::Binary(Binary::Multiply), &[a, b]) if has[a.index()] != has[b.index()] => {
            let (mean, factor) = if has[a.index()] { (a, b) } else { (b, a) };
            each(g, mean, &mut |g, x| g.mul(x, factor))
        }
        (Op::Binary(Binary::Divide), &[a, b]) if !has[b.index()] => each(g, a, &mut |g, x| g.div(x, b)),
        (Op::Unary(Unary::Negate), &[a]) => each(g, a, &mut |g, x| g.unary(Unary::Negate, x)),
        (Op::Detach, &[a]) => each(g, a, &mut |g, x| g.detach(x)),
        (Op::Broadcast, &[a]) => each(g, a, &mut |g, x| g.broadcast(x, &node.shape)),
        (Op::Reshape, &[a]) => each(g, a, &mut |g, x| g.reshape(x, &node.shape.dims)),
        _ => Err(Fact::CurvedMean),
    }
}
