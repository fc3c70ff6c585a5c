//! `scan name(parameters) { … }`: a loop over sequences.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Ident, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Token};

use super::braces::cut_out;
use super::runs::{Run, Start, after_braces, group, place_at};
use super::statement::Reader;
use super::{a_name, declarable, syntax_error};
use crate::ast::{Body, Names, Scan, ScanParameter, Statement};
use crate::diagnostics::Diagnostics;
use crate::guard;

/// Reads a scan, and returns the tokens after it.
pub fn scan<'a>(
    start: &Start<'a>,
    run: &Run,
    bodies: &mut Vec<Body>,
    diagnostics: &mut Diagnostics,
) -> (Option<Statement>, &'a [TokenTree]) {
    start.forbid_visibility(diagnostics);
    start.forbid_attributes(diagnostics);
    let (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) = (start.body.first(), start.body.get(1)) else {
        return (None, after_braces(start.body));
    };
    let usable = declarable(name, diagnostics);
    let parameters = group(start.body.get(2), Delimiter::Parenthesis);
    let at = if parameters.is_some() { 3 } else { 2 };
    let body = group(start.body.get(at), Delimiter::Brace);
    let scan = if let (Some(parameters), Some(body)) = (parameters, body) {
        let before = diagnostics.len();
        let parameters = scan_parameters(parameters, bodies, diagnostics);
        let callable = diagnostics.len() == before;
        let (statements, value) = Reader::of_scan(name, bodies, diagnostics).read_with_value(body);
        Statement::Scan(Scan { word: word.clone(), name: name.clone(), parameters, statements, value, callable })
    } else {
        let what = if parameters.is_none() { "what it goes over in parentheses" } else { "a body in braces" };
        diagnostics
            .error(place_at(start.body, at, run), format!("scan `{name}` needs {what}"))
            .help(format!("write `scan {name}(x_t in x, h = zeros(8)) {{ … }}`"));
        Statement::Let { names: Names::One(name.clone()), value: None }
    };
    (usable.then_some(scan), after_braces(start.body))
}

/// The parameters that could be read.
fn scan_parameters(group: &Group, bodies: &mut Vec<Body>, diagnostics: &mut Diagnostics) -> Vec<ScanParameter> {
    let tokens = group.stream();
    let mut parameters: Vec<ScanParameter> = Vec::new();
    let mut names = BTreeSet::new();
    if !guard::check(&tokens, diagnostics) {
        return parameters;
    }
    let tokens = cut_out(tokens, bodies, diagnostics);
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let name: Ident = a_name(input)?;
            let each = input.parse::<Option<Token![in]>>()?.is_some();
            let value: Option<Expr> = if !each && (input.is_empty() || input.peek(Token![,])) {
                diagnostics
                    .error(name.span(), format!("`{name}` has no value"))
                    .help(format!("`{name}_t in {name}` is each step's part of a sequence"))
                    .help(format!(
                        "`{name} = …` is a state and what it begins with, or what each step reads as a whole"
                    ));
                None
            } else {
                if !each && !input.peek(Token![=]) {
                    return Err(input.error(format!("expected `in` or `=` after `{name}`")));
                }
                input.parse::<Option<Token![=]>>()?;
                Some(input.parse()?)
            };
            if !names.insert(name.to_string()) {
                diagnostics
                    .error(name.span(), format!("there are two parameters `{name}`"))
                    .help("choose another name");
            } else if declarable(&name, diagnostics) {
                parameters.push(ScanParameter { name, each, value });
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(e) = parser.parse2(tokens) {
        syntax_error(&e, group.span_close(), diagnostics)
            .help("a scan goes over sequences and has states: `(x_t in x, h = zeros(8))`");
    }
    parameters
}
