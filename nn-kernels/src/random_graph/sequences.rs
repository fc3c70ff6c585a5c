//! Random sequences: tokens and what reads them.

use super::{Maker, Value};
use crate::layers::{self, Attention, MultiHead};
use crate::shape::Fact;
use crate::simplify::Blocks;

impl Maker {
    /// One more input, of tokens, with their embeddings; perhaps attention between them.
    ///
    /// Attention in every other network of this kind is computed by blocks of two rows or three.
    pub(super) fn tokens(&mut self, seed: u32) -> Result<(), Fact> {
        if seed % 8 == 2 {
            self.network.blocks = Blocks { from: 1, size: 1, rows: 2, times: 0 };
        }
        let (classes, length) = (self.dice.pick(&[1, 2, 5, 9]), self.dice.pick(&[1, 2, 3, 4, 7, 8]));
        let width = self.dice.pick(&[2, 4, 4, 6, 8]);
        let tokens = self.field("tokens", &[length], Some(classes));
        let lengths = self.field("length", &[], Some(length + 1));
        self.network.inputs += 2;
        self.network.graph.set_label("tokens");
        let padding = if self.dice.one_in(3) { Some(0) } else { None };
        let mut x = layers::embedding(&mut self.network, "embedding", (tokens, classes), width, padding, None)?;
        match self.dice.below(3) {
            0 => x = layers::positional_encoding(self.graph(), x, 100.0)?,
            1 => x = layers::position_embedding(&mut self.network, "position", x, None)?,
            _ => {}
        }
        self.values.push(Value { node: x, bound: 4.0 });
        let mask = layers::mask_from(self.graph(), (lengths, length + 1), length)?;
        if self.dice.one_in(2) {
            let heads = self.dice.pick(&[1, 2]);
            let attention = Attention {
                kv_heads: if self.dice.one_in(3) { Some(1) } else { None },
                causal: self.dice.one_in(2),
                mask: if self.dice.one_in(2) { Some(mask) } else { None },
                dropout: if self.dice.one_in(3) { 0.3 } else { 0.0 },
                ..Attention::new(heads)
            };
            let rotary = (width / heads).is_multiple_of(2) && self.dice.one_in(2);
            let options = MultiHead { attention, rotary: rotary.then_some(100.0), bias: self.dice.one_in(2) };
            let node = layers::self_attention(&mut self.network, "attention", x, &options)?;
            self.values.push(Value { node, bound: 4.0 });
        } else {
            let node = layers::masked_mean(self.graph(), x, mask)?;
            self.values.push(Value { node, bound: 4.0 });
        }
        Ok(())
    }
}
