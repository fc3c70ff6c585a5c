//! Mistakes, collected with the tokens they are about.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// A place in the user's source: its first and its last token.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    start: Span,
    end: Span,
}

impl Place {
    /// The line on which it begins.
    pub fn line(self) -> usize {
        self.start.start().line
    }

    /// From the beginning of this place to the end of another.
    pub fn to(self, end: Place) -> Place {
        Place { start: self.start, end: end.end }
    }

    fn key(self) -> [usize; 4] {
        let (start, end) = (self.start.start(), self.end.end());
        [start.line, start.column, end.line, end.column]
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Place { start: span, end: span }
    }
}

/// The place of some tokens; the whole macro if there are none.
impl<T: ToTokens> From<&T> for Place {
    fn from(tokens: &T) -> Self {
        let mut tokens = tokens.to_token_stream().into_iter();
        let start = tokens.next().map_or_else(Span::call_site, |t| t.span());
        Place { start, end: tokens.last().map_or(start, |t| t.span()) }
    }
}

/// One mistake: what is wrong in the first line, then ways out.
#[derive(Debug)]
pub struct Diagnostic {
    place: Place,
    message: String,
}

impl Diagnostic {
    /// A way out.
    pub fn help(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.line("help", text.as_ref())
    }

    /// What one must know to understand the mistake.
    pub fn note(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.line("note", text.as_ref())
    }

    fn line(&mut self, word: &str, text: &str) -> &mut Self {
        self.message.push_str(&format!("\n{word}: {text}"));
        self.cut();
        self
    }

    fn cut(&mut self) {
        if self.message.len() > MESSAGE_LIMIT {
            let end = (0..=MESSAGE_LIMIT).rev().find(|&end| self.message.is_char_boundary(end)).unwrap_or(0);
            self.message.truncate(end);
            self.message.push('…');
        }
    }

    /// The text, its lines separated.
    #[cfg(test)]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where.
    #[cfg(test)]
    pub fn place(&self) -> Place {
        self.place
    }

    /// `::core::compile_error! { "…" }`, with the user's spans: rustc underlines from the first token's to the last's.
    /// It may stand for an item and for an expression.
    pub fn to_compile_error(&self) -> TokenStream {
        let Place { start, end } = self.place;
        let punct = |c, spacing| {
            let mut p = Punct::new(c, spacing);
            p.set_span(start);
            TokenTree::from(p)
        };
        let mut text = Literal::string(&self.message);
        text.set_span(end);
        let mut body = Group::new(Delimiter::Brace, TokenTree::from(text).into());
        body.set_span(end);
        let path = |name| [punct(':', Spacing::Joint), punct(':', Spacing::Alone), Ident::new(name, start).into()];
        path("core").into_iter().chain(path("compile_error")).chain([punct('!', Spacing::Alone), body.into()]).collect()
    }
}

/// How many mistakes are kept. Nobody reads more of them at once, and what makes so many may make millions.
const LIMIT: usize = 256;
/// How long a message may be, in bytes.
const MESSAGE_LIMIT: usize = 4000;

/// All mistakes found so far. Whoever makes one must look at what it has found, by [`Diagnostics::finish`].
#[derive(Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    /// A mistake beyond the limit, which nobody will see.
    surplus: Option<Diagnostic>,
    finished: bool,
}

impl Diagnostics {
    /// Reports a mistake at the given tokens.
    pub fn error(&mut self, place: impl Into<Place>, message: impl Into<String>) -> &mut Diagnostic {
        let mut diagnostic = Diagnostic { place: place.into(), message: message.into() };
        diagnostic.cut();
        if self.is_full() {
            return self.surplus.insert(diagnostic);
        }
        self.found.push(diagnostic);
        self.found.last_mut().expect("one was pushed")
    }

    /// Reports Rust's `for`, `while`, `loop` or `match`.
    pub fn no_control_flow(&mut self, expression: &syn::Expr) {
        let text = crate::text::of(expression);
        let word = text.split(' ').next().unwrap_or_default();
        let message = format!("there is no `{word}` in the language: a network is fixed when it is compiled");
        let help = "`repeat(n, block)` applies a block several times, and `if` decides by constants";
        self.error(expression, message).help(help);
    }

    /// Whether there are so many mistakes that no others are kept.
    pub fn is_full(&self) -> bool {
        self.found.len() >= LIMIT
    }

    /// How many mistakes there are so far.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Forgets the mistakes reported since there were `len` of them, at places that had one already.
    ///
    /// A block is checked anew for each of its uses: this keeps one mistake in it from being reported for each of them.
    pub fn keep_one_a_place(&mut self, len: usize) {
        if self.found.len() == len {
            return;
        }
        let mut seen: BTreeSet<[usize; 4]> = self.found[..len].iter().map(|d| d.place.key()).collect();
        let since = self.found.split_off(len);
        self.found.extend(since.into_iter().filter(|d| seen.insert(d.place.key())));
    }

    /// Adds a note to the mistakes reported since there were `len` of them.
    pub fn note_since(&mut self, len: usize, text: &str) {
        for found in &mut self.found[len..] {
            found.note(text);
        }
    }

    /// The mistakes in the order of the source, none twice.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.finished = true;
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|d| d.place.key());
        let mut seen = BTreeSet::new();
        found.retain(|d| seen.insert((d.place.key(), d.message.clone())));
        found
    }
}

/// Nothing gets lost by mistake.
impl Drop for Diagnostics {
    fn drop(&mut self) {
        debug_assert!(self.finished || self.found.is_empty() || std::thread::panicking(), "lost: {:?}", self.found);
    }
}
