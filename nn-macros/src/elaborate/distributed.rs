//! `time_distributed`: a block on each row of a tensor's first axis, with one set of parameters.

use proc_macro2::Ident;
use syn::{Expr, ExprPath};

use super::Elaborator;
use super::apply::Applicable;
use super::argument::is_value;
use super::call::{Call, Positional};
use super::value::{Tensor, Value};
use crate::diagnostics::Place;
use crate::functions::Function;
use crate::text;

impl Elaborator<'_, '_> {
    /// `x >> time_distributed(block)`
    pub fn time_distributed(&mut self, function: &Function, mut call: Call<'_>) -> Value {
        let word = call.word;
        let room = self.count_operation(word.span().into());
        let fits = !self.is_in_a_scan(word);
        let mut arguments = self.arguments_with_block(function, &mut call).into_iter().flatten();
        let (Some(x), Some(block)) = (arguments.next(), arguments.next()) else { return Value::Error };
        let value = match (x.value, &block.value) {
            (Value::Error, _) => Value::Error,
            (Value::Tensor(tensor), Value::Block(block)) if self.has_positions(&tensor) => {
                if room && fits {
                    self.at_positions(word, tensor, block)
                } else {
                    Value::Error
                }
            }
            (value, Value::Block(_)) => {
                let (text, is) = (text::of(x.expression), value.describe(&self.network.graph));
                let message = format!("`{word}` goes over the first axis of a tensor, but {}", is_value(&text, &is));
                let found = self.diagnostics.error(x.expression, message);
                if let Some(help) = value.destructuring(&text) {
                    found.help(help);
                }
                Value::Error
            }
            _ => Value::Error,
        };
        self.look_at_blocks([&block.value]);
        value
    }

    fn has_positions(&self, tensor: &Tensor) -> bool {
        self.network.graph.shape(tensor.node).rank() > 0
    }

    /// The block's value at each position, side by side. It is a loop without states, so it is computed for all positions at once.
    fn at_positions(&mut self, word: &Ident, x: Tensor, block: &Applicable) -> Value {
        let place = Place::from(word.span());
        let path = Ident::new("x", word.span()).into();
        let row = Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path });
        let before = self.diagnostics.len();
        let g = &mut self.network.graph;
        let steps = g.begin_loop(g.shape(x.node).dims[0], false);
        let node = g.at(steps, x.node);
        let value = Value::Tensor(Tensor { node, classes: x.classes, states: None });
        self.scanning = Some((word.to_string(), place.line()));
        let value = self.apply_block(block, Positional { value, expression: &row }, None);
        self.scanning = None;
        if self.diagnostics.len() > before && !self.stopped {
            let note = format!("on each row of the first axis, by `{word}` on line {}", place.line());
            self.diagnostics.note_since(before, &note);
        }
        let values: Vec<Value> = if let Value::Tuple(values) = value { values.clone() } else { vec![value] };
        let what = format!("what `{word}` does at each position");
        let rows: Vec<Option<Tensor>> = values.iter().map(|value| self.tensor(value, &row, &what)).collect();
        self.label("");
        let g = &mut self.network.graph;
        // A loop is ended also behind a mistake.
        g.end_loop(steps, &[]);
        let mut stack = |row: Tensor| Value::Tensor(Tensor { node: g.stacked(steps, row.node), states: None, ..row });
        let stacked: Option<Vec<Value>> = rows.into_iter().map(|row| row.map(&mut stack)).collect();
        match stacked {
            None => Value::Error,
            Some(mut one) if one.len() == 1 => one.remove(0),
            Some(several) => Value::Tuple(several),
        }
    }
}
