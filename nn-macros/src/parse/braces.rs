//! Braces in expressions: the branches of an `if`, and what closures do.
//!
//! They hold statements of the language, which need not be Rust's. So each is read on its own, with all mistakes confined
//! to their statements, and the expression around it is read with the body's number in its place.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

use quote::ToTokens;

use super::statement::Reader;
use crate::ast::Body;
use crate::diagnostics::Diagnostics;

/// What numbers of bodies end with, so that no other number is taken for one.
const SUFFIX: &str = "th";

/// Reads the bodies in an expression, and leaves their numbers in the braces.
pub fn cut_out(tokens: TokenStream, bodies: &mut Vec<Body>, diagnostics: &mut Diagnostics) -> TokenStream {
    if has_braces(&tokens) { cut(tokens, &mut Before::default(), bodies, diagnostics) } else { tokens }
}

fn has_braces(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace || has_braces(&group.stream()),
        _ => false,
    })
}

/// What stands before a token.
#[derive(Default)]
struct Before {
    /// How many `if`s still wait for their braces.
    conditions: usize,
    /// An `else` or the `|` of a closure, just now.
    opens: bool,
}

fn cut(tokens: TokenStream, before: &mut Before, bodies: &mut Vec<Body>, diagnostics: &mut Diagnostics) -> TokenStream {
    let replaced = tokens.into_iter().map(|token| {
        let opens = std::mem::take(&mut before.opens);
        let TokenTree::Group(group) = &token else {
            match &token {
                TokenTree::Ident(word) if word == "if" => before.conditions += 1,
                TokenTree::Ident(word) => before.opens = word == "else",
                TokenTree::Punct(punct) => before.opens = punct.as_char() == '|',
                _ => {}
            }
            return token;
        };
        let inside = match group.delimiter() {
            Delimiter::Brace if opens || before.conditions > 0 => {
                before.conditions -= usize::from(!opens);
                let body = read(group, bodies, diagnostics);
                let mut number: Literal = format!("{}{SUFFIX}", bodies.len()).parse().expect("digits and letters");
                number.set_span(group.span());
                bodies.push(body);
                TokenTree::from(number).into()
            }
            // Invisible delimiters come from `macro_rules!`.
            Delimiter::None => {
                before.opens = opens;
                cut(group.stream(), before, bodies, diagnostics)
            }
            // What needs no change keeps its spans.
            _ if !has_braces(&group.stream()) => return token,
            _ => cut(group.stream(), &mut Before::default(), bodies, diagnostics),
        };
        let mut replaced = Group::new(group.delimiter(), inside);
        replaced.set_span(group.span());
        TokenTree::from(replaced)
    });
    replaced.collect()
}

fn read(group: &Group, bodies: &mut Vec<Body>, diagnostics: &mut Diagnostics) -> Body {
    let words = words(group, &[]);
    let (statements, value) = Reader::of_braces(bodies, diagnostics).read_with_value(group);
    Body { statements, value, words }
}

/// The number of the body that stood in these braces, if one did.
pub fn body_number(block: &syn::Block) -> Option<usize> {
    match block.stmts.as_slice() {
        [syn::Stmt::Expr(syn::Expr::Lit(literal), None)] => match &literal.lit {
            syn::Lit::Int(int) if int.suffix() == SUFFIX => int.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// All names and keywords in an expression, those in its braces included.
pub fn words(expression: &impl ToTokens, bodies: &[Body]) -> BTreeSet<String> {
    fn collect(tokens: TokenStream, bodies: &[Body], words: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => drop(words.insert(word.to_string())),
                TokenTree::Group(group) => collect(group.stream(), bodies, words),
                TokenTree::Literal(literal) => {
                    let number =
                        literal.to_string().strip_suffix(SUFFIX).and_then(|number| number.parse::<usize>().ok());
                    words
                        .extend(number.and_then(|number| bodies.get(number)).into_iter().flat_map(|b| b.words.clone()));
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(expression.to_token_stream(), bodies, &mut found);
    found
}
