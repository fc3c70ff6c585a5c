//! Gradients through time.

use super::Bench;
use crate::graph::{Graph, Loop, NodeId, Shape, Unary};
use crate::layers;

/// `count` slices of the last axis.
fn parts(g: &mut Graph, x: NodeId, count: usize) -> Vec<NodeId> {
    let size = g.shape(x).dims[0] / count;
    (0..count).map(|i| g.slice(x, &[i * size], &[size])).collect()
}

/// An LSTM's step, with a weight that is the middle of a graph itself.
fn lstm(bench: &mut Bench, reverse: bool, steps: usize, x: NodeId, h0: NodeId, c0: NodeId) -> [NodeId; 3] {
    let size = bench.graph().shape(h0).dims[0];
    let inputs = bench.graph().shape(x).dims[1];
    let w = bench.operand(&Shape::fixed(&[4 * size, inputs]), (-1.0, 1.0));
    let u = bench.operand(&Shape::fixed(&[4 * size, size]), (-1.0, 1.0));
    let g = bench.graph();
    let time = g.begin_loop(steps, reverse);
    let x_t = g.at(time, x);
    let (h, c) = (g.carry(time, h0), g.carry(time, c0));
    let (a, b) = (product(g, x_t, w), product(g, h, u));
    let gates = g.add2(a, b);
    let [i, f, z, o] = parts(g, gates, 4)[..] else { unreachable!() };
    let [i, f, o] = [i, f, o].map(|gate| g.unary(Unary::Sigmoid, gate));
    let z = g.unary(Unary::Tanh, z);
    let (kept, new) = (g.mul(f, c), g.mul(i, z));
    let next_c = g.add2(kept, new);
    let bent = g.unary(Unary::Tanh, next_c);
    let next_h = g.mul(o, bent);
    let finals = g.end_loop(time, &[(h, next_h), (c, next_c)]);
    [g.stacked(time, next_h), finals[0], finals[1]]
}

/// `[n]` times `[m, n]`.
fn product(g: &mut Graph, x: NodeId, w: NodeId) -> NodeId {
    let (m, n) = (g.shape(w).dims[0], g.shape(w).dims[1]);
    let contraction = crate::graph::Contraction::of_axes(vec![crate::graph::Extent::Size(n)], [0, 2], [1, 2]);
    g.contract(x, w, contraction, Shape::batched(&[m]))
}

/// Everything that a loop gives, as one vector.
fn together(g: &mut Graph, all: &[NodeId]) -> NodeId {
    let flat: Vec<NodeId> = all
        .iter()
        .map(|x| {
            let size = g.shape(*x).size();
            g.reshape(*x, &[size])
        })
        .collect();
    g.concat(&flat, 0)
}

#[test]
fn of_an_lstm_for_inputs_states_and_weights() {
    for steps in [1, 2, 3, 8] {
        for reverse in [false, true] {
            let mut bench = Bench::new(steps as u64);
            let x = bench.batched(&[steps, 3], (-1.0, 1.0));
            let h0 = bench.batched(&[2], (-1.0, 1.0));
            let c0 = bench.batched(&[2], (-1.0, 1.0));
            let all = lstm(&mut bench, reverse, steps, x, h0, c0);
            let y = together(bench.graph(), &all);
            bench.check(&format!("lstm of {steps} steps, reverse {reverse}"), y);
        }
    }
}

#[test]
fn of_the_last_state_alone_and_of_all_states_alone() {
    for which in 0..3 {
        let mut bench = Bench::new(which);
        let x = bench.batched(&[4, 3], (-1.0, 1.0));
        let h0 = bench.operand(&Shape::fixed(&[2]), (-1.0, 1.0));
        let zeros = bench.graph().filled(0.0, &Shape::fixed(&[2]));
        let all = lstm(&mut bench, false, 4, x, h0, zeros);
        bench.check(&format!("end {which} of an lstm"), all[which as usize]);
    }
}

#[test]
fn of_loops_one_behind_another_and_beside() {
    let mut bench = Bench::new(7);
    let x = bench.batched(&[3, 2], (-1.0, 1.0));
    let zeros = bench.graph().filled(0.0, &Shape::fixed(&[2]));
    let [first, h, c] = lstm(&mut bench, false, 3, x, zeros, zeros);
    // The other direction reads what the first one gave, and starts from where it ended.
    let [second, ..] = lstm(&mut bench, true, 3, first, c, h);
    let [beside, ..] = lstm(&mut bench, true, 3, x, zeros, zeros);
    let y = bench.graph().add2(second, beside);
    bench.check("three loops", y);
}

/// A plain step: `state = tanh(state * weight + x[t])`, and what is made of it.
fn plain(g: &mut Graph, time: Loop, x: NodeId, state: NodeId, weight: NodeId) -> NodeId {
    let x_t = g.at(time, x);
    let scaled = g.mul(state, weight);
    let sum = g.add2(scaled, x_t);
    g.unary(Unary::Tanh, sum)
}

#[test]
fn of_a_state_that_another_one_depends_on() {
    let mut bench = Bench::new(3);
    let x = bench.batched(&[5, 3], (-1.0, 1.0));
    let weight = bench.operand(&Shape::fixed(&[3]), (-1.0, 1.0));
    let scale = bench.operand(&Shape::fixed(&[]), (0.5, 1.0));
    let start = bench.batched(&[3], (-1.0, 1.0));
    let g = bench.graph();
    let time = g.begin_loop(5, false);
    let (a, b) = (g.carry(time, start), g.carry(time, start));
    let next_a = plain(g, time, x, a, weight);
    // What `a` was, not what it becomes; and a state that is only handed on.
    let mixed = g.mul(a, b);
    let next_b = g.mul(mixed, scale);
    let seen = g.add2(next_b, next_a);
    let finals = g.end_loop(time, &[(a, next_a), (b, next_b)]);
    let all = g.stacked(time, seen);
    let y = together(g, &[all, finals[1]]);
    bench.check("a state of a state", y);
}

#[test]
fn of_a_state_that_no_step_reads_and_of_one_that_stays() {
    let mut bench = Bench::new(4);
    let x = bench.batched(&[4, 2], (-1.0, 1.0));
    let start = bench.batched(&[2], (-1.0, 1.0));
    let g = bench.graph();
    let time = g.begin_loop(4, false);
    let x_t = g.at(time, x);
    let (last, kept) = (g.carry(time, start), g.carry(time, start));
    let bent = g.unary(Unary::Sin, x_t);
    let finals = g.end_loop(time, &[(last, bent), (kept, kept)]);
    let constant = g.stacked(time, kept);
    let y = together(g, &[finals[0], finals[1], constant]);
    bench.check("states without recurrence", y);
}

#[test]
fn of_normalized_states() {
    let mut bench = Bench::new(5);
    let x = bench.batched(&[3, 4], (-1.0, 1.0));
    let weight = bench.operand(&Shape::fixed(&[4]), (-1.0, 1.0));
    let start = bench.batched(&[4], (-1.0, 1.0));
    let g = bench.graph();
    let time = g.begin_loop(3, false);
    let state = g.carry(time, start);
    let next = plain(g, time, x, state, weight);
    let next = layers::softmax(g, next, 0).expect("a vector");
    let finals = g.end_loop(time, &[(state, next)]);
    bench.check("a softmax in each step", finals[0]);
}
