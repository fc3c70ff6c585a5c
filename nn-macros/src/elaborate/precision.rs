//! The `precision` statement.

use nn_kernels::layers;
use proc_macro2::Ident;
use syn::Expr;

use super::Elaborator;
use super::call::{Call, call_parts};
use super::explain::Subject;
use super::statement::Declared;
use crate::diagnostics::Place;
use crate::functions::{self, Apply, Function};
use crate::suggest::nearest;
use crate::text;

impl Elaborator<'_, '_> {
    pub(super) fn precision(&mut self, word: &Ident, value: Option<&Expr>, declared: &mut Declared) {
        if let Some(first) = &declared.precision {
            let line = Place::from(first.span()).line();
            self.diagnostics
                .error(word.span(), format!("`precision` stands at most once, and there is one on line {line}"));
        } else {
            declared.precision = Some(word.clone());
        }
        let Some(expression) = value else { return };
        let names = || text::list(precisions().map(|f| f.name), "and");
        let Some((name, written)) = call_parts(expression) else {
            self.diagnostics
                .error(expression, "expected a precision, such as `mixed` or `mixed(loss_scale = 1024.0)`")
                .help(format!("there are {}", names()));
            return;
        };
        let function = precisions().find(|f| name == f.name);
        let Some((function, Apply::Precision(apply))) = function.map(|f| (f, &f.apply)) else {
            let written = name.to_string();
            let found = self.diagnostics.error(name.span(), format!("cannot find precision `{name}`"));
            match elsewhere(&written).or_else(|| nearest(&written, precisions().map(|f| f.name))) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.help(format!("there are {}", names())),
            };
            return;
        };
        self.note_word(name);
        let mut call = Call { word: name, piped: None, written, whole: expression };
        let Some(binding) = self.bind(function, &mut call) else { return };
        let precision = apply(&binding.arguments);
        match layers::check_precision(&precision) {
            Ok(()) => self.network.precision = precision,
            Err(fact) => self.explain(&fact, &Subject::of_call(&call, binding, false)),
        }
    }
}

fn precisions() -> impl Iterator<Item = &'static Function> {
    functions::all().filter(|f| matches!(f.apply, Apply::Precision(_)))
}

/// What others call it.
fn elsewhere(name: &str) -> Option<&'static str> {
    match name {
        "f16" | "half" | "float16" | "fp16" | "mixed_float16" | "amp" | "autocast" => Some("mixed"),
        "f32" | "float32" | "fp32" | "single" => Some("full"),
        _ => None,
    }
}
