//! Loops over time in random networks.

use super::{Dice, Maker, Value};
use crate::graph::{Binary, Graph, NodeId, Shape, Unary};
use crate::layers::{self, Affine};
use crate::shape::Fact;

impl Maker {
    /// Puts a loop over a part of the newest value: a cell with one or two states, in either direction, of which all steps or the
    /// last states are the new value. Its dice are its own, so networks without loops do not depend on it.
    pub(super) fn through_time(&mut self, seed: u32) -> Result<(), Fact> {
        let mut dice = Dice(u64::from(seed) << 32);
        let Some(&x) = self.values.last() else { return Ok(()) };
        let size: usize = self.dims_of(x).iter().product();
        let steps = dice.pick(&[1, 2, 3, 4, 5]);
        let features = (size / steps).min(6);
        if features == 0 {
            return Ok(());
        }
        let flat = self.graph().reshape(x.node, &[size]);
        let part = self.graph().slice(flat, &[0], &[steps * features]);
        let part = self.graph().scale(part, 1.0 / x.bound.max(1.0));
        let x = self.graph().reshape(part, &[steps, features]);
        let hidden = dice.pick(&[1, 3, 4, 8]);
        let start = if dice.one_in(2) { 0.0 } else { 0.3 };
        let start = self.graph().filled(start, &Shape::fixed(&[hidden]));
        let of = self.graph().begin_loop(steps, dice.one_in(2));
        let x_t = self.graph().at(of, x);
        let (h, c) = (self.graph().carry(of, start), self.graph().carry(of, start));
        let options = |bias| Affine { bias, ..Affine::new(2 * hidden) };
        let ends = layers::linear(&mut self.network, "loop.input", x_t, &options(true)).and_then(|input| {
            let state = layers::linear(&mut self.network, "loop.state", h, &options(dice.one_in(2)))?;
            let g = self.graph();
            let sum = g.add2(input, state);
            let halves = [0, hidden].map(|first| g.slice(sum, &[first], &[hidden]));
            Ok(cell(g, &mut dice, halves, c))
        });
        let [next_h, next_c] = *ends.as_ref().unwrap_or(&[h, c]);
        let finals = self.graph().end_loop(of, &[(h, next_h), (c, next_c)]);
        ends?;
        let g = self.graph();
        let seen = g.add2(next_h, c);
        let node = match dice.below(3) {
            0 => g.stacked(of, seen),
            1 => g.stacked(of, next_h),
            _ => g.broadcast_binary(Binary::Add, finals[0], finals[1]),
        };
        self.values.push(Value { node, bound: 2.0 });
        Ok(())
    }
}

/// What the states become.
fn cell(g: &mut Graph, dice: &mut Dice, [gate, new]: [NodeId; 2], c: NodeId) -> [NodeId; 2] {
    let (gate, new) = (g.unary(Unary::Sigmoid, gate), g.unary(Unary::Tanh, new));
    let kept = g.mul(gate, c);
    let next_c = if dice.one_in(3) { new } else { g.add2(kept, new) };
    let bent = g.unary(Unary::Tanh, next_c);
    [g.mul(bent, gate), g.scale(next_c, 0.5)]
}
