//! Tests of the front end as a whole.

pub mod documentation;
mod expansion;
mod images;
mod language;
mod loops;
mod mangled;
mod metrics;
mod names;
mod scans;
mod sequences;
mod stepwise;

use proc_macro2::TokenStream;

use crate::diagnostics::Diagnostics;
use crate::{elaborate, parse};

/// What a call of the macro becomes. Outside of the compiler, `proc_macro2` has to read the text.
fn expanded(tokens: TokenStream) -> TokenStream {
    crate::expand(tokens, &|text| text.parse().map_err(|e: proc_macro2::LexError| e.to_string()))
}

/// The mistakes of a source: `line: message`, in order.
fn mistakes(source: &str) -> Vec<String> {
    mistakes_in(source.parse().expect("tokens"))
}

fn mistakes_in(tokens: TokenStream) -> Vec<String> {
    let mut diagnostics = Diagnostics::default();
    let file = parse::parse(tokens, &mut diagnostics);
    elaborate::file(&file, &mut diagnostics);
    diagnostics.finish().iter().map(|d| format!("{}: {}", d.place().line(), d.message())).collect()
}

/// The only network of a source that has no mistakes.
fn checked(source: &str) -> crate::checked::Checked {
    let mut diagnostics = Diagnostics::default();
    let file = parse::parse(source.parse().expect("tokens"), &mut diagnostics);
    let mut networks = elaborate::file(&file, &mut diagnostics);
    let mistakes: Vec<String> = diagnostics.finish().iter().map(|d| d.message().to_owned()).collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    assert_eq!(networks.len(), 1);
    networks.remove(0).checked()
}

/// Statements inside of a network with some fields.
fn in_network(statements: &str) -> String {
    format!(
        "network N {{ input x: [4]; input image: [1, 28, 28]; target y: [4]; target label: class(10);\n{statements}\n\
         _all = concat([x, image >> flatten], axis = 0); metric _m = mean(y) + 0.0 * accuracy(x >> dense(10), label); }}"
    )
}
