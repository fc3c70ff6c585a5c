//! The `network!` macro. Use it through the `nn` crate, which documents the language.

mod checked;
mod generate;

/// Declares networks; see the documentation of `nn::network`.
#[proc_macro]
pub fn network(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    tokens
}
