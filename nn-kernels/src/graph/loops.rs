//! Loops over time: a body that is computed once for each step, with states that go from step to step.
//!
//! The body's nodes stand in the same arena as all others. A node belongs to a loop if it depends on what the loop reads at a
//! step ([`Op::At`]) or on a state ([`Op::Carry`]); everything else that the body uses (weights, constants) is outside by itself.
//! Two operations lead out of a loop: [`Op::Stacked`], a value at every step, and [`Op::Final`], a state behind the last step.
//! Both name, as arguments, the new values of the states that they depend on, so whoever walks over arguments sees the whole
//! recurrence; no table beside the nodes is needed, and passes that copy nodes copy loops.
//!
//! A loop has a direction. A reverse one begins with the last row of what it reads and writes, and needs no copy of it: the
//! backward pass of a loop is a loop in the other direction. Loops do not nest.
//!
//! There is a second kind, for memory's sake: a loop over blocks ([`Graph::begin_blocks`]). Nothing is taken out of it, and what its body
//! computed is not stored for the backward pass but computed again (gradient checkpointing); gradients of what it reads whole are
//! added up from block to block.
//!
//! ```
//! use nn_kernels::graph::{Graph, Leaf, Shape};
//!
//! // A running sum over 8 steps: h = h + x[t].
//! let mut g = Graph::new();
//! let x = g.leaf(Leaf::Field(0), Shape::batched(&[8, 3]));
//! let zeros = g.filled(0.0, &Shape::batched(&[3]));
//! let steps = g.begin_loop(8, false);
//! let x_t = g.at(steps, x);
//! let h = g.carry(steps, zeros);
//! let next = g.add2(h, x_t);
//! let last = g.end_loop(steps, &[(h, next)])[0];
//! let all = g.stacked(steps, next);
//! assert_eq!((g.shape(last).dims.as_slice(), g.shape(all).dims.as_slice()), (&[3][..], &[8, 3][..]));
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, NodeId, Op, Shape};

/// A loop of one graph: which one, how many steps, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Loop {
    /// Its number in its graph.
    pub number: u32,
    /// How many steps it has; at least 1.
    pub steps: usize,
    /// Whether it begins with the last row of what it reads and writes.
    pub reverse: bool,
    /// Whether its steps are blocks of something that is too large to be stored at once.
    pub blocks: bool,
}

impl Loop {
    /// The row of stacked tensors that belongs to the step of this number, counted from 0 in the order in which steps are done.
    pub fn row(self, step: usize) -> usize {
        if self.reverse { self.steps - 1 - step } else { step }
    }
}

impl Graph {
    /// Begins a loop of `steps` steps; see the module's text. A `reverse` one goes from the last row to the first.
    ///
    /// Until [`Graph::end_loop`], random numbers differ from step to step ([`Graph::random`]).
    pub fn begin_loop(&mut self, steps: usize, reverse: bool) -> Loop {
        debug_assert!(self.open_loop.is_none(), "loops do not nest");
        let new = self.new_loop(Loop { number: 0, steps, reverse, blocks: false });
        self.open_loop = Some(new);
        new
    }

    /// A loop over so many blocks, without states; it needs no end.
    pub fn begin_blocks(&mut self, blocks: usize) -> Loop {
        self.new_loop(Loop { number: 0, steps: blocks, reverse: false, blocks: true })
    }

    fn new_loop(&mut self, new: Loop) -> Loop {
        debug_assert!(new.steps > 0);
        let number = self.loops;
        self.loops += 1;
        Loop { number, ..new }
    }

    /// What a step reads of `x [steps, …]`: its row, of shape `[…]`.
    pub fn at(&mut self, of: Loop, x: NodeId) -> NodeId {
        let from = self.shape(x);
        debug_assert_eq!(from.dims.first(), Some(&of.steps));
        let shape = Shape { batch: from.batch, dims: from.dims[1..].to_vec() };
        if let Some(c) = self.as_constant(x) {
            return self.filled(c, &shape);
        }
        self.add(Op::At(of), vec![x], shape)
    }

    /// A new state, at the beginning of a step. It starts from `init` and has its dimensions, for each sample.
    ///
    /// Each state is a new one, also where two start from the same tensor.
    pub fn carry(&mut self, of: Loop, init: NodeId) -> NodeId {
        let known = self.nodes().filter(|(_, n)| matches!(n.op, Op::Carry(l, _) if l.number == of.number)).count();
        self.carry_of(of, known, init)
    }

    /// The state of number `k` of a loop.
    pub(crate) fn carry_of(&mut self, of: Loop, k: usize, init: NodeId) -> NodeId {
        let shape = Shape { batch: true, dims: self.shape(init).dims.clone() };
        let init = self.broadcast(init, &shape);
        self.sum_of(of, k, init)
    }

    /// The state of number `k` of a loop, which is one for all samples if `init` is.
    pub(crate) fn sum_of(&mut self, of: Loop, k: usize, init: NodeId) -> NodeId {
        let shape = self.shape(init).clone();
        self.add(Op::Carry(of, k), vec![init], shape)
    }

    /// Ends a loop: says what each state becomes at the end of a step. The list has all states of the loop; a state and its next
    /// value have the same dimensions. Returns each state behind the last step, in the list's order.
    pub fn end_loop(&mut self, of: Loop, next: &[(NodeId, NodeId)]) -> Vec<NodeId> {
        self.open_loop = None;
        let mut nexts = BTreeMap::new();
        for &(carry, next) in next {
            let shape = self.shape(carry).clone();
            let next = self.broadcast(next, &shape);
            let Op::Carry(_, k) = self.node(carry).op else { unreachable!("states are made by `carry`") };
            nexts.insert(k, next);
        }
        let numbers: Vec<usize> = (next.iter())
            .filter_map(|(carry, _)| if let Op::Carry(_, k) = self.node(*carry).op { Some(k) } else { None })
            .collect();
        numbers.into_iter().map(|k| self.final_of(of, k, &nexts)).collect()
    }

    /// A body's value at every step: `[steps, …]`, the rows in the order of what the loop reads. For loops that have ended.
    pub fn stacked(&mut self, of: Loop, value: NodeId) -> NodeId {
        let nexts = self.nexts(of);
        self.stacked_of(of, value, &nexts)
    }

    /// [`Graph::stacked`] where the next values of the states are known.
    pub(crate) fn stacked_of(&mut self, of: Loop, value: NodeId, nexts: &BTreeMap<usize, NodeId>) -> NodeId {
        let from = self.shape(value);
        let dims = std::iter::once(of.steps).chain(from.dims.iter().copied()).collect();
        let shape = Shape { batch: from.batch, dims };
        if let Some(c) = self.as_constant(value) {
            return self.filled(c, &shape);
        }
        if let Op::At(l) = self.node(value).op
            && l == of
        {
            return self.node(value).args[0];
        }
        let carries = self.carries_of(of, vec![value], nexts);
        let args = std::iter::once(value).chain(carries.iter().map(|k| nexts[k])).collect();
        self.add(Op::Stacked(of, carries), args, shape)
    }

    /// The state of number `k` behind the last step, where the next values of the states are known.
    pub(crate) fn final_of(&mut self, of: Loop, k: usize, nexts: &BTreeMap<usize, NodeId>) -> NodeId {
        let shape = self.shape(nexts[&k]).clone();
        let mut carries = self.carries_of(of, vec![nexts[&k]], nexts);
        // Its own next value comes first.
        carries.retain(|other| *other != k);
        carries.insert(0, k);
        let args = carries.iter().map(|k| nexts[k]).collect();
        self.add(Op::Final(of, carries), args, shape)
    }

    /// The loop that goes back through another one, for these ends and their gradients; the same for the same.
    pub(crate) fn mirrored(&mut self, of: Loop, ends: &[(NodeId, NodeId)]) -> Loop {
        let new = self.loops;
        let number = *self.mirrors.entry((of, ends.to_vec())).or_insert(new);
        self.loops = self.loops.max(number + 1);
        Loop { number, reverse: !of.reverse, ..of }
    }

    /// What the states of a loop become at the end of a step, by their numbers, as far as anything leads out of the loop.
    pub(crate) fn nexts(&self, of: Loop) -> BTreeMap<usize, NodeId> {
        let mut nexts = BTreeMap::new();
        for (_, node) in self.nodes() {
            match &node.op {
                Op::Stacked(l, carries) if *l == of => {
                    nexts.extend(carries.iter().copied().zip(node.args[1..].iter().copied()))
                }
                Op::Final(l, carries) if *l == of => {
                    nexts.extend(carries.iter().copied().zip(node.args.iter().copied()))
                }
                _ => {}
            }
        }
        nexts
    }

    /// The states that values of a body depend on, also by way of other states.
    fn carries_of(&self, of: Loop, mut stack: Vec<NodeId>, nexts: &BTreeMap<usize, NodeId>) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let mut carries = BTreeSet::new();
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = self.node(id);
            match node.op {
                Op::Carry(l, k) if l == of => {
                    carries.insert(k);
                    stack.extend(nexts.get(&k));
                }
                // What these read is outside.
                Op::At(_) | Op::Carry(..) | Op::Stacked(..) | Op::Final(..) => {}
                _ => stack.extend(&node.args),
            }
        }
        carries.into_iter().collect()
    }

    /// The loop that each node belongs to, if any.
    pub fn loops(&self) -> Vec<Option<Loop>> {
        let mut of: Vec<Option<Loop>> = Vec::with_capacity(self.len());
        for (_, node) in self.nodes() {
            of.push(match node.op {
                Op::At(l) | Op::Carry(l, _) => Some(l),
                Op::Stacked(..) | Op::Final(..) => None,
                _ => node.args.iter().find_map(|a| of[a.index()]),
            });
        }
        of
    }

    /// Whether anything is computed in a loop.
    pub fn has_loops(&self) -> bool {
        self.loops > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Leaf, Unary};
    use crate::reference::{Environment, evaluate};

    fn values(g: &Graph, x: &[f64]) -> Vec<Vec<f64>> {
        let leaf = |_: &Leaf| x.to_vec();
        evaluate(g, &Environment { batch: 2, leaf: &leaf, learning_rate: 0.1, step: 0, seed: 1, training: true })
    }

    /// `b = a + x[t]`, where `a` is what `b` was before: one state depends on the other.
    #[test]
    fn states_go_from_step_to_step_in_both_directions() {
        for reverse in [false, true] {
            let mut g = Graph::new();
            let x = g.leaf(Leaf::Field(0), Shape::batched(&[3]));
            let zero = g.filled(0.0, &Shape::fixed(&[]));
            let steps = g.begin_loop(3, reverse);
            let x_t = g.at(steps, x);
            let a = g.carry(steps, zero);
            let b = g.carry(steps, zero);
            assert_ne!(a, b, "states that start alike are two");
            let sum = g.add2(a, x_t);
            let finals = g.end_loop(steps, &[(b, sum), (a, b)]);
            let all = g.stacked(steps, sum);
            let values = values(&g, &[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
            let value = |id: NodeId| values[id.index()].clone();
            // Forward: b = 1, 2, 1 + 3; backward: b = 3, 2, 3 + 1.
            let expected = if reverse { [4.0, 2.0, 3.0, 40.0, 20.0, 30.0] } else { [1.0, 2.0, 4.0, 10.0, 20.0, 40.0] };
            assert_eq!(value(all), expected);
            assert_eq!(value(finals[0]), [4.0, 40.0]);
            assert_eq!(value(finals[1]), [2.0, 20.0]);
        }
    }

    #[test]
    fn what_is_read_and_stacked_again_is_the_tensor_itself() {
        let mut g = Graph::new();
        let x = g.leaf(Leaf::Field(0), Shape::batched(&[4, 2]));
        let steps = g.begin_loop(4, false);
        let x_t = g.at(steps, x);
        g.end_loop(steps, &[]);
        assert_eq!(g.stacked(steps, x_t), x);
    }

    #[test]
    fn a_value_names_the_states_that_it_depends_on_and_no_others() {
        let mut g = Graph::new();
        let x = g.leaf(Leaf::Field(0), Shape::batched(&[4, 2]));
        let zeros = g.filled(0.0, &Shape::batched(&[2]));
        let steps = g.begin_loop(4, false);
        let x_t = g.at(steps, x);
        let [a, b, c] = [0; 3].map(|_| g.carry(steps, zeros));
        let next = [g.add2(a, b), g.add2(b, x_t), g.unary(Unary::Tanh, c)];
        let finals = g.end_loop(steps, &[(a, next[0]), (b, next[1]), (c, next[2])]);
        let ops: Vec<Op> = finals.iter().map(|id| g.node(*id).op.clone()).collect();
        assert_eq!(ops, [Op::Final(steps, vec![0, 1]), Op::Final(steps, vec![1]), Op::Final(steps, vec![2])]);
        assert_eq!(g.loops()[next[0].index()], Some(steps));
        assert_eq!(g.loops()[finals[0].index()], None);
    }

    #[test]
    fn random_numbers_differ_from_step_to_step() {
        let mut g = Graph::new();
        let steps = g.begin_loop(4, false);
        let noise = g.random(7, &Shape::batched(&[2]));
        g.end_loop(steps, &[]);
        let all = g.stacked(steps, noise);
        let values = values(&g, &[]);
        let mut all = values[all.index()].clone();
        all.dedup();
        assert_eq!(all.len(), 2 * 4 * 2);
    }
}
