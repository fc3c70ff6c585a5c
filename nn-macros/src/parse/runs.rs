//! Statements as raw tokens.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, Parser};
use syn::{Attribute, Visibility};

use super::syntax_error;
use crate::diagnostics::{Diagnostics, Place};
use crate::guard;

/// Tokens up to a `;`.
pub struct Run {
    /// The tokens before it.
    pub tokens: Vec<TokenTree>,
    /// The `;`. The last run of a group may have none; then it has tokens.
    pub end: Option<Span>,
}

impl Run {
    /// Where to say that something is missing at the end.
    pub fn last_span(&self) -> Span {
        let last = self.tokens.last().map(|token| match token {
            TokenTree::Group(group) => group.span_close(),
            token => token.span(),
        });
        self.end.or(last).unwrap_or_else(Span::call_site)
    }
}

/// Cuts tokens into runs.
pub fn runs(tokens: TokenStream) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Punct(p) if p.as_char() == ';' => {
                runs.push(Run { tokens: std::mem::take(&mut run), end: Some(p.span()) });
            }
            token => run.push(token),
        }
    }
    if !run.is_empty() {
        runs.push(Run { tokens: run, end: None });
    }
    runs
}

/// The place of a token, or of the end if there are not so many.
pub fn place_at(tokens: &[TokenTree], index: usize, run: &Run) -> Place {
    tokens.get(index).map_or_else(|| run.last_span(), TokenTree::span).into()
}

/// A group with these delimiters.
pub fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(g)) if g.delimiter() == delimiter => Some(g),
        _ => None,
    }
}

/// What follows the next group in braces: where a network or a block ends.
pub fn after_braces(tokens: &[TokenTree]) -> &[TokenTree] {
    let braces = tokens.iter().position(|token| group(Some(token), Delimiter::Brace).is_some());
    braces.map_or(&[], |i| &tokens[i + 1..])
}

/// The beginning of a statement: attributes, visibility, and what follows.
pub struct Start<'a> {
    attributes: &'a [TokenTree],
    visibility: &'a [TokenTree],
    /// Whether there is a `shared` before a `block`.
    pub shared: bool,
    /// What follows.
    pub body: &'a [TokenTree],
}

impl<'a> Start<'a> {
    /// Looks at a statement.
    pub fn of(tokens: &'a [TokenTree]) -> Self {
        let is_punct = |i, c| matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == c);
        let mut at = 0;
        while is_punct(at, '#') {
            at += if is_punct(at + 1, '!') { 3 } else { 2 };
        }
        let (attributes, tokens) = tokens.split_at(at.min(tokens.len()));
        let at = match tokens.first() {
            Some(TokenTree::Ident(word)) if word == "pub" => {
                1 + usize::from(group(tokens.get(1), Delimiter::Parenthesis).is_some())
            }
            // A `$vis` of `macro_rules!`, empty or not.
            Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::None => {
                let first = g.stream().into_iter().next();
                usize::from(first.is_none_or(|t| matches!(t, TokenTree::Ident(word) if word == "pub")))
            }
            _ => 0,
        };
        let (visibility, body) = tokens.split_at(at);
        let is_word = |i: usize, wanted| matches!(body.get(i), Some(TokenTree::Ident(word)) if word == wanted);
        let shared = is_word(0, "shared") && is_word(1, "block");
        Start { attributes, visibility, shared, body: &body[usize::from(shared)..] }
    }

    /// The first word of what follows.
    pub fn word(&self) -> Option<String> {
        match self.body.first() {
            Some(TokenTree::Ident(word)) => Some(word.to_string()),
            _ => None,
        }
    }

    /// The attributes, parsed.
    pub fn attributes(&self, diagnostics: &mut Diagnostics) -> Vec<Attribute> {
        parsed(self.attributes, Attribute::parse_outer, diagnostics).unwrap_or_default()
    }

    /// The visibility, parsed.
    pub fn visibility(&self, diagnostics: &mut Diagnostics) -> Visibility {
        parsed(self.visibility, Visibility::parse, diagnostics).unwrap_or(Visibility::Inherited)
    }

    /// Only networks have a visibility.
    pub fn forbid_visibility(&self, diagnostics: &mut Diagnostics) {
        let visible = self.visibility.iter().find(|token| !token.to_token_stream().is_empty());
        if let Some(token) = visible {
            diagnostics.error(Place::from(token.span()), "only a network has a visibility").help("remove it");
        }
    }

    /// Blocks may have documentation, for those who read them.
    pub fn forbid_attributes_but_docs(&self, diagnostics: &mut Diagnostics) {
        let is_doc = |attribute: &TokenTree| {
            let name = group(Some(attribute), Delimiter::Bracket).and_then(|g| g.stream().into_iter().next());
            name.is_none_or(|name| matches!(name, TokenTree::Ident(word) if word == "doc"))
        };
        if let Some(token) = self.attributes.iter().find(|token| !is_doc(token)) {
            diagnostics
                .error(Place::from(token.span()), "a block has no attributes but doc comments")
                .help("remove it");
        }
    }

    /// Only networks and what becomes part of their interface have documentation.
    pub fn forbid_attributes(&self, diagnostics: &mut Diagnostics) {
        if let Some(token) = self.attributes.first() {
            diagnostics
                .error(
                    Place::from(token.span()),
                    "doc comments and attributes stand on networks, inputs, targets and outputs",
                )
                .help("use a comment: `// …`");
        }
    }
}

fn parsed<P: Parser>(tokens: &[TokenTree], parser: P, diagnostics: &mut Diagnostics) -> Option<P::Output> {
    let stream: TokenStream = tokens.iter().cloned().collect();
    if !guard::check(&stream, diagnostics) {
        return None;
    }
    let end = tokens.last().map_or_else(Span::call_site, TokenTree::span);
    parser.parse2(stream).map_err(|e| syntax_error(&e, end, diagnostics)).ok()
}
