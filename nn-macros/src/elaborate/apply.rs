//! Blocks as arguments: what may stand right of `>>`, passed to a block or to `repeat`.
//!
//! Nothing of it is evaluated where it is passed. Each application evaluates it as if it were written out: `x >> repeat(2,
//! f(a))` is `x >> f(a) >> f(a)`. Names in it are those that can be seen where it is written.

use std::cell::Cell;
use std::rc::Rc;

use proc_macro2::Ident;
use syn::{BinOp, Expr, ExprClosure, Pat};

use super::Elaborator;
use super::argument::is_value;
use super::call::{Call, Positional, call_parts};
use super::value::Value;
use crate::diagnostics::Place;
use crate::functions;
use crate::parse::words;
use crate::text;

/// What can be applied to a value.
#[derive(Debug)]
pub enum Applicable {
    /// The parameter of a block that is looked at on its own: nothing is known about it.
    Unknown,
    /// A name, a call without its first argument, or a closure.
    Written {
        /// As written.
        expression: Box<Expr>,
        /// The scope in which it is written.
        scope: usize,
        /// Whether it has been evaluated, so that its mistakes are known.
        evaluated: Cell<bool>,
    },
}

impl Elaborator<'_, '_> {
    /// What is passed where a block is expected: a [`Value::Block`], or a mistake. `what` says where that is.
    pub fn applicable(&mut self, expression: &Expr, what: &str) -> Value {
        let sound = match expression {
            Expr::Group(group) => return self.applicable(&group.expr, what),
            Expr::Paren(paren) => return self.applicable(&paren.expr, what),
            Expr::Closure(closure) => self.is_closure(closure),
            Expr::Path(_) | Expr::Call(_) => match call_parts(expression) {
                Some((word, None)) => match self.mention(&word.to_string()) {
                    Some(block @ (Value::Block(_) | Value::Error)) => return block,
                    Some(value) => {
                        self.is_no_block(&value, expression, what);
                        false
                    }
                    None => self.names_applicable(word, what),
                },
                Some((word, Some(_))) => match self.lookup(&word.to_string()).map(|name| &name.value) {
                    Some(Value::Error) => false,
                    // Reported at each application.
                    Some(Value::Block(_)) => true,
                    _ => self.names_applicable(word, what),
                },
                None => {
                    self.diagnostics
                        .error(expression, format!("{what} is a block, but here is `{}`", text::of(expression)))
                        .help("functions and blocks are named without a path");
                    false
                }
            },
            Expr::Array(_) | Expr::Tuple(_) | Expr::If(_) => {
                self.mention_all(expression);
                let message = format!("{what} is one block, but here is `{}`", text::of(expression));
                let found = self.diagnostics.error(expression, message);
                if let Expr::If(choice) = expression {
                    let condition = text::of(&choice.cond);
                    found.help(format!("decide in a closure: `|x| if {condition} {{ x >> … }} else {{ x }}`"));
                }
                false
            }
            _ if self.is_pipeline_without_input(expression) => {
                let text = text::of(expression);
                self.diagnostics
                    .error(expression, format!("{what} is one function or block, but `{text}` is several"))
                    .help(format!("write a closure: `|x| x >> {text}`"));
                false
            }
            _ => {
                let value = self.expression(expression);
                self.is_no_block(&value, expression, what);
                false
            }
        };
        if !sound {
            return Value::Error;
        }
        let scope = self.scopes.len() - 1;
        let (expression, evaluated) = (Box::new(expression.clone()), Cell::new(false));
        Value::Block(Rc::new(Applicable::Written { expression, scope, evaluated }))
    }

    /// `dense(8) >> relu`, where the first function has nothing to act on.
    fn is_pipeline_without_input(&self, expression: &Expr) -> bool {
        let mut first = expression;
        while let Expr::Binary(binary) = first
            && let BinOp::Shr(_) = binary.op
        {
            first = &binary.left;
        }
        let is_pipeline = !std::ptr::eq(first, expression);
        let Some((word, written)) = call_parts(first).filter(|_| is_pipeline) else { return false };
        let name = word.to_string();
        let is_block = match self.lookup(&name) {
            Some(name) => matches!(name.value, Value::Block(_)),
            None => self.visible_block(&name).is_some() || functions::find(&name).is_some_and(|f| f.apply.is_value()),
        };
        let is_tensor =
            |word: &str| matches!(self.lookup(word).map(|n| &n.value), Some(Value::Tensor(_) | Value::Error));
        is_block && !words(&written, self.bodies).iter().any(|word| is_tensor(word))
    }

    fn is_no_block(&mut self, value: &Value, expression: &Expr, what: &str) {
        if let Value::Error = value {
            return;
        }
        let (text, is) = (text::of(expression), value.describe(&self.network.graph));
        let is = is_value(&text, &is);
        let found = self.diagnostics.error(expression, format!("{what} is a block, but {is}"));
        match (expression, value) {
            (Expr::Binary(binary), Value::Tensor(_)) if matches!(binary.op, BinOp::Shr(_)) => {
                let mut first = expression;
                while let Expr::Binary(binary) = first {
                    first = &binary.left;
                }
                let first = text::of(first);
                match text.strip_prefix(&first) {
                    Some(rest) => found.help(format!("write a closure: `|x| x{rest}`")),
                    None => found.help("write a closure: `|x| x >> …`"),
                };
            }
            _ => {
                found.help(
                    "pass a function or a block, `relu` or `dense(8)`, or a closure, `|x| x >> dense(8) >> relu`",
                );
            }
        }
    }

    /// Whether a word names a function or a block that can be applied.
    fn names_applicable(&mut self, word: &Ident, what: &str) -> bool {
        let name = word.to_string();
        if self.visible_block(&name).is_some() {
            return true;
        }
        match functions::find(&name) {
            Some(function) if function.apply.is_value() => true,
            Some(function) => {
                let is = function.apply.noun();
                self.diagnostics.error(word.span(), format!("{what} is a block, but `{name}` is {is}"));
                false
            }
            None => {
                self.unknown_function(word);
                false
            }
        }
    }

    /// Whether a closure is one of the language.
    fn is_closure(&mut self, closure: &ExprClosure) -> bool {
        let before = self.diagnostics.len();
        let foreign = closure.capture.map(|word| word.span).or(closure.asyncness.map(|word| word.span));
        let foreign = foreign.or(closure.constness.map(|word| word.span));
        if let Some(span) = foreign {
            self.diagnostics.error(span, "closures have no modifiers here").help("remove it");
        }
        if let Some(lifetimes) = &closure.lifetimes {
            self.diagnostics.error(lifetimes, "closures have no lifetimes here").help("remove them");
        }
        if let syn::ReturnType::Type(..) = &closure.output {
            self.diagnostics.error(&closure.output, "closures have no types here").help("remove it");
        }
        for pattern in &closure.inputs {
            match pattern {
                Pat::Ident(ident) if is_plain(ident) => {}
                Pat::Wild(_) => {}
                Pat::Type(typed) => {
                    let name = text::of(&typed.pat);
                    self.diagnostics
                        .error(&typed.colon_token, "parameters have no types")
                        .help(format!("write `{name}`"));
                }
                other => {
                    self.diagnostics
                        .error(other, "the parameters of a closure are names")
                        .help("write `|x| …`, or in `repeat` also `|x, i| …` with the index");
                }
            }
        }
        if !(1..=2).contains(&closure.inputs.len()) {
            let bars = Place::from(closure.inputs_begin.span).to(closure.inputs_end.span.into());
            let count = text::count(closure.inputs.len(), "parameter");
            self.diagnostics
                .error(
                    bars,
                    format!("a closure takes the value, and in `repeat` also the index, but this one has {count}"),
                )
                .help("write `|x| …` or `|x, i| …`");
        }
        self.diagnostics.len() == before
    }

    /// Applies a block to a value. In loops, closures can take the index.
    pub fn apply_block(&mut self, block: &Applicable, x: Positional<'_>, index: Option<Value>) -> Value {
        let Applicable::Written { expression, scope, evaluated } = block else { return Value::Error };
        evaluated.set(true);
        self.in_scope(*scope, &[], |this| match (&**expression, call_parts(expression)) {
            (Expr::Closure(closure), _) => this.apply_closure(closure, x, index),
            (whole, Some((word, written))) => this.call(Call { word, piped: Some(x), written, whole }),
            _ => Value::Error,
        })
    }

    fn apply_closure(&mut self, closure: &ExprClosure, x: Positional<'_>, index: Option<Value>) -> Value {
        let values = match (closure.inputs.len(), index) {
            (2, None) => {
                let bars = Place::from(closure.inputs_begin.span).to(closure.inputs_end.span.into());
                self.diagnostics
                    .error(bars, "this closure takes the value and an index, but there is no index here")
                    .note("`repeat` counts its applications; others give a closure the value alone");
                [x.value, Value::Error]
            }
            (_, index) => [x.value, index.unwrap_or(Value::Error)],
        };
        for (parameter, value) in closure.inputs.iter().zip(values) {
            if let Pat::Ident(parameter) = parameter {
                self.declare_parameter(&parameter.ident, value);
            }
        }
        self.expression(&closure.body)
    }

    /// Finds what is wrong with blocks that have been passed and not been applied.
    pub fn look_at_blocks<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        for value in values {
            if let Value::Block(block) = value
                && let Applicable::Written { expression, evaluated, .. } = &**block
                && !evaluated.get()
            {
                let outer = std::mem::replace(&mut self.declaring, true);
                self.apply_block(block, Positional { value: Value::Error, expression }, Some(Value::Error));
                self.declaring = outer;
            }
        }
    }

    /// A parameter of a block that is applied: `x >> body`.
    pub fn call_parameter(&mut self, block: &Applicable, mut call: Call<'_>) -> Value {
        let word = call.word;
        let line = self.lookup(&word.to_string()).map_or(0, |name| Place::from(name.ident.span()).line());
        let (mut positional, named) = self.arguments(&mut call);
        for argument in &named {
            self.expression(argument.value);
        }
        let surplus =
            positional.get(1).map(|p| Place::from(p.expression)).or(named.first().map(|n| n.name.span().into()));
        if let Some(surplus) = surplus {
            self.diagnostics
                .error(surplus, format!("`{word}` takes one value: its other arguments are given where it is passed"))
                .note(format!("`{word}` is a parameter of line {line}: whoever passes `f(a)` for it gets `f(x, a)`"))
                .help(format!("write `x >> {word}`"));
            return Value::Error;
        }
        match positional.pop() {
            Some(x) => self.apply_block(block, x, None),
            None => {
                self.diagnostics
                    .error(word.span(), format!("`{}` has nothing to act on", text::of(call.whole)))
                    .help(format!("pipe a value into it: `x >> {word}`"));
                Value::Error
            }
        }
    }

    /// What stands where a value is expected, if that is a block: "`relu`, a function".
    pub fn block_for_value(&self, expression: &Expr) -> Option<String> {
        if let Expr::Closure(_) = expression {
            return Some("a closure".to_owned());
        }
        let (word, None) = call_parts(expression)? else { return None };
        let name = word.to_string();
        let declared = self.lookup(&name).map(|name| matches!(name.value, Value::Block(_)));
        if declared == Some(true) || declared.is_none() && self.visible_block(&name).is_some() {
            return Some(format!("`{name}`, a block"));
        }
        let function = functions::find(&name).filter(|f| declared.is_none() && f.apply.is_value());
        function.map(|_| format!("`{name}`, a function"))
    }

    /// The words of what is not evaluated: names and blocks in it are in use all the same.
    pub fn mention_words<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) {
        for word in words {
            self.mention(word);
            if let Some(index) = self.visible_block(word) {
                self.blocks[index].used = true;
            }
        }
    }
}

fn is_plain(ident: &syn::PatIdent) -> bool {
    ident.attrs.is_empty() && ident.by_ref.is_none() && ident.mutability.is_none() && ident.subpat.is_none()
}
