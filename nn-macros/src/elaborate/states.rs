//! What loops leave behind: the final states that come with their results.

use nn_kernels::graph::NodeId;
use syn::{ExprField, Member};

use super::Elaborator;
use super::value::{Tensor, Value};
use crate::suggest::nearest;
use crate::text;

impl Elaborator<'_, '_> {
    /// The states that a loop ends with, for a layer's result.
    pub fn sequence_value(&mut self, outputs: NodeId, states: Vec<(&'static str, NodeId)>) -> Value {
        let finals = states.into_iter().map(|(name, node)| (name.to_owned(), Value::numbers(node)));
        self.states.push(finals.collect());
        Value::Tensor(Tensor { node: outputs, classes: None, states: Some(self.states.len() - 1) })
    }

    /// As many values as names: what a loop gives at all steps comes with its final states, if they are asked for.
    pub fn with_states(&self, value: Value, names: usize) -> Value {
        match value {
            Value::Tensor(tensor) => match tensor.states.map(|number| &self.states[number]) {
                Some(states) if states.len() + 1 == names => {
                    let states = states.iter().map(|(_, state)| state.clone());
                    Value::Tuple(std::iter::once(Value::Tensor(tensor)).chain(states).collect())
                }
                _ => value,
            },
            other => other,
        }
    }

    /// The names of the final states that come with a value.
    pub fn named_states(&self, value: &Value) -> Option<Vec<&str>> {
        let Value::Tensor(Tensor { states: Some(number), .. }) = value else { return None };
        Some(self.states[*number].iter().map(|(name, _)| name.as_str()).collect())
            .filter(|names: &Vec<_>| !names.is_empty())
    }

    /// `memory.h`: the state behind the last step.
    pub fn final_state(&mut self, field: &ExprField) -> Value {
        let value = self.expression(&field.base);
        let tensor = match &value {
            Value::Error => return Value::Error,
            Value::Tuple(values) => values.first(),
            other => Some(other),
        };
        let states = match tensor {
            Some(Value::Tensor(Tensor { states: Some(number), .. })) => &self.states[*number],
            _ => {
                self.diagnostics
                    .error(&field.member, "only what loops give has fields: their final states")
                    .help("a block with several results is taken apart by `(a, b) = …;`");
                return Value::Error;
            }
        };
        let written = match &field.member {
            Member::Named(name) => name.to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        if let Some((_, state)) = states.iter().find(|(name, _)| *name == written) {
            return state.clone();
        }
        let names: Vec<&str> = states.iter().map(|(name, _)| name.as_str()).collect();
        let found =
            self.diagnostics.error(&field.member, format!("`{}` has no state `{written}`", text::of(&field.base)));
        if let Some(near) = nearest(&written, names.iter().copied()) {
            found.help(format!("did you mean `{near}`?"));
        }
        match names.as_slice() {
            [] => found.note("it has no states"),
            [one] => found.note(format!("its only state is `{one}`")),
            all => found.note(format!("its states are {}", text::list(all.iter().copied(), "and"))),
        };
        Value::Error
    }
}
