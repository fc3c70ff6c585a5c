//! Blocks: statements with parameters.
//!
//! A block is looked at twice. Where it is declared, with parameters of which nothing is known: that finds what is wrong
//! with the block itself, once, and names that it does not use. And where it is used, with all that the arguments say:
//! what is wrong then is between the block and this use, and says so.

use std::collections::BTreeMap;

use super::call::Call;
use super::scope::Scope;
use super::value::Value;
use super::{BlockState, Elaborator};
use crate::ast::{Block, Parameter, Statement};
use crate::diagnostics::Place;
use crate::functions;
use crate::suggest::nearest;
use crate::text;

impl<'a> Elaborator<'a, '_> {
    /// Declares a block and finds what is wrong with itself.
    pub fn declare_block(&mut self, block: &'a Block) {
        let name = block.name.to_string();
        let twin = self.visible_block(&name).map(|i| &self.blocks[i].block.name);
        let twin = twin.or_else(|| self.scopes.last().and_then(|s| s.get(&name)).map(|n| &n.ident)).cloned();
        if functions::find(&name).is_some() {
            self.diagnostics
                .error(block.name.span(), format!("`{name}` is a function of the language, so it cannot name a block"))
                .help(format!("choose another name, such as `{name}_block`"));
        } else if let Some(twin) = twin {
            self.declared_twice(&block.name, &twin);
        }
        let before = self.diagnostics.len();
        self.look_at(block);
        let sound = self.diagnostics.len() == before && block.sound;
        self.block_names.insert(name, self.blocks.len());
        self.blocks.push(BlockState { block, used: false, sound });
        let count = self.blocks.len();
        self.scope().blocks = count;
    }

    fn look_at(&mut self, block: &'a Block) {
        let path = String::new();
        let visible = self.scope().blocks;
        let outer = std::mem::replace(&mut self.declaring, true);
        let (operations, stopped) = (self.operations, self.stopped);
        self.scopes.push(Scope::new(&block.statements, Some(block), visible, path));
        for parameter in &block.parameters {
            if let Some(default) = &parameter.default {
                self.expression(default);
            }
            self.declare(&parameter.name, Value::Error);
        }
        self.body(block);
        let scope = self.scopes.pop();
        if block.sound {
            self.unused.extend(scope.iter().flat_map(Scope::unused).cloned());
        }
        (self.declaring, self.operations, self.stopped) = (outer, operations, stopped);
    }

    fn body(&mut self, block: &'a Block) -> Value {
        for statement in &block.statements {
            match statement {
                Statement::Const { name, value } => self.constant(name, value.as_ref()),
                Statement::Let { names, value } => self.binding(names, value.as_ref()),
                // Others have been reported.
                _ => {}
            }
        }
        block.value.as_ref().map_or(Value::Error, |value| self.expression(value))
    }

    /// A block with its arguments.
    pub fn use_block(&mut self, index: usize, call: &mut Call<'_>) -> Value {
        let word = call.word;
        let block = self.blocks[index].block;
        self.blocks[index].used = true;
        let Some(arguments) = self.block_arguments(block, call) else { return Value::Error };
        if self.declaring || !self.blocks[index].sound || !self.count_operation(word.span().into()) {
            return Value::Error;
        }
        let before = self.diagnostics.len();
        let outermost = self.use_in_network.is_none();
        if outermost {
            self.use_in_network = Some(word.span().into());
        }
        let path = self.scope().path.clone();
        self.scopes.push(Scope::new(&block.statements, Some(block), index, path));
        for (parameter, argument) in block.parameters.iter().zip(arguments) {
            let value = argument
                .unwrap_or_else(|| parameter.default.as_ref().map_or(Value::Error, |default| self.expression(default)));
            self.declare(&parameter.name, value);
        }
        let value = self.body(block);
        self.scopes.pop();
        if outermost {
            self.use_in_network = None;
        }
        self.diagnostics.keep_one_a_place(before);
        if !self.stopped {
            let line = Place::from(word.span()).line();
            self.diagnostics.note_since(before, &format!("in block `{}`, as it is used on line {line}", block.name));
        }
        value
    }

    /// A value for each parameter; `None` where the default stands. Nothing at all if something is wrong.
    fn block_arguments(&mut self, block: &Block, call: &mut Call<'_>) -> Option<Vec<Option<Value>>> {
        let word = call.word;
        let (positional, named) = self.arguments(call);
        let parameters = &block.parameters;
        if !block.callable {
            for argument in named {
                self.expression(argument.value);
            }
            return None;
        }
        let positions: BTreeMap<String, usize> =
            parameters.iter().enumerate().map(|(i, p)| (p.name.to_string(), i)).collect();
        let mut bound: Vec<Option<Value>> = vec![None; parameters.len()];
        let mut sound = true;
        let given = positional.len();
        for (i, argument) in positional.into_iter().enumerate() {
            let Some(place) = bound.get_mut(i) else {
                self.diagnostics
                    .error(
                        argument.expression,
                        format!(
                            "block `{}` has {}, but {given} are given",
                            block.name,
                            text::count(parameters.len(), "parameter")
                        ),
                    )
                    .note(signature(block, parameters));
                sound = false;
                break;
            };
            *place = Some(argument.value);
        }
        for argument in named {
            let value = self.expression(argument.value);
            match positions.get(&argument.name.to_string()).copied() {
                Some(i) if bound[i].is_some() => {
                    self.diagnostics
                        .error(argument.name.span(), format!("`{}` is given already", argument.name))
                        .note(signature(block, parameters));
                    sound = false;
                }
                Some(i) => bound[i] = Some(value),
                None => {
                    let message = format!("block `{}` has no parameter `{}`", block.name, argument.name);
                    let found = self.diagnostics.error(argument.name.span(), message);
                    if let Some(near) = nearest(&argument.name.to_string(), positions.keys().map(String::as_str)) {
                        found.help(format!("did you mean `{near}`?"));
                    }
                    found.note(signature(block, parameters));
                    sound = false;
                }
            }
        }
        let missing: Vec<String> = parameters
            .iter()
            .zip(&bound)
            .filter(|(parameter, value)| value.is_none() && parameter.default.is_none())
            .map(|(parameter, _)| parameter.name.to_string())
            .collect();
        if sound && !missing.is_empty() {
            let names = text::list(missing.iter().map(String::as_str), "and");
            self.diagnostics
                .error(word.span(), format!("block `{}` lacks {names}", block.name))
                .note(signature(block, parameters));
            sound = false;
        }
        sound.then_some(bound)
    }
}

/// How a block is called.
fn signature(block: &Block, parameters: &[Parameter]) -> String {
    let parameter = |p: &Parameter| match &p.default {
        Some(default) => format!("{} = {}", p.name, text::of(default)),
        None => p.name.to_string(),
    };
    let parameters: Vec<String> = parameters.iter().map(parameter).collect();
    format!("it is `block {}({})`", block.name, parameters.join(", "))
}
