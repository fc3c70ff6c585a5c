//! Names in expressions.

use nn_kernels::graph::{Leaf, Shape};
use proc_macro2::Ident;
use syn::ExprPath;

use super::Elaborator;
use super::call::Call;
use super::value::Value;
use crate::ast::Item;
use crate::diagnostics::Place;
use crate::functions::{self, Apply};
use crate::suggest::nearest;

impl Elaborator<'_, '_> {
    /// A name where a value stands.
    pub fn name(&mut self, path: &ExprPath) -> Value {
        let Some(ident) = path.path.get_ident() else {
            self.diagnostics
                .error(path, "only names that are declared in the network can be used")
                .note("the macro sees nothing of the surrounding Rust code")
                .help("declare the value in the network: `const N = …;`");
            return Value::Error;
        };
        let name = ident.to_string();
        match self.mention(&name) {
            Some(Value::Block(_)) => {
                self.diagnostics
                    .error(ident.span(), format!("`{name}` is a block, not a value"))
                    .help(format!("pipe a value into it: `x >> {name}`"));
                return Value::Error;
            }
            Some(value) => return value,
            None => {}
        }
        if let Some(function) = functions::find(&name)
            && function.apply.is_setting()
        {
            return self.setting(function, Call { word: ident, piped: None, written: None, whole: path });
        }
        if functions::find(&name).is_some_and(|function| matches!(function.apply, Apply::SampleWeight)) {
            return self.sample_weight(ident);
        }
        self.unknown_name(ident, &name);
        Value::Error
    }

    /// `sample_weight`: a number for each sample, which the data has beside its fields.
    pub fn sample_weight(&mut self, word: &Ident) -> Value {
        self.note_word(word);
        let number = self.declared_fields;
        if !self.declaring {
            self.network.sample_weight = Some(number);
        }
        Value::numbers(self.network.graph.leaf(Leaf::Field(number), Shape::batched(&[])))
    }

    fn unknown_name(&mut self, ident: &Ident, name: &str) {
        let place = Place::from(ident.span());
        if let Some((scan, beyond)) = self.beyond_the_scan(name) {
            let (scan, line) = (scan.name, Place::from(beyond.ident.span()).line());
            self.diagnostics
                .error(place, format!("scan `{scan}` does not see `{name}` of line {line}"))
                .note("a scan sees its parameters, constants, and what is declared in it")
                .help(format!("let it go over `{name}`: `scan {scan}({name}_t in {name}, …)`"))
                .help(format!("or let each step read the whole of it: `scan {scan}(…, {name} = {name})`"));
            return;
        }
        let scope = self.scope();
        let later = self.visible_scopes().find_map(|scope| scope.declared_anywhere(name));
        if let Some(later) = later {
            let line = Place::from(later.span()).line();
            let message = if line == place.line() {
                format!("`{name}` is used in its own declaration")
            } else {
                format!("`{name}` is used before it is declared, on line {line}")
            };
            self.diagnostics.error(place, message).help("names are declared before they are used");
            return;
        }
        if let Some(function) = functions::find(name) {
            let found = self.diagnostics.error(place, format!("`{name}` is {}, not a value", function.apply.noun()));
            if function.apply.is_value() {
                found.help(format!("pipe a value into it: `x >> {name}`"));
            }
            return;
        }
        let declared = self.block_names.get(name).is_some_and(|index| *index < scope.blocks);
        if declared || scope.block.is_some_and(|b| b.name == name) {
            let found = self.diagnostics.error(place, format!("`{name}` is a block, not a value"));
            found.help(format!("pipe a value into it: `x >> {name}`"));
            return;
        }
        let (where_, outer) = match scope.block {
            Some(block) => (format!("block `{}`", block.name), self.scopes.first().filter(|_| self.scopes.len() > 1)),
            None => (format!("network `{}`", self.network.name), None),
        };
        if let Some(outside) = outer.and_then(|outer| outer.declared_anywhere(name)) {
            let line = Place::from(outside.span()).line();
            let constant = outer.is_some_and(|outer| outer.declares_constant(name));
            let found = self.diagnostics.error(place, format!("{where_} does not see `{name}` of line {line}"));
            found.note("a block sees its parameters, and what is declared in it");
            if constant {
                found.help(format!("declare it in the block: `const {name} = …;`"));
            }
            found.help(format!("make it a parameter, and pass it where the block is used: `{name} = {name}`"));
            return;
        }
        let near = nearest(name, self.visible_names().chain(["true", "false", "sample_weight"])).map(str::to_owned);
        let found = self.diagnostics.error(place, format!("cannot find value `{name}` in {where_}"));
        if let Some(near) = near {
            found.help(format!("did you mean `{near}`?"));
        } else if matches!(name.to_ascii_lowercase().as_str(), "batch" | "batch_size" | "none") {
            found.help("the batch dimension is never written: shapes are those of one sample");
        } else if !name.chars().any(char::is_lowercase) {
            found.note("the macro sees nothing of the surrounding Rust code, constants included").help(format!(
                "declare it in the {}: `const {name} = …;`",
                where_.split(' ').next().unwrap_or_default()
            ));
        }
    }

    /// Explains a function that is none.
    pub fn unknown_function(&mut self, ident: &Ident) {
        let name = ident.to_string();
        let place = Place::from(ident.span());
        let scope = self.scope();
        if scope.block.is_some_and(|block| block.name == name) {
            self.diagnostics.error(place, format!("block `{name}` uses itself, which would never end"));
            return;
        }
        if scope.block.is_some() && scope.block_anywhere(&name).is_some() {
            // It is declared in this block, which has been reported.
            return;
        }
        let later = self.scopes.iter().find_map(|scope| scope.block_anywhere(&name));
        let later = later.or_else(|| {
            self.items.iter().find_map(|item| match item {
                Item::Block(block) if block.name == name => Some(&block.name),
                _ => None,
            })
        });
        if let Some(later) = later {
            let line = Place::from(later.span()).line();
            self.diagnostics
                .error(place, format!("block `{name}` is used before it is declared, on line {line}"))
                .help("move it up: names are declared before they are used");
            return;
        }
        if let Some(value) = self.lookup(&name) {
            let (line, is) = (Place::from(value.ident.span()).line(), value.value.describe(&self.network.graph));
            let is_known = !matches!(value.value, Value::Error);
            let parameter = scope.block.and_then(|b| b.parameters.iter().find(|p| p.name == name));
            if parameter.is_some_and(|p| p.is_block) {
                // What was passed is no block, which has been reported.
                return;
            }
            let found = self.diagnostics.error(place, format!("`{name}` is a value, not a function"));
            if is_known {
                found.note(format!("it is {is}, declared on line {line}"));
            }
            if parameter.is_some() {
                found.help(format!("to pass a block, declare the parameter as one: `{name}: block`"));
            }
            return;
        }
        let blocks = self.block_names.iter().filter(|(_, index)| **index < scope.blocks).map(|(name, _)| name.clone());
        let known: Vec<String> = blocks
            .chain(
                functions::all()
                    .filter(|f| !matches!(f.apply, Apply::Optimizer(_) | Apply::Precision(_)))
                    .map(|f| f.name.to_owned()),
            )
            .collect();
        let near = functions::known_elsewhere_as(&name).or_else(|| nearest(&name, known.iter().map(String::as_str)));
        let found = self.diagnostics.error(place, format!("cannot find function `{name}`"));
        if let Some(near) = near {
            found.help(format!("did you mean `{near}`?"));
        } else if name == "scan" {
            found.help("it is a statement: `scan memory(x_t in x, h = zeros(8)) { …; h }`");
        }
    }
}
