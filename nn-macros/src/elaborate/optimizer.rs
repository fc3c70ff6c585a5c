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
        match layers::check_optimizer(&optimizer) {
            Ok(()) => self.network.optimizer = Some(optimizer),
            Err(fact) => self.explain(&fact, &Subject::of_call(&call, binding, false)),
        }
    }
}
