//! What is not recurrent leaves its loop: loop fission and vectorization, in compilers' words.
//!
//! A value of a loop's body that depends on no state is the same operation over all steps at once: the products of an LSTM's inputs
//! become one large product in front of the loop. A value that no state depends on, and that is wanted at every step, is computed
//! behind the loop from what its operands were at every step; and the sum over all steps of what is wanted of each, as of a weight's
//! gradient, is one sum or product over steps and samples. What stays in the loop is what really goes from step to step.
//!
//! All of it rests on one thing: an operation with one more axis in front, that of the steps ([`over_steps`]).
//!
//! Loops over blocks stay as they are: that not everything is there at once is what they are for.

use std::collections::BTreeMap;

use super::copy_with;
use crate::graph::{Access, Binary, Contraction, Extent, Graph, Loop, Node, NodeId, Op, Reduction, Shape, Unary};

/// A copy of what the roots need, in which loops do only what goes from step to step; returns the roots' counterparts.
pub fn lift_out_of_loops(graph: &Graph, roots: &[NodeId]) -> (Graph, Vec<NodeId>) {
    let mut lift = Lift::new(graph, roots);
    for (id, _) in graph.nodes().filter(|(id, _)| lift.needed[id.index()]).collect::<Vec<_>>() {
        lift.to.set_label(graph.label(id));
        let new = lift.counterpart(id);
        lift.map[id.index()] = Some(new);
    }
    let roots = roots.iter().map(|r| lift.map[r.index()].expect("roots are needed")).collect();
    (lift.to, roots)
}

struct Lift<'g> {
    from: &'g Graph,
    to: Graph,
    map: Vec<Option<NodeId>>,
    needed: Vec<bool>,
    /// The loop that each node belongs to.
    loops: Vec<Option<Loop>>,
    /// Nodes that depend on a state.
    stateful: Vec<bool>,
    /// Nodes that a state depends on.
    recurrent: Vec<bool>,
    /// Nodes of a body that are, or are made of, what is worth being done for all steps at once.
    worth: Vec<bool>,
    /// What nodes are at every step, as far as that has been asked.
    rows: BTreeMap<NodeId, NodeId>,
}

impl<'g> Lift<'g> {
    fn new(from: &'g Graph, roots: &[NodeId]) -> Self {
        let needed = from.needed(roots);
        let mut recurrent = vec![false; from.len()];
        let loops = from.loops();
        for (id, node) in from.nodes().rev().filter(|(id, _)| needed[id.index()]) {
            let nexts = match &node.op {
                Op::Stacked(..) => &node.args[1..],
                Op::Final(..) => &node.args[..],
                _ => &[],
            };
            nexts.iter().for_each(|next| recurrent[next.index()] = true);
            for arg in &node.args {
                recurrent[arg.index()] |= recurrent[id.index()] && loops[id.index()].is_some();
            }
        }
        let (mut stateful, mut worth) = (vec![false; from.len()], vec![false; from.len()]);
        for (id, node) in from.nodes().filter(|(id, _)| loops[id.index()].is_some()) {
            let inside = || node.args.iter().filter(|a| loops[a.index()].is_some());
            stateful[id.index()] = matches!(node.op, Op::Carry(..)) || inside().any(|a| stateful[a.index()]);
            worth[id.index()] = is_work(&node.op) || inside().any(|a| worth[a.index()] && !recurrent[a.index()]);
        }
        let (to, map, rows) = (Graph::new(), vec![None; from.len()], BTreeMap::new());
        Lift { from, to, map, needed, loops, stateful, recurrent, worth, rows }
    }

    fn mapped(&self, id: NodeId) -> NodeId {
        self.map[id.index()].expect("arguments are needed and come earlier")
    }

    fn counterpart(&mut self, id: NodeId) -> NodeId {
        let node = self.from.node(id);
        match (&node.op, self.loops[id.index()]) {
            (Op::At(of), _) => {
                let x = self.mapped(node.args[0]);
                self.to.at(*of, x)
            }
            (Op::Stacked(of, _), _) if of.blocks => self.stacked(*of, node.args[0]),
            (Op::Stacked(of, _), _) => self.rows(*of, node.args[0]),
            (Op::Final(of, carries), _) => {
                let nexts = carries.iter().copied().zip(node.args.iter().map(|a| self.mapped(*a))).collect();
                self.to.final_of(*of, carries[0], &nexts)
            }
            (_, Some(of)) if !of.blocks && self.worth[id.index()] && !self.stateful[id.index()] => {
                match self.try_rows(of, id) {
                    Some(rows) => self.to.at(of, rows),
                    None => self.copied(node),
                }
            }
            (Op::Reduce { how: Reduction::Sum, axes, batch: false }, None) if axes[..] == [0] => {
                match &self.from.node(node.args[0]).op {
                    Op::Stacked(of, _) if !of.blocks => self.sum_of_rows(*of, self.from.node(node.args[0]).args[0]),
                    _ => self.copied(node),
                }
            }
            (Op::Contract(c), Some(_)) => self.product_of_step(node, c),
            (Op::Binary(Binary::Add), Some(_)) => {
                let [a, b] = [node.args[0], node.args[1]].map(|a| self.mapped(a));
                joined(&mut self.to, a, b).unwrap_or_else(|| self.copied(node))
            }
            _ => self.copied(node),
        }
    }

    /// A contraction that stays in its loop. A matrix from outside whose rows are summed over is turned in front of the loop, so
    /// that no step has to do it.
    fn product_of_step(&mut self, node: &Node, c: &Contraction) -> NodeId {
        let mut c = c.clone();
        let mut args: Vec<NodeId> = node.args.iter().map(|a| self.mapped(*a)).collect();
        let results = node.shape.extents().len();
        for (i, accesses) in [&mut c.a, &mut c.b].into_iter().enumerate() {
            let [row, column] = &accesses[..] else { continue };
            let is_matrix = self.loops[node.args[i].index()].is_none() && !self.to.shape(args[i]).batch;
            let sums = |access: &Access| access.as_axis().map(|axis| axis >= results);
            if is_matrix && (sums(row), sums(column)) == (Some(false), Some(true)) {
                accesses.swap(0, 1);
                args[i] = self.to.permute(args[i], &[1, 0]);
            }
        }
        self.to.contract(args[0], args[1], c, node.shape.clone())
    }

    fn copied(&mut self, node: &Node) -> NodeId {
        let args = node.args.iter().map(|a| self.mapped(*a)).collect();
        copy_with(&mut self.to, node, args)
    }

    /// Whether a node of a body has no need of the loop: no state depends on it, or it depends on no state.
    fn is_free(&self, id: NodeId) -> bool {
        !self.stateful[id.index()] || (self.worth[id.index()] && !self.recurrent[id.index()])
    }

    /// What a node is at every step, with the axis of the steps in front.
    fn rows(&mut self, of: Loop, id: NodeId) -> NodeId {
        self.try_rows(of, id).unwrap_or_else(|| self.stacked(of, id))
    }

    /// The same where the loop need not store it.
    fn try_rows(&mut self, of: Loop, id: NodeId) -> Option<NodeId> {
        if let Some(&known) = self.rows.get(&id) {
            return Some(known);
        }
        let node = self.from.node(id);
        let rows = match (&node.op, self.loops[id.index()]) {
            (_, None) => {
                let x = self.mapped(id);
                let shape = in_front(of, self.to.shape(x));
                self.to.broadcast(x, &shape)
            }
            (Op::At(_), _) => self.mapped(node.args[0]),
            (Op::Carry(..), _) => return None,
            _ if !self.is_free(id) => return None,
            _ => {
                let args: Vec<Operand> = node.args.iter().map(|a| self.operand(of, *a)).collect();
                over_steps(&mut self.to, of, node, &args)?
            }
        };
        self.rows.insert(id, rows);
        Some(rows)
    }

    /// An argument for an operation over all steps.
    fn operand(&mut self, of: Loop, id: NodeId) -> Operand {
        match self.loops[id.index()] {
            None => Operand::Same(self.mapped(id)),
            Some(_) => Operand::Rows(self.rows(of, id)),
        }
    }

    /// What the loop stores at every step.
    fn stacked(&mut self, of: Loop, id: NodeId) -> NodeId {
        let nexts =
            self.from.nexts(of).into_iter().filter_map(|(k, next)| Some((k, self.map[next.index()]?))).collect();
        let value = self.mapped(id);
        let rows = self.to.stacked_of(of, value, &nexts);
        self.rows.insert(id, rows);
        rows
    }

    /// The sum over all steps of what a node is.
    fn sum_of_rows(&mut self, of: Loop, id: NodeId) -> NodeId {
        let node = self.from.node(id);
        let is_inside = self.loops[id.index()].is_some();
        if is_inside && !self.recurrent[id.index()] {
            match &node.op {
                Op::Contract(c) => {
                    let args: Vec<Operand> = node.args.iter().map(|a| self.operand(of, *a)).collect();
                    return contract_over(&mut self.to, of, c, &args, &node.shape);
                }
                Op::Reduce { how: Reduction::Sum, axes, batch } => {
                    let rows = self.rows(of, node.args[0]);
                    let axes: Vec<usize> = std::iter::once(0).chain(axes.iter().map(|a| a + 1)).collect();
                    return self.to.reduce(Reduction::Sum, rows, &axes, *batch);
                }
                Op::Scatter => {
                    let [numbers, values] = [node.args[0], node.args[1]].map(|a| self.rows(of, a));
                    return self.to.scatter(numbers, values, node.shape.dims[0]);
                }
                // Moves, and whatever else is linear in one argument.
                Op::Reshape | Op::Permute(_) | Op::Slice(_) | Op::Broadcast | Op::Detach | Op::Unary(Unary::Negate) => {
                    let sum = self.sum_of_rows(of, node.args[0]);
                    return copy_with(&mut self.to, node, vec![sum]);
                }
                Op::Binary(op @ (Binary::Add | Binary::Subtract)) => {
                    let [a, b] = [node.args[0], node.args[1]].map(|a| self.sum_of_rows(of, a));
                    return self.to.binary(*op, a, b);
                }
                _ => {}
            }
        }
        if !is_inside {
            let x = self.mapped(id);
            return self.to.scale(x, of.steps as f64);
        }
        let rows = self.rows(of, id);
        self.to.reduce(Reduction::Sum, rows, &[0], false)
    }
}

/// The sum of two tensors that are put together of parts, where each part of one meets zeros of the other: the gradients of slices.
fn joined(g: &mut Graph, a: NodeId, b: NodeId) -> Option<NodeId> {
    let (&Op::Concat(axis), &Op::Concat(other)) = (&g.node(a).op, &g.node(b).op) else { return None };
    let ends = |g: &Graph, id: NodeId| {
        let mut end = 0;
        let part = |&part: &NodeId| {
            let start = end;
            end += g.shape(part).dims[axis];
            (start, end, (g.as_constant(part) != Some(0.0)).then_some(part))
        };
        g.node(id).args.iter().map(part).collect::<Vec<_>>()
    };
    if axis != other {
        return None;
    }
    let (of_a, of_b) = (ends(g, a), ends(g, b));
    let (mut i, mut j, mut at) = (0, 0, 0);
    let mut parts = vec![];
    while i < of_a.len() && j < of_b.len() {
        let ((start_a, end_a, part_a), (start_b, end_b, part_b)) = (of_a[i], of_b[j]);
        let end = end_a.min(end_b);
        parts.push(match (part_a, part_b) {
            (None, None) => {
                let mut shape = g.shape(a).clone();
                shape.dims[axis] = end - at;
                g.filled(0.0, &shape)
            }
            (Some(part), None) if (start_a, end_a) == (at, end) => part,
            (None, Some(part)) if (start_b, end_b) == (at, end) => part,
            _ => return None,
        });
        at = end;
        i += usize::from(end_a == end);
        j += usize::from(end_b == end);
    }
    Some(g.concat(&parts, axis))
}

/// Whether an operation is worth being done for all steps at once, even if its result then has to be stored.
fn is_work(op: &Op) -> bool {
    match op {
        Op::Contract(_) | Op::Reduce { .. } => true,
        Op::Unary(op) => op.is_expensive(),
        _ => false,
    }
}

/// An argument of an operation over all steps.
#[derive(Clone, Copy)]
enum Operand {
    /// It has the axis of the steps in front.
    Rows(NodeId),
    /// It is the same in each step.
    Same(NodeId),
}

fn in_front(of: Loop, shape: &Shape) -> Shape {
    Shape { batch: shape.batch, dims: std::iter::once(of.steps).chain(shape.dims.iter().copied()).collect() }
}

/// An operation with the axis of the steps in front of its other ones; `None` where there is no such operation.
fn over_steps(g: &mut Graph, of: Loop, node: &Node, args: &[Operand]) -> Option<NodeId> {
    let shape = in_front(of, &node.shape);
    // An argument with the axis of the steps, whether it needs it or not.
    let rows = |g: &mut Graph, operand: Operand| match operand {
        Operand::Rows(x) => x,
        Operand::Same(x) => {
            let shape = in_front(of, g.shape(x));
            g.broadcast(x, &shape)
        }
    };
    Some(match &node.op {
        Op::Unary(op) => {
            let x = rows(g, args[0]);
            g.unary(*op, x)
        }
        Op::Binary(op) => {
            let (a, b) = (rows(g, args[0]), rows(g, args[1]));
            g.binary(*op, a, b)
        }
        Op::Select => {
            let (condition, a, b) = (rows(g, args[0]), rows(g, args[1]), rows(g, args[2]));
            g.select(condition, a, b)
        }
        Op::Detach => {
            let x = rows(g, args[0]);
            g.detach(x)
        }
        Op::Broadcast => match args[0] {
            Operand::Same(x) => g.broadcast(x, &shape),
            Operand::Rows(x) => {
                let from = g.shape(x).dims.clone();
                let ones = vec![1; shape.rank() - from.len()];
                let dims = [&from[..1], &ones, &from[1..]].concat();
                let x = g.reshape(x, &dims);
                g.broadcast(x, &shape)
            }
        },
        Op::Reshape => {
            let x = rows(g, args[0]);
            g.reshape(x, &shape.dims)
        }
        Op::Permute(perm) => {
            let x = rows(g, args[0]);
            let perm: Vec<usize> = std::iter::once(0).chain(perm.iter().map(|p| p + 1)).collect();
            g.permute(x, &perm)
        }
        Op::Slice(starts) => {
            let x = rows(g, args[0]);
            g.slice(x, &[&[0], &starts[..]].concat(), &shape.dims)
        }
        Op::Concat(axis) => {
            let parts: Vec<NodeId> = args.iter().map(|part| rows(g, *part)).collect();
            g.concat(&parts, axis + 1)
        }
        Op::Window(accesses) => {
            let x = rows(g, args[0]);
            let behind = accesses.iter().map(|access| access.renumbered(|axis| axis + 1));
            g.window(x, std::iter::once(Access::axis(0)).chain(behind).collect(), &shape.dims)
        }
        Op::Reduce { how, axes, batch } => {
            let x = rows(g, args[0]);
            let axes: Vec<usize> = axes.iter().map(|axis| axis + 1).collect();
            g.reduce(*how, x, &axes, *batch)
        }
        Op::Contract(c) => {
            let [(a, a_rows), (b, b_rows)] = [args[0], args[1]].map(|operand| match operand {
                Operand::Rows(x) => (x, true),
                Operand::Same(x) => (x, false),
            });
            let place = usize::from(shape.batch);
            let read = |accesses: &[Access], rows: bool, batch: bool| {
                with_axis(accesses, rows.then_some(usize::from(batch)), place)
            };
            let c = Contraction {
                reduced: c.reduced.clone(),
                a: read(&c.a, a_rows, g.shape(a).batch),
                b: read(&c.b, b_rows, g.shape(b).batch),
            };
            if !a_rows && !b_rows {
                return None;
            }
            g.contract(a, b, c, shape)
        }
        Op::Gather => match (args[0], args[1]) {
            (Operand::Same(table), Operand::Rows(numbers)) => g.gather(table, numbers),
            _ => return None,
        },
        _ => return None,
    })
}

/// Accesses with one more axis of the reader, `place`; the operand's dimension `dim`, if any, is a new one that it reads.
fn with_axis(accesses: &[Access], dim: Option<usize>, place: usize) -> Vec<Access> {
    let number = |axis: usize| if axis < place { axis } else { axis + 1 };
    let mut all: Vec<Access> = accesses.iter().map(|access| access.renumbered(number)).collect();
    if let Some(dim) = dim {
        all.insert(dim, Access::axis(place));
    }
    all
}

/// A contraction that also sums over the steps: behind the batch, so that both are one long sum.
fn contract_over(g: &mut Graph, of: Loop, c: &Contraction, args: &[Operand], shape: &Shape) -> NodeId {
    let behind_batch = c.reduced.iter().position(|e| *e == Extent::Batch).map_or(0, |i| i + 1);
    let place = shape.extents().len() + behind_batch;
    let mut reduced = c.reduced.clone();
    reduced.insert(behind_batch, Extent::Size(of.steps));
    let read = |g: &Graph, operand: Operand, accesses: &[Access]| match operand {
        Operand::Rows(x) => (x, with_axis(accesses, Some(usize::from(g.shape(x).batch)), place)),
        Operand::Same(x) => (x, with_axis(accesses, None, place)),
    };
    let ((a, of_a), (b, of_b)) = (read(g, args[0], &c.a), read(g, args[1], &c.b));
    g.contract(a, b, Contraction { reduced, a: of_a, b: of_b }, shape.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff;
    use crate::graph::Leaf;

    /// `x [steps, 3]`, `h = tanh(x[t] w + h u)` with 4 numbers, and the sum of `h v` at all steps.
    fn network(steps: usize) -> (Graph, NodeId, Vec<NodeId>) {
        let mut g = Graph::new();
        let x = g.leaf(Leaf::Field(0), Shape::batched(&[steps, 3]));
        let [w, u, v] = [[4, 3], [4, 4], [2, 4]];
        let mut number = 0;
        let mut weight = |g: &mut Graph, dims: [usize; 2]| {
            number += 1;
            g.leaf(Leaf::Parameter(number), Shape::fixed(&dims))
        };
        let weights = [w, u, v].map(|dims| weight(&mut g, dims));
        let product = |g: &mut Graph, x: NodeId, w: NodeId| {
            let [m, n] = [0, 1].map(|i| g.shape(w).dims[i]);
            let c = Contraction::of_axes(vec![Extent::Size(n)], [0, 2], [1, 2]);
            g.contract(x, w, c, Shape::batched(&[m]))
        };
        let zeros = g.filled(0.0, &Shape::fixed(&[4]));
        let of = g.begin_loop(steps, false);
        let (x_t, h) = (g.at(of, x), g.carry(of, zeros));
        let (a, b) = (product(&mut g, x_t, weights[0]), product(&mut g, h, weights[1]));
        let sum = g.add2(a, b);
        let next = g.unary(Unary::Tanh, sum);
        let seen = product(&mut g, next, weights[2]);
        g.end_loop(of, &[(h, next)]);
        let all = g.stacked(of, seen);
        let loss = g.sum_sample(all);
        (g, loss, weights.to_vec())
    }

    /// The contractions that these need, inside of loops and outside.
    fn contractions(g: &Graph, roots: &[NodeId]) -> (usize, usize) {
        let (needed, loops, mut inside, mut outside) = (g.needed(roots), g.loops(), 0, 0);
        for (id, node) in g.nodes().filter(|(id, _)| needed[id.index()]) {
            if let Op::Contract(_) = node.op {
                *if loops[id.index()].is_some() { &mut inside } else { &mut outside } += 1;
            }
        }
        (inside, outside)
    }

    #[test]
    fn only_what_is_recurrent_stays_in_a_loop() {
        let (g, loss, _) = network(5);
        assert_eq!(contractions(&g, &[loss]), (3, 0));
        let (lifted, roots) = lift_out_of_loops(&g, &[loss]);
        assert_eq!(contractions(&lifted, &roots), (1, 2));
    }

    #[test]
    fn the_gradient_of_a_weight_is_one_product_over_steps_and_samples() {
        let (mut g, loss, weights) = network(5);
        let seed = g.filled(1.0, &Shape::batched(&[]));
        let gradients = autodiff::gradients(&mut g, loss, seed, &weights);
        let roots: Vec<NodeId> = gradients.into_iter().flatten().collect();
        let (lifted, roots) = lift_out_of_loops(&g, &roots);
        // Each way the recurrent product; outside those of the inputs and, for each weight, its gradient. What `v` hands back is a
        // product over all steps as well.
        assert_eq!(contractions(&lifted, &roots), (2, 5));
        for root in roots {
            assert!(matches!(lifted.node(root).op, Op::Contract(_)), "{:?}", lifted.node(root));
        }
    }

    #[test]
    fn gradients_of_slices_are_joined() {
        let mut g = Graph::new();
        let x = g.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let zeros = g.filled(0.0, &Shape::batched(&[3]));
        let more = g.filled(0.0, &Shape::batched(&[6]));
        let first = g.concat(&[x, more], 0);
        let y = g.unary(Unary::Tanh, x);
        let second = g.concat(&[zeros, y, zeros], 0);
        let both = joined(&mut g, first, second).expect("they do not meet");
        assert_eq!((&g.node(both).op, &g.node(both).args[..2]), (&Op::Concat(0), &[x, y][..]));
        assert_eq!(joined(&mut g, both, second), None, "parts meet");
    }
}
