//! The `network!` macro. Use it through the `nn` crate, which documents the language.
//!
//! The modules stand in the order of the pipeline: tokens become statements, statements become networks, networks become
//! tokens. No analysis of shapes and no compilation lives here: that is `nn-kernels`.

mod diagnostics;
mod guard;
mod suggest;
mod text;

mod ast;
mod parse;

mod elaborate;
mod functions;
mod numbers;

mod checked;
mod generate;

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Declares networks; see the documentation of `nn::network`.
#[proc_macro]
pub fn network(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    // The compiler's own lexer: `proc_macro2` would read all text twice, in order to be sure that the compiler can.
    let lexer = |text: &str| text.parse::<proc_macro::TokenStream>().map(TokenStream::from).map_err(|e| e.to_string());
    expand(tokens.into(), &lexer).into()
}

/// All networks with their programs; or all mistakes, and the networks' interfaces. `lexer` reads the text of programs.
fn expand(tokens: TokenStream, lexer: generate::Lexer<'_>) -> TokenStream {
    let mut diagnostics = diagnostics::Diagnostics::default();
    let file = parse::parse(tokens, &mut diagnostics);
    let networks = elaborate::file(&file, &mut diagnostics);
    let mistakes = diagnostics.finish();
    match mistakes.first() {
        None => networks.into_iter().map(|network| generate::network(&network.checked(), lexer)).collect(),
        Some(first) => {
            let errors = mistakes.iter().map(diagnostics::Diagnostic::to_compile_error);
            errors.chain(networks.into_iter().map(|network| generate::stub(&network.partial(first), lexer))).collect()
        }
    }
}
