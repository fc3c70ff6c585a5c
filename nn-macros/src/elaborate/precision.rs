//! The `precision` statement.

use nn_kernels::layers;
use proc_macro2::Ident;
use syn::Expr;

use super::Elaborator;
use super::explain::Subject;
use super::family::{Choice, Family};
use super::statement::Declared;
use crate::functions::Apply;

const PRECISIONS: Family = Family {
    word: "precision",
    example: "a precision, such as `mixed` or `mixed(loss_scale = 1024.0)`",
    has: |apply| matches!(apply, Apply::Precision(_)),
    elsewhere: |name| match name {
        "f16" | "half" | "float16" | "fp16" | "mixed_float16" | "amp" | "autocast" => Some("mixed"),
        "f32" | "float32" | "fp32" | "single" => Some("full"),
        _ => None,
    },
};

impl Elaborator<'_, '_> {
    pub(super) fn precision(&mut self, word: &Ident, value: Option<&Expr>, declared: &mut Declared) {
        let choice = self.chosen(&PRECISIONS, word, value, &mut declared.precision);
        let Some(Choice { apply: Apply::Precision(apply), call, binding }) = choice else { return };
        let precision = apply(&binding.arguments);
        match layers::check_precision(&precision) {
            Ok(()) => self.network.precision = precision,
            Err(fact) => self.explain(&fact, &Subject::of_call(&call, binding, false)),
        }
    }
}
