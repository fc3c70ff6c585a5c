//! `repeat`: a block applied several times, each time with parameters of its own.

use proc_macro2::Ident;
use syn::{Expr, ExprPath};

use super::Elaborator;
use super::apply::Applicable;
use super::argument::is_value;
use super::bind::signature;
use super::call::{Call, Positional};
use super::slots::{Argument, Callee, Slot};
use super::value::Value;
use crate::diagnostics::Place;
use crate::functions::{Function, Kind, Parameter};
use crate::numbers::Number;
use crate::text;

impl Elaborator<'_, '_> {
    /// `x >> repeat(n, block)`
    pub fn repeat(&mut self, function: &Function, mut call: Call<'_>) -> Value {
        let word = call.word;
        let room = self.count_operation(word.span().into());
        let mut arguments = self.arguments_with_block(function, &mut call).into_iter().flatten();
        let (Some(x), Some(n), Some(block)) = (arguments.next(), arguments.next(), arguments.next()) else {
            return Value::Error;
        };
        let n = self.applications(&n);
        let value = match (n, x.value, &block.value) {
            (Some(0), value, _) => value,
            (_, Value::Error, _) | (None, ..) => Value::Error,
            (_, value @ Value::Tuple(_), _) => {
                let (text, is) = (text::of(x.expression), value.describe(&self.network.graph));
                let message = format!("`{word}` takes one value, but {}", is_value(&text, &is));
                let found = self.diagnostics.error(x.expression, message);
                if let Some(help) = value.destructuring(&text) {
                    found.help(help);
                }
                Value::Error
            }
            (Some(n), value, Value::Block(block)) if room => {
                self.repeated(word, n, block, Positional { value, expression: x.expression })
            }
            _ => Value::Error,
        };
        self.look_at_blocks([&block.value]);
        value
    }

    /// All arguments of a function that takes a block; none of them has a default.
    pub fn arguments_with_block<'e>(&mut self, function: &Function, call: &mut Call<'e>) -> Option<Vec<Argument<'e>>> {
        let (word, place) = (call.word, Place::from(call.word.span()));
        self.note_word(word);
        let slot = |p: &Parameter| Slot {
            name: p.name.to_owned(),
            is_block: p.kind == Kind::Block,
            required: true,
            declaration: None,
        };
        let slots: Vec<Slot<'_>> = function.parameters.iter().map(slot).collect();
        let given = call.written.map_or(0, |written| written.len());
        if call.piped.is_none() && given < slots.len() {
            self.diagnostics
                .error(place, format!("`{}` has nothing to act on", call.text()))
                .help(format!("pipe a value into it: `x >> {}`", call.text()));
            self.arguments_of_nothing(call);
            return None;
        }
        let callee = Callee { name: format!("`{word}`"), slots, sound: true, signature: &|| signature(function) };
        self.fill(&callee, call).map(|arguments| arguments.into_iter().flatten().collect())
    }

    /// So many applications of a block, the first of them to `x`.
    fn repeated(&mut self, word: &Ident, n: i64, block: &Applicable, x: Positional<'_>) -> Value {
        let place = Place::from(word.span());
        let outermost = self.use_in_network.is_none();
        if outermost {
            self.use_in_network = Some(place);
        }
        // What the first application takes has been written; the others take what the one before gives.
        let path = Ident::new("x", word.span()).into();
        let result = Expr::Path(ExprPath { attrs: Vec::new(), qself: None, path });
        let (mut value, mut expression) = (x.value, x.expression);
        for i in 0..n {
            let before = self.diagnostics.len();
            let index = Value::Number(Number::integer(i));
            value = if !self.count_operation(place) {
                Value::Error
            } else if let Value::Tuple(values) = &value {
                let count = text::count(values.len(), "value");
                let message = format!("each application takes one value, but the one before gives {count}");
                self.diagnostics.error(place, message);
                Value::Error
            } else {
                let x = Positional { value, expression };
                self.at_path(&i.to_string(), |this| this.apply_block(block, x, Some(index)))
            };
            expression = &result;
            if self.diagnostics.len() > before && !self.stopped {
                self.diagnostics.keep_one_a_place(before);
                let from = if i == 0 { String::new() } else { format!(", on the result of application {i}") };
                let application = format!("in application {} of {n}{from}", i + 1);
                self.diagnostics.note_since(before, &format!("{application}, by `{word}` on line {}", place.line()));
            }
            if let Value::Error = value {
                break;
            }
        }
        if outermost {
            self.use_in_network = None;
        }
        value
    }

    /// How many applications there are.
    fn applications(&mut self, n: &Argument<'_>) -> Option<i64> {
        let message = match &n.value {
            Value::Number(Number::Integer(n, _)) if *n >= 0 => return Some(*n),
            Value::Error => return None,
            Value::Number(Number::Integer(..)) => "`n` of `repeat` must be at least 0",
            _ => "`n` of `repeat` is an integer",
        };
        let is = is_value(&text::of(n.expression), &n.value.describe(&self.network.graph));
        let found = self.diagnostics.error(n.expression, format!("{message}, but {is}"));
        match &n.value {
            Value::Number(Number::Float(x)) if x.fract() == 0.0 && x.abs() < 1e15 => {
                found.help(format!("write `{x:.0}`"));
            }
            Value::Tensor(_) => {
                found.help("a network is fixed when it is compiled: how often is a constant");
            }
            _ => {}
        }
        None
    }
}
