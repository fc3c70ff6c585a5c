//! From tokens to statements.
//!
//! Statements are cut apart on the raw tokens, at `;`, before anything is parsed: what one of them has wrong cannot spoil
//! the next one.

mod braces;
mod interface;
mod runs;
mod scan;
mod statement;

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Path, Token};

pub use self::braces::{body_number, words};
use self::runs::{Run, Start, after_braces, group, place_at, runs};
use self::statement::Reader;
use crate::ast::{Block, Body, File, Item, Network, Parameter};
use crate::diagnostics::{Diagnostic, Diagnostics, Place};
use crate::guard;
use crate::suggest::nearest;

/// The words that begin statements. They name nothing else.
const WORDS: [&str; 10] =
    ["const", "input", "target", "block", "scan", "output", "loss", "metric", "optimizer", "network"];
/// A statement's word only before another name: metrics and values may be called so.
const PRECISION: &str = "precision";
/// As [`PRECISION`], only before another name.
const STEPWISE: &str = "stepwise";

/// How long names may be: they become parts of other names.
const NAME_LIMIT: usize = 100;

/// Reads the content of one `network! { … }`.
pub fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> File {
    let mut file = File::default();
    for (i, run) in runs(tokens).iter().enumerate() {
        let mut rest = run.tokens.as_slice();
        if i == 0 && matches!(rest.first(), Some(TokenTree::Ident(word)) if word == "crate") {
            file.path = crate_path(run, diagnostics);
            continue;
        }
        if let (true, Some(end)) = (rest.is_empty(), run.end) {
            diagnostics.error(end, "there is nothing before this `;`").help("remove it");
        }
        while !rest.is_empty() {
            let start = Start::of(rest);
            rest = match start.word().as_deref() {
                Some("network") => {
                    let (network, after) = network(&start, run, &mut file.bodies, diagnostics);
                    file.items.extend(network.map(Item::Network));
                    after
                }
                Some("block") => {
                    let (block, after) = block(&start, run, &mut file.bodies, diagnostics);
                    file.items.extend(block.map(Item::Block));
                    after
                }
                word => {
                    let found = diagnostics
                        .error(place_at(start.body, 0, run), "expected `network Name { … }` or `block name(…) { … }`");
                    match word {
                        Some("crate") => {
                            found.help("`crate = path;` stands once, before everything else");
                        }
                        Some(word) if WORDS.contains(&word) => {
                            found.help(format!("`{word}` stands in a network: `network Name {{ {word} … }}`"));
                        }
                        Some(word) => {
                            if let Some(near) = nearest(word, ["network", "block"]) {
                                found.help(format!("did you mean `{near}`?"));
                            } else if group(start.body.get(1), Delimiter::Brace).is_some() {
                                found.help(format!("write `network {word} {{ … }}`"));
                            }
                        }
                        None => {}
                    }
                    &[]
                }
            }
        }
    }
    file
}

/// `crate = path`
fn crate_path(run: &Run, diagnostics: &mut Diagnostics) -> Option<Path> {
    let tokens: TokenStream = run.tokens.iter().cloned().collect();
    if !guard::check(&tokens, diagnostics) {
        return None;
    }
    let parser = |input: ParseStream<'_>| {
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        Path::parse_mod_style(input)
    };
    let path = parser
        .parse2(tokens)
        .map_err(|e| {
            syntax_error(&e, run.last_span(), diagnostics).help("this says where `nn` is: `crate = path::to::nn;`");
        })
        .ok()?;
    if run.end.is_none() {
        diagnostics.error(run.last_span(), "expected `;` after this");
    }
    Some(path)
}

/// Reads a network, and returns the tokens after it.
fn network<'a>(
    start: &Start<'a>,
    run: &Run,
    bodies: &mut Vec<Body>,
    diagnostics: &mut Diagnostics,
) -> (Option<Network>, &'a [TokenTree]) {
    let Some(TokenTree::Ident(name)) = start.body.get(1) else {
        diagnostics
            .error(place_at(start.body, 1, run), "expected the network's name")
            .help("write `network Name { … }`");
        return (None, after_braces(start.body));
    };
    let usable = declarable(name, diagnostics);
    let Some(body) = group(start.body.get(2), Delimiter::Brace) else {
        diagnostics
            .error(place_at(start.body, 2, run), format!("expected the statements of `{name}` in braces"))
            .help(format!("write `network {name} {{ … }}`"));
        return (None, after_braces(start.body));
    };
    let (attributes, visibility) = (start.attributes(diagnostics), start.visibility(diagnostics));
    let before = diagnostics.len();
    let statements = Reader::of_network(bodies, diagnostics).read(body);
    let sound = diagnostics.len() == before;
    let network = Network { attributes, visibility, name: name.clone(), statements, sound };
    (usable.then_some(network), &start.body[3..])
}

/// Reads a block, and returns the tokens after it.
fn block<'a>(
    start: &Start<'a>,
    run: &Run,
    bodies: &mut Vec<Body>,
    diagnostics: &mut Diagnostics,
) -> (Option<Block>, &'a [TokenTree]) {
    start.forbid_visibility(diagnostics);
    start.forbid_attributes_but_docs(diagnostics);
    let Some(TokenTree::Ident(name)) = start.body.get(1) else {
        diagnostics
            .error(place_at(start.body, 1, run), "expected the block's name")
            .help("write `block name(x) { … }`");
        return (None, after_braces(start.body));
    };
    let usable = declarable(name, diagnostics);
    let parameters = group(start.body.get(2), Delimiter::Parenthesis);
    let at = if parameters.is_some() { 3 } else { 2 };
    let body = group(start.body.get(at), Delimiter::Brace);
    let block = if let (Some(parameters), Some(body)) = (parameters, body) {
        let before = diagnostics.len();
        let parameters = block_parameters(parameters, bodies, diagnostics);
        let callable = diagnostics.len() == before;
        let (statements, value) = Reader::of_block(name, bodies, diagnostics).read_with_value(body);
        let sound = diagnostics.len() == before;
        Block { shared: start.shared, name: name.clone(), parameters, statements, value, callable, sound }
    } else {
        let what = if parameters.is_none() { "parameters in parentheses" } else { "a body in braces" };
        diagnostics
            .error(place_at(start.body, at, run), format!("block `{name}` needs {what}"))
            .help(format!("write `block {name}(x) {{ … }}`"));
        let (parameters, statements) = (Vec::new(), Vec::new());
        let name = name.clone();
        Block { shared: start.shared, name, parameters, statements, value: None, callable: false, sound: false }
    };
    (usable.then_some(block), after_braces(start.body))
}

/// The parameters that could be read.
fn block_parameters(group: &Group, bodies: &mut Vec<Body>, diagnostics: &mut Diagnostics) -> Vec<Parameter> {
    let tokens = group.stream();
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut names = BTreeSet::new();
    if !guard::check(&tokens, diagnostics) {
        return parameters;
    }
    let tokens = braces::cut_out(tokens, bodies, diagnostics);
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let name = a_name(input)?;
            let mut is_block = false;
            if input.peek(Token![:]) {
                let colon = input.span();
                input.parse::<Token![:]>()?;
                let kind = input.fork().call(Ident::parse_any).ok();
                let ends = input.peek2(Token![,]) || input.peek2(Token![=]) || is_last(input);
                let word = kind.as_ref().map(Ident::to_string).filter(|_| ends);
                let near = word.as_deref().and_then(|word| nearest(word, ["block"]));
                is_block = near.is_some() || word.as_deref() == Some("block");
                if let (Some(kind), Some(_)) = (kind, near) {
                    diagnostics.error(kind.span(), format!("cannot find `{kind}`")).help("did you mean `block`?");
                } else if !is_block {
                    diagnostics
                        .error(colon, "parameters have no types")
                        .help(format!("write `{name}`: it may be any tensor or constant"))
                        .help(format!("or `{name}: block` for a block that is passed to this one"));
                }
                while !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![=]) {
                    input.parse::<TokenTree>()?;
                }
            }
            let default = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
            if !names.insert(name.to_string()) {
                diagnostics
                    .error(name.span(), format!("there are two parameters `{name}`"))
                    .help("choose another name");
            } else if declarable(&name, diagnostics) {
                parameters.push(Parameter { name, is_block, default });
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(e) = parser.parse2(tokens) {
        syntax_error(&e, group.span_close(), diagnostics)
            .help("parameters are names, some with defaults: `(x, filters, kernel = 3)`");
    }
    parameters
}

/// Whether one token is left.
fn is_last(input: ParseStream<'_>) -> bool {
    let rest = input.fork();
    rest.parse::<TokenTree>().is_ok() && rest.is_empty()
}

/// The name that is declared.
fn a_name(input: ParseStream<'_>) -> syn::Result<Ident> {
    if is_name(input) { input.call(Ident::parse_any) } else { Err(input.error("expected a name")) }
}

/// Whether an identifier comes, a keyword or not.
fn is_name(input: ParseStream<'_>) -> bool {
    input.fork().call(Ident::parse_any).is_ok()
}

/// Whether a name may be declared; if not, says why.
fn declarable(name: &Ident, diagnostics: &mut Diagnostics) -> bool {
    let text = name.to_string();
    if WORDS.contains(&text.as_str()) {
        let message = format!("`{text}` begins a statement, so it cannot be a name");
        diagnostics.error(name.span(), message).help(format!("choose another name, such as `{text}_value`"));
    } else if text.len() > NAME_LIMIT {
        diagnostics.error(name.span(), format!("this name is longer than {NAME_LIMIT} bytes"));
    } else if text.starts_with("r#") || syn::parse_str::<Ident>(&text).is_err() {
        let message = format!("`{text}` is a keyword of Rust, so it cannot be a name");
        diagnostics.error(name.span(), message).help("choose another name");
    } else {
        return true;
    }
    false
}

/// Reports what syn did not understand. It does not know where its tokens end: `end` says it.
fn syntax_error<'a>(error: &syn::Error, end: Span, diagnostics: &'a mut Diagnostics) -> &'a mut Diagnostic {
    // Only the first of combined errors counts.
    let (span, text) = error.clone().into_iter().next().map_or((end, String::new()), |e| (e.span(), e.to_string()));
    let at_end = text.strip_prefix("unexpected end of input, ");
    let outside = span.start() == Span::call_site().start();
    let place = if at_end.is_some() && outside { end } else { span };
    let text = at_end.unwrap_or(&text);
    let found = diagnostics.error(Place::from(place), text);
    if text.contains("curly braces") {
        found.help("conditions end before braces: `if a == 1 && !b { x } else { y }`");
    }
    if span.source_text().as_deref() == Some("macro") {
        found.help("`macro` is a word of Rust's, so it stands in quotes: `average = \"macro\"`");
    }
    found
}
