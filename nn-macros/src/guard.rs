//! Limits on raw tokens, so that nothing below can overflow the stack or take forever.
//!
//! Everything that walks an expression recurses: syn's parser, the tree's destructor, our own checks. How deep they can
//! get is bounded by what stands on the way from the outermost token to the innermost: each group costs a level, so
//! does each operator before its operand (`- - x`), and each operator behind it at most one (`a + b + c` is a tree that
//! leans to the left). So each token has a cost by how much of a stack frame it can cause, and the sum along any way
//! inwards has a limit. Commas and semicolons end what they separate: long lists and long programs cost nothing.

use proc_macro2::{Spacing, TokenStream, TokenTree};

use crate::diagnostics::{Diagnostics, Place};

/// What a way inwards may cost.
const LIMIT: usize = 2048;
/// The cost of a token that a recursive call of a parser can begin with: a group, a prefix operator.
const DEEP: usize = 32;
/// The cost of a token with which parsers recurse deeply, and which no program of ours has.
const FOREIGN: usize = 128;

/// How long numbers may be, in digits: parsers take quadratic time for them.
const NUMBER_LIMIT: usize = 200;

/// Reports tokens that nest too deeply, and says whether all is well.
pub fn check(tokens: &TokenStream, diagnostics: &mut Diagnostics) -> bool {
    let mut left = vec![(tokens.clone(), 0, false)];
    while let Some((tokens, outside, in_types)) = left.pop() {
        // Brackets made of `<` and `|` reach over commas, so what looks like one is counted to the next semicolon.
        let (mut run, mut far) = (0, 0);
        let mut groups = Vec::new();
        let mut operand = false;
        // Whether a type may have begun, in which each `<` nests. Elsewhere one behind an operand is a comparison.
        let mut types = in_types;
        // The first half of an operator of two characters, and whether it stands behind an operand.
        let mut half = None;
        for token in tokens.into_iter().map(Some).chain([None]) {
            let separator = match &token {
                None => Some(';'),
                Some(TokenTree::Punct(p)) if matches!(p.as_char(), ',' | ';') => Some(p.as_char()),
                _ => None,
            };
            if let Some(separator) = separator {
                let cost = outside + far + run + DEEP;
                left.extend(groups.drain(..).map(|(inside, types)| (inside, cost, types)));
                (run, operand) = (0, false);
                if separator == ';' {
                    (far, types) = (0, in_types);
                }
                continue;
            }
            let Some(token) = token else { break };
            let first_half = half.take();
            match &token {
                TokenTree::Group(group) => {
                    groups.push((group.stream(), types));
                    run += 1;
                    operand = true;
                }
                TokenTree::Literal(literal) => {
                    run += 1;
                    operand = true;
                    let text = literal.to_string();
                    if text.len() > NUMBER_LIMIT && text.starts_with(|c: char| c.is_ascii_digit()) {
                        diagnostics.error(literal.span(), "this number is too long");
                        return false;
                    }
                }
                TokenTree::Ident(word) if word == "if" || word == "else" => {
                    run += DEEP;
                    operand = false;
                }
                TokenTree::Ident(word) if is_keyword(&word.to_string()) => {
                    far += FOREIGN;
                    (operand, types) = (false, true);
                }
                TokenTree::Ident(_) => {
                    run += 1;
                    operand = true;
                }
                TokenTree::Punct(punct) => {
                    let c = punct.as_char();
                    half = (punct.spacing() == Spacing::Joint).then_some((c, operand));
                    let arrow = c == '>' && matches!(first_half, Some(('-', _)));
                    types |= c == ':' || c == '<' && !operand || arrow;
                    match c {
                        '<' if types || !operand => far += FOREIGN,
                        '|' | '&' if !operand && first_half != Some((c, true)) => far += FOREIGN,
                        '?' => far += FOREIGN,
                        '=' => run += DEEP,
                        // (`>` without an operand is the second half of `>>`.)
                        '#' | ':' | '>' => run += 1,
                        _ if operand => run += 1,
                        _ => run += DEEP,
                    }
                    operand = false;
                }
            }
            if outside + far + run > LIMIT {
                too_deep(Place::from(token.span()), diagnostics);
                return false;
            }
        }
    }
    true
}

/// Reports a place that nests too deeply.
pub fn too_deep(place: Place, diagnostics: &mut Diagnostics) {
    diagnostics
        .error(place, "this is nested too deeply")
        .help("give parts of the expression names: `h = …;`, then use `h`");
}

/// Words of Rust that begin or continue an expression and recurse. (`const` begins our own statements.)
fn is_keyword(word: &str) -> bool {
    #[rustfmt::skip]
    const KEYWORDS: [&str; 24] = [
        "as", "async", "await", "become", "box", "break", "continue", "do", "dyn", "fn", "for", "impl", "in", "let", "loop", "match", "move", "mut", "return", "static", "try", "unsafe", "while", "yield",
    ];
    KEYWORDS.contains(&word)
}
