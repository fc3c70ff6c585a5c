//! Statements that choose one function of a family: `optimizer` and `precision`.

use proc_macro2::Ident;
use syn::Expr;

use super::Elaborator;
use super::bind::Binding;
use super::call::{Call, call_parts};
use crate::diagnostics::Place;
use crate::functions::{self, Apply, Function};
use crate::suggest::nearest;
use crate::text;

/// What a statement chooses from.
pub(super) struct Family {
    /// The statement's word, which is also what one of them is called.
    pub word: &'static str,
    /// One of them as it is written, with its article.
    pub example: &'static str,
    /// Whether a function is one of them.
    pub has: fn(&Apply) -> bool,
    /// What other frameworks' word for one of them is here.
    pub elsewhere: fn(&str) -> Option<&'static str>,
}

impl Family {
    fn functions(&self) -> impl Iterator<Item = &'static Function> {
        functions::all().filter(|f| (self.has)(&f.apply))
    }

    fn names(&self) -> String {
        text::list(self.functions().map(|f| f.name), "and")
    }
}

/// What was chosen, with its arguments.
pub(super) struct Choice<'e> {
    pub apply: &'static Apply,
    pub call: Call<'e>,
    pub binding: Binding<'e>,
}

impl Elaborator<'_, '_> {
    /// The choice that a statement makes; nothing, once its mistakes are reported. `first` is where the statement has stood before.
    pub(super) fn chosen<'e>(
        &mut self,
        family: &Family,
        word: &Ident,
        value: Option<&'e Expr>,
        first: &mut Option<Ident>,
    ) -> Option<Choice<'e>> {
        let what = family.word;
        if let Some(first) = first {
            let line = Place::from(first.span()).line();
            self.diagnostics
                .error(word.span(), format!("`{what}` stands at most once, and there is one on line {line}"));
        } else {
            *first = Some(word.clone());
        }
        let expression = value?;
        let Some((name, written)) = call_parts(expression) else {
            self.diagnostics
                .error(expression, format!("expected {}", family.example))
                .help(format!("there are {}", family.names()));
            return None;
        };
        let Some(function) = family.functions().find(|f| name == f.name) else {
            let written = name.to_string();
            let found = self.diagnostics.error(name.span(), format!("cannot find {what} `{name}`"));
            match (family.elsewhere)(&written).or_else(|| nearest(&written, family.functions().map(|f| f.name))) {
                Some(near) => found.help(format!("did you mean `{near}`?")),
                None => found.help(format!("there are {}", family.names())),
            };
            return None;
        };
        self.note_word(name);
        let mut call = Call { word: name, piped: None, written, whole: expression };
        let binding = self.bind(function, &mut call)?;
        Some(Choice { apply: &function.apply, call, binding })
    }
}
