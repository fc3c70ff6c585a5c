//! Gradients of loops: backpropagation through time is a loop in the other direction.
//!
//! Its states are the gradients of the loop's states, its steps go through the same rows, and its body is the backward pass of one
//! step: the ordinary rules, applied to what the step computed. What was cheap is computed again from what the step read; states,
//! sums and expensive functions are stacked on the way forward. What a weight gets is the sum over all steps of what each adds.
//!
//! A loop over blocks is there so that its body need not be stored: all of it is computed again, but for sums that are much smaller than
//! what they are sums of. What is read whole gets its gradient in a state, to which each block adds.

use std::collections::BTreeMap;

use super::{elementwise, of_argument};
use crate::graph::{Binary, Graph, Loop, Node, NodeId, Op, Reduction};
use crate::simplify::copy_with;

/// What a loop's ends hand on to nodes outside of it. `ends` are those with a gradient; the result names nodes that come before
/// the loop, some more than once.
pub(super) fn gradients(g: &mut Graph, of: Loop, ends: &[(NodeId, NodeId)], wanted: &[bool]) -> Vec<(NodeId, NodeId)> {
    let loops = g.loops();
    let body: Vec<NodeId> = (g.nodes().map(|(id, _)| id).take(wanted.len()))
        .filter(|id| loops[id.index()] == Some(of) && wanted[id.index()])
        .collect();
    let nexts = g.nexts(of);
    let back = g.mirrored(of, ends);
    let mut step = Step { forward: of, back, nexts, loops, primal: BTreeMap::new(), adjoint: BTreeMap::new() };
    // What arrives at the states that the last step leaves behind.
    let states: Vec<(usize, NodeId)> =
        step.nexts.iter().map(|(k, next)| (*k, *next)).filter(|(_, next)| wanted[next.index()]).collect();
    for &(k, next) in &states {
        let shape = g.shape(next).clone();
        let is_end = |end: NodeId| matches!(&g.node(end).op, Op::Final(_, carries) if carries[0] == k);
        let start = ends.iter().find(|(end, _)| is_end(*end)).map(|(_, gradient)| *gradient);
        let start = start.unwrap_or_else(|| g.filled(0.0, &shape));
        let carry = g.carry_of(back, k, start);
        step.add(g, next, carry);
    }
    let mut outside: Vec<Outside> = vec![];
    let mut sums: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    for &(end, gradient) in ends {
        let Op::Stacked(..) = g.node(end).op else { continue };
        let value = g.node(end).args[0];
        if step.is_inside(value) {
            let row = g.at(back, gradient);
            step.add(g, value, row);
        } else {
            outside.push(Outside::Sum(value, gradient));
        }
    }
    // The body, from its end to its beginning.
    for id in body.into_iter().rev() {
        let Some(&gradient) = step.adjoint.get(&id) else { continue };
        let node = g.node(id).clone();
        let path = g.label(id).to_owned();
        g.set_label(&path);
        match node.op {
            Op::Carry(..) => {}
            Op::At(_) => outside.push(Outside::Rows(node.args[0], gradient)),
            _ => {
                let args = node.args.iter().map(|a| step.primal(g, *a)).collect();
                let y = step.primal(g, id);
                let there = Node { args, ..node.clone() };
                for (i, &arg) in node.args.iter().enumerate().filter(|(_, arg)| wanted[arg.index()]) {
                    let Some(new) = of_argument(g, y, &there, gradient, i) else { continue };
                    debug_assert_eq!(g.shape(new), g.shape(arg), "gradient of {:?}, argument {i}", node.op);
                    if step.is_inside(arg) {
                        step.add(g, arg, new);
                    } else if of.blocks {
                        let sum = sums.get(&arg).copied();
                        sums.insert(arg, sum.map_or(new, |sum| elementwise::accumulate(g, sum, new)));
                    } else {
                        outside.push(Outside::Each(arg, new));
                    }
                }
            }
        }
    }
    let carries: BTreeMap<usize, NodeId> = (g.nodes())
        .filter_map(|(id, node)| if let Op::Carry(l, k) = node.op { (l == of).then_some((k, id)) } else { None })
        .collect();
    let mut new_nexts = BTreeMap::new();
    for &(k, next) in &states {
        let arrived = carries.get(&k).and_then(|carry| step.adjoint.get(carry)).copied();
        let shape = g.shape(next).clone();
        new_nexts.insert(k, arrived.unwrap_or_else(|| g.filled(0.0, &shape)));
    }
    // The states in which gradients are added up have numbers of their own, behind those of the loop's states.
    let first = carries.keys().max().map_or(0, |k| k + 1);
    for (arg, new) in &sums {
        let zeros = g.filled(0.0, &g.shape(*arg).clone());
        let sum = g.sum_of(back, first + arg.index(), zeros);
        new_nexts.insert(first + arg.index(), g.add2(sum, *new));
    }
    let mut all = vec![];
    for arg in sums.into_keys() {
        all.push((arg, g.final_of(back, first + arg.index(), &new_nexts)));
    }
    for &(k, _) in &states {
        if let Some(init) = carries.get(&k).map(|carry| g.node(*carry).args[0]).filter(|init| wanted[init.index()]) {
            all.push((init, g.final_of(back, k, &new_nexts)));
        }
    }
    for one in outside {
        all.push(match one {
            Outside::Rows(x, gradient) => (x, g.stacked_of(back, gradient, &new_nexts)),
            Outside::Each(x, gradient) => {
                let rows = g.stacked_of(back, gradient, &new_nexts);
                (x, g.reduce(Reduction::Sum, rows, &[0], false))
            }
            Outside::Sum(x, rows) => (x, g.reduce(Reduction::Sum, rows, &[0], false)),
        });
    }
    all.retain(|(x, _)| wanted[x.index()]);
    all
}

/// What a node outside of the loop gets.
enum Outside {
    /// For each step its row.
    Rows(NodeId, NodeId),
    /// From each step something.
    Each(NodeId, NodeId),
    /// The sum of these rows.
    Sum(NodeId, NodeId),
}

/// A step of the loop that goes back.
struct Step {
    forward: Loop,
    back: Loop,
    nexts: BTreeMap<usize, NodeId>,
    loops: Vec<Option<Loop>>,
    /// What the forward step computed, as this one sees it.
    primal: BTreeMap<NodeId, NodeId>,
    /// The gradient of what the forward step computed.
    adjoint: BTreeMap<NodeId, NodeId>,
}

impl Step {
    fn is_inside(&self, id: NodeId) -> bool {
        self.loops.get(id.index()).copied().flatten() == Some(self.forward)
    }

    fn add(&mut self, g: &mut Graph, id: NodeId, gradient: NodeId) {
        let old = self.adjoint.get(&id).copied();
        self.adjoint.insert(id, old.map_or(gradient, |old| elementwise::accumulate(g, old, gradient)));
    }

    /// What the forward step computed: what is cheap is computed again, the rest was stacked.
    fn primal(&mut self, g: &mut Graph, id: NodeId) -> NodeId {
        if !self.is_inside(id) {
            return id;
        }
        if let Some(&known) = self.primal.get(&id) {
            return known;
        }
        let node = g.node(id).clone();
        let new = match node.op {
            Op::At(_) => g.at(self.back, node.args[0]),
            _ if is_cheap(&node.op) || (self.forward.blocks && !is_small_sum(g, &node)) => {
                let args = node.args.iter().map(|a| self.primal(g, *a)).collect();
                copy_with(g, &node, args)
            }
            _ => {
                let rows = g.stacked_of(self.forward, id, &self.nexts);
                g.at(self.back, rows)
            }
        };
        self.primal.insert(id, new);
        new
    }
}

/// Whether an operation is better done again than read from memory.
fn is_cheap(op: &Op) -> bool {
    match op {
        Op::Unary(op) => !op.is_expensive(),
        Op::Binary(op) => *op != Binary::Power,
        op => !matches!(op, Op::Carry(..) | Op::Reduce { .. } | Op::Contract(_) | Op::Scatter),
    }
}

/// Whether a node combines so many numbers that it is better stored than computed again, even where memory is scarce.
fn is_small_sum(g: &Graph, node: &Node) -> bool {
    let of = node.args.iter().map(|arg| g.shape(*arg).size()).max().unwrap_or(0);
    matches!(node.op, Op::Reduce { .. } | Op::Contract(_)) && node.shape.size() * 8 <= of
}
