//! The user's tokens as text, for messages.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// What is longer is cut: a message shall be read.
const LIMIT: usize = 60;

/// Tokens as one would write them, on one line; `…` where they are too many.
pub fn of<T: ToTokens + ?Sized>(tokens: &T) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    if text.chars().count() > LIMIT {
        text = text.chars().take(LIMIT - 1).chain(['…']).collect();
    }
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut before: Option<TokenTree> = None;
    let mut operand = false;
    // Whether the operator written last stands before its operand, and so takes no space behind it.
    let mut prefix = false;
    // Whether a `|` has begun the parameters of a closure.
    let mut parameters = false;
    for token in tokens {
        // Nobody reads on from here.
        if text.len() > 4 * LIMIT {
            return;
        }
        let joint = matches!(&before, Some(TokenTree::Punct(p)) if p.spacing() == proc_macro2::Spacing::Joint);
        let tight = match (&before, &token) {
            (None, _) => true,
            _ if prefix || joint => true,
            (_, TokenTree::Punct(p)) if parameters && p.as_char() == '|' => true,
            (Some(TokenTree::Punct(p)), _) if matches!(p.as_char(), '.' | '#') => true,
            (_, TokenTree::Punct(p)) => matches!(p.as_char(), ',' | ';' | '.' | '?' | ':'),
            (Some(TokenTree::Ident(_) | TokenTree::Group(_)), TokenTree::Group(g)) => g.delimiter() != Delimiter::Brace,
            _ => false,
        };
        // `::` is tight on both sides, `name: type` on one.
        if !tight && !text.ends_with("::") {
            text.push(' ');
        }
        match &token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                if group.delimiter() == Delimiter::Brace {
                    // What is in there is statements, too long for a message.
                    text.push('…');
                } else {
                    write(group.stream(), text);
                }
                text.push_str(close);
                (operand, prefix) = (true, false);
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                prefix = !operand && matches!(punct.as_char(), '-' | '!' | '*' | '&') && !joint;
                if punct.as_char() == '|' && !joint && (parameters || !operand) {
                    parameters = !parameters;
                    prefix = parameters;
                }
                operand = false;
            }
            token => {
                let word = token.to_string();
                text.push_str(&word);
                (operand, prefix) = (!matches!(word.as_str(), "if" | "else"), false);
            }
        }
        before = Some(token);
    }
}

/// A list for a sentence: "`a`, `b` and `c`".
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>, conjunction: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
    }
}

/// "1 value", "2 values".
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn looks_as_people_write_it() {
        let check = |text: &str| {
            let tokens: proc_macro2::TokenStream = text.parse().unwrap();
            assert_eq!(super::of(&tokens), text.replace("{ x }", "{ … }"));
        };
        check("x >> conv2d(8, 3) + x");
        check("-x + 2 * -3 / (a - b)");
        check("concat([a, b], axis = -1)");
        check("std::f32::consts::PI");
        check("dense(10, bias = true) >> relu");
        check("input image: [1, 28, 28]");
        check("x.relu()");
        check("stage(3, |x, i| x >> dense(i), relu)");
        check("if !a && b != 3 || -c <= 1 { x } else { x } >> relu");
    }

    #[test]
    fn long_expressions_are_cut() {
        let tokens: proc_macro2::TokenStream = "x + ".repeat(10_000).parse().unwrap();
        assert_eq!(super::of(&tokens).chars().count(), super::LIMIT);
    }
}
