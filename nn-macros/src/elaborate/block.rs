//! Blocks: statements with parameters.
//!
//! A block is looked at twice. Where it is declared, with parameters of which nothing is known: that finds what is wrong
//! with the block itself, once, and names that it does not use. And where it is used, with all that the arguments say:
//! what is wrong then is between the block and this use, and says so.

use std::rc::Rc;

use syn::Expr;

use super::apply::Applicable;
use super::call::Call;
use super::scope::Scope;
use super::slots::{Callee, Slot};
use super::value::Value;
use super::{BlockState, Elaborator};
use crate::ast::{Block, Parameter, Statement};
use crate::diagnostics::Place;
use crate::functions;
use crate::text;

impl<'a> Elaborator<'a, '_> {
    /// Declares a block and finds what is wrong with itself.
    pub fn declare_block(&mut self, block: &'a Block) {
        let name = block.name.to_string();
        let twin = self.visible_block(&name).map(|i| &self.blocks[i].block.name);
        let twin = twin.or_else(|| self.lookup(&name).map(|n| &n.ident)).cloned();
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
        if let Some(scope) = self.scopes.last_mut() {
            scope.blocks = count;
        }
    }

    fn look_at(&mut self, block: &'a Block) {
        let visible = self.scope().blocks;
        let outer = std::mem::replace(&mut self.declaring, true);
        let (operations, steps, stopped) = (self.operations, self.steps, self.stopped);
        self.scopes.push(Scope::new(&block.statements, Some(block), visible));
        for parameter in &block.parameters {
            match &parameter.default {
                Some(default) if parameter.is_block => {
                    let default = self.applicable(default, &what(parameter, block));
                    self.look_at_blocks([&default]);
                }
                Some(default) => drop(self.expression(default)),
                None => {}
            }
            let unknown = if parameter.is_block { Value::Block(Rc::new(Applicable::Unknown)) } else { Value::Error };
            self.declare_parameter(&parameter.name, unknown);
            if parameter.is_block && functions::find(&parameter.name.to_string()).is_some() {
                let name = &parameter.name;
                self.diagnostics
                    .error(name.span(), format!("`{name}` is a function of the language, so it cannot name a block"))
                    .help(format!("choose another name, such as `{name}_block`"));
            }
        }
        self.body(&block.statements, block.value.as_ref());
        let scope = self.scopes.pop();
        if block.sound {
            self.unused.extend(scope.iter().flat_map(Scope::unused).cloned());
        }
        (self.declaring, self.operations, self.steps, self.stopped) = (outer, operations, steps, stopped);
    }

    /// Statements and a value, of a block or of braces in an expression.
    pub fn body(&mut self, statements: &'a [Statement], value: Option<&'a Expr>) -> Value {
        for statement in statements {
            match statement {
                Statement::Const { name, value } => self.constant(name, value.as_ref()),
                Statement::Let { names, value } => self.binding(names, value.as_ref()),
                Statement::Scan(scan) => self.scan(scan),
                // Others have been reported.
                _ => {}
            }
        }
        value.map_or(Value::Error, |value| self.expression(value))
    }

    /// A block with its arguments.
    pub fn use_block(&mut self, index: usize, call: &mut Call<'_>) -> Value {
        let word = call.word;
        let block = self.blocks[index].block;
        self.blocks[index].used = true;
        if !block.callable {
            self.arguments_of_nothing(call);
            return Value::Error;
        }
        let slots = block.parameters.iter().map(|p| Slot {
            name: p.name.to_string(),
            is_block: p.is_block,
            required: p.default.is_none(),
            declaration: Some(&p.name),
        });
        let callee = Callee {
            name: format!("block `{}`", block.name),
            slots: slots.collect(),
            sound: self.blocks[index].sound,
            signature: &|| signature(block),
        };
        let Some(arguments) = self.fill(&callee, call) else { return Value::Error };
        if self.declaring || !self.blocks[index].sound || !self.count_operation(word.span().into()) {
            self.look_at_blocks(arguments.iter().flatten().map(|a| &a.value));
            return Value::Error;
        }
        let before = self.diagnostics.len();
        let outermost = self.use_in_network.is_none();
        if outermost {
            self.use_in_network = Some(word.span().into());
        }
        self.scopes.push(Scope::new(&block.statements, Some(block), index));
        let mut passed = Vec::new();
        for (parameter, argument) in block.parameters.iter().zip(arguments) {
            let value = match (argument, &parameter.default) {
                (Some(argument), _) => argument.value,
                (None, Some(default)) if parameter.is_block => self.applicable(default, &what(parameter, block)),
                (None, Some(default)) => self.expression(default),
                (None, None) => Value::Error,
            };
            passed.extend(Some(&value).filter(|v| matches!(v, Value::Block(_))).cloned());
            self.declare_parameter(&parameter.name, value);
        }
        let value = match block.shared {
            true => self.shared(block),
            false => self.body(&block.statements, block.value.as_ref()),
        };
        self.look_at_blocks(&passed);
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

    /// A block whose parameters exist once: they are called after the block, and each application begins to count layers
    /// anew, so that it finds those of the first one.
    fn shared(&mut self, block: &'a Block) -> Value {
        let path = std::mem::replace(&mut self.path, block.name.to_string());
        let layers = std::mem::take(&mut self.layers);
        let outer = std::mem::replace(&mut self.network.sharing, true);
        let value = self.body(&block.statements, block.value.as_ref());
        (self.path, self.layers, self.network.sharing) = (path, layers, outer);
        value
    }
}

/// What a parameter for a block is called in messages.
fn what(parameter: &Parameter, block: &Block) -> String {
    format!("`{}` of block `{}`", parameter.name, block.name)
}

/// How a block is called.
fn signature(block: &Block) -> String {
    let parameter = |p: &Parameter| {
        let kind = if p.is_block { ": block" } else { "" };
        match &p.default {
            Some(default) => format!("{}{kind} = {}", p.name, text::of(default)),
            None => format!("{}{kind}", p.name),
        }
    };
    let parameters: Vec<String> = block.parameters.iter().map(parameter).collect();
    format!("it is `block {}({})`", block.name, parameters.join(", "))
}
