//! The `optimizer` statement.

use nn_kernels::layers;
use proc_macro2::Ident;
use syn::Expr;

use super::Elaborator;
use super::explain::Subject;
use super::family::{Choice, Family};
use super::statement::Declared;
use crate::functions::Apply;

const OPTIMIZERS: Family = Family {
    word: "optimizer",
    example: "an optimizer, such as `adam(learning_rate = 1e-3)`",
    has: |apply| matches!(apply, Apply::Optimizer(_)),
    elsewhere: |_| None,
};

impl Elaborator<'_, '_> {
    pub(super) fn optimizer(&mut self, word: &Ident, value: Option<&Expr>, declared: &mut Declared) {
        let choice = self.chosen(&OPTIMIZERS, word, value, &mut declared.optimizer);
        let Some(Choice { apply: Apply::Optimizer(apply), call, binding }) = choice else { return };
        let optimizer = apply(&binding.arguments);
        if let (Some(_), 4..) = (optimizer.ema, layers::state_init(&optimizer).len()) {
            let name = call.word;
            let place = binding.arguments.places.get("ema").copied().unwrap_or(name.span().into());
            let other = if name == "rmsprop" { "centered" } else { "amsgrad" };
            self.diagnostics
                .error(
                    place,
                    format!("`ema` does not go together with `{other}`: `{name}` keeps three vectors already"),
                )
                .note("a GPU's kernel has room for three vectors of an optimizer's state");
            return;
        }
        match layers::check_optimizer(&optimizer) {
            Ok(()) => self.network.optimizer = Some(optimizer),
            Err(fact) => self.explain(&fact, &Subject::of_call(&call, binding, false)),
        }
    }
}
