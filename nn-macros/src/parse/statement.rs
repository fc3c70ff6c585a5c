//! Statements of a network or block.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Token, parenthesized, token};

use super::braces::cut_out;
use super::runs::{Run, Start, group, place_at, runs};
use super::scan::scan;
use super::{PRECISION, STEPWISE, WORDS, a_name, block, declarable, is_name, syntax_error};
use crate::ast::{Body, Names, Statement};
use crate::diagnostics::{Diagnostics, Place};
use crate::suggest::nearest;
use crate::{guard, text};

/// Whose statements these are.
#[derive(Clone, Copy)]
enum Within<'a> {
    Network,
    Block(&'a Ident),
    Scan(&'a Ident),
    /// Of braces in an expression.
    Braces,
}

impl Within<'_> {
    /// What it is, with an article.
    fn noun(self) -> String {
        match self {
            Within::Network => "a network".to_owned(),
            Within::Block(_) => "a block".to_owned(),
            Within::Scan(_) => "a scan".to_owned(),
            Within::Braces => "the braces of an expression".to_owned(),
        }
    }
}

/// Reads the statements between braces.
pub struct Reader<'a> {
    within: Within<'a>,
    /// What stands in braces in expressions.
    pub bodies: &'a mut Vec<Body>,
    /// What is wrong.
    pub diagnostics: &'a mut Diagnostics,
    statements: Vec<Statement>,
}

/// The word of a loop over sequences.
const SCAN: &str = "scan";

/// What one statement turned out to be.
enum Parsed {
    Statement,
    /// An expression that no name is given to: a block's value if nothing follows.
    Lone(Box<Expr>),
}

impl<'a> Reader<'a> {
    /// For a network.
    pub fn of_network(bodies: &'a mut Vec<Body>, diagnostics: &'a mut Diagnostics) -> Self {
        Reader { within: Within::Network, bodies, diagnostics, statements: Vec::new() }
    }

    /// For a block.
    pub fn of_block(name: &'a Ident, bodies: &'a mut Vec<Body>, diagnostics: &'a mut Diagnostics) -> Self {
        Reader { within: Within::Block(name), bodies, diagnostics, statements: Vec::new() }
    }

    /// For a scan.
    pub fn of_scan(name: &'a Ident, bodies: &'a mut Vec<Body>, diagnostics: &'a mut Diagnostics) -> Self {
        Reader { within: Within::Scan(name), bodies, diagnostics, statements: Vec::new() }
    }

    /// For braces in an expression.
    pub fn of_braces(bodies: &'a mut Vec<Body>, diagnostics: &'a mut Diagnostics) -> Self {
        Reader { within: Within::Braces, bodies, diagnostics, statements: Vec::new() }
    }

    /// Reads a network's statements.
    pub fn read(mut self, body: &Group) -> Vec<Statement> {
        for run in runs(body.stream()) {
            if let Some(expression) = self.run(&run) {
                self.unused(&expression);
            }
        }
        self.statements
    }

    /// Reads the statements of a block or of braces, and the expression that is the value (`None` after a mistake).
    pub fn read_with_value(mut self, body: &Group) -> (Vec<Statement>, Option<Expr>) {
        let before = self.diagnostics.len();
        let runs = runs(body.stream());
        let mut value = None;
        for (i, run) in runs.iter().enumerate() {
            let last = i + 1 == runs.len();
            match (self.run(run), run.end) {
                (Some(expression), end) if last => {
                    if let Some(semicolon) = end {
                        let whose = match self.within {
                            Within::Braces => "the braces'",
                            Within::Scan(_) => "the scan's",
                            _ => "the block's",
                        };
                        self.diagnostics
                            .error(semicolon, format!("this `;` hides {whose} value"))
                            .help(format!("remove it: `{}` is the value then", text::of(&expression)));
                    }
                    value = Some(expression);
                }
                (Some(expression), _) => self.unused(&expression),
                (None, _) => {}
            }
        }
        if value.is_none() && self.diagnostics.len() == before {
            let message = match self.within {
                Within::Block(name) => format!("block `{name}` has no value"),
                Within::Scan(name) => format!("scan `{name}` has no value"),
                _ => "there is no value in these braces".to_owned(),
            };
            let found = self.diagnostics.error(body.span_close(), message);
            match self.statements.last() {
                Some(Statement::Let { names: Names::One(last), .. }) => {
                    found.help(format!("write `{last}` before this brace, without `;`"));
                }
                _ => {
                    found.help("its last expression, without `;`, is its value");
                }
            }
        }
        (self.statements, value)
    }

    fn unused(&mut self, expression: &Expr) {
        let text = text::of(expression);
        if is_loop(expression) {
            self.diagnostics.no_control_flow(expression);
            return;
        }
        let found = self.diagnostics.error(expression, "nothing can use this value: it has no name");
        match expression {
            Expr::Path(_) => found.help("remove it"),
            _ => found.help(format!("write `name = {text};`")),
        };
    }

    /// Reads what stands before one `;`. Returns the expression at its end if that has no name.
    fn run(&mut self, run: &Run) -> Option<Expr> {
        let mut rest = run.tokens.as_slice();
        if rest.is_empty() {
            self.diagnostics.error(run.last_span(), "there is nothing before this `;`").help("remove it");
        }
        let mut complete = true;
        while let Some(first) = rest.first() {
            if !complete {
                self.diagnostics.error(Place::from(first.span()), "expected `;` before this");
            }
            let start = Start::of(rest);
            let word = start.word().filter(|_| matches!(start.body.get(1), Some(TokenTree::Ident(_))));
            let is_block = word.as_deref() == Some("block");
            complete = is_block || word.is_some_and(|word| self.is_scan(&word, &start));
            if complete {
                rest = if is_block { self.block(&start, run) } else { self.scan(&start, run) };
                continue;
            }
            let (parsed, left) = self.statement(&start, run);
            match parsed {
                Some(Parsed::Lone(expression)) if left == 0 => return Some(*expression),
                Some(Parsed::Lone(expression)) => {
                    self.unused(&expression);
                    // In Rust, no `;` follows its braces.
                    complete = matches!(*expression, Expr::If(_)) || is_loop(&expression);
                }
                Some(Parsed::Statement) if left == 0 && run.end.is_none() => {
                    self.diagnostics.error(run.last_span(), "expected `;` after this");
                }
                _ => {}
            }
            rest = &rest[rest.len() - left..];
        }
        None
    }

    fn block<'t>(&mut self, start: &Start<'t>, run: &Run) -> &'t [TokenTree] {
        let (block, after) = block(start, run, self.bodies, self.diagnostics);
        let misplaced = match self.within {
            Within::Network => None,
            Within::Block(outer) => Some(("another block", format!("block `{outer}`"))),
            Within::Scan(outer) => Some(("a scan", format!("scan `{outer}`"))),
            Within::Braces => Some(("an expression", "this statement".to_owned())),
        };
        if let Some((what, outer)) = misplaced {
            self.diagnostics
                .error(place_at(start.body, 0, run), format!("a block stands in a network or beside it, not in {what}"))
                .help(format!("move it to before {outer}"));
        }
        self.statements.extend(block.map(Statement::Block));
        after
    }

    /// Whether a scan begins, with its word spelt right or not.
    fn is_scan(&mut self, word: &str, start: &Start<'_>) -> bool {
        if word == SCAN {
            return true;
        }
        let has_form = group(start.body.get(2), Delimiter::Parenthesis).is_some()
            && group(start.body.get(3), Delimiter::Brace).is_some()
            && nearest(word, [SCAN]).is_some();
        if let (true, Some(TokenTree::Ident(word))) = (has_form, start.body.first()) {
            self.diagnostics
                .error(word.span(), format!("`{word}` begins no statement"))
                .help(format!("did you mean `{SCAN}`?"));
        }
        has_form
    }

    fn scan<'t>(&mut self, start: &Start<'t>, run: &Run) -> &'t [TokenTree] {
        let (scan, after) = scan(start, run, self.bodies, self.diagnostics);
        self.statements.extend(scan);
        after
    }

    /// Reads one statement. Returns how many tokens there are after it: some if a `;` is missing, none after a mistake.
    fn statement(&mut self, start: &Start<'_>, run: &Run) -> (Option<Parsed>, usize) {
        let mut draft = None;
        let body: TokenStream = start.body.iter().cloned().collect();
        if !guard::check(&body, self.diagnostics) {
            self.statements.extend(self.names_of(start));
            return (None, 0);
        }
        let body = cut_out(body, self.bodies, self.diagnostics);
        let attributes = start.attributes(self.diagnostics);
        if !matches!(start.word().as_deref(), Some("input" | "target" | "output")) {
            start.forbid_attributes(self.diagnostics);
        }
        start.forbid_visibility(self.diagnostics);
        if body.is_empty() {
            self.diagnostics.error(run.last_span(), "expected a statement");
            return (None, 0);
        }
        let parser = |input: ParseStream<'_>| {
            let parsed = self.one(input, attributes, &mut draft)?;
            let continues = input.is_empty() || begins_statement(input);
            if continues { Ok((parsed, input.parse::<TokenStream>()?)) } else { Err(unexpected(input)) }
        };
        let result = parser.parse2(body);
        self.statements.extend(draft);
        match result {
            Ok((parsed, after)) => (Some(parsed), after.into_iter().count()),
            Err(e) => {
                if e.to_string() != REPORTED {
                    syntax_error(&e, run.last_span(), self.diagnostics);
                }
                (None, 0)
            }
        }
    }

    /// What a statement declares that must not be parsed as a whole.
    fn names_of(&self, start: &Start<'_>) -> Option<Statement> {
        let ends_head = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if matches!(p.as_char(), '=' | ':'));
        let end = start.body.iter().position(ends_head).map_or(1, |i| i + 1);
        let head: TokenStream = start.body.iter().take(end).cloned().collect();
        // That the rest is missing is no news.
        let mut quiet = Diagnostics::default();
        let mut draft = None;
        if guard::check(&head, &mut quiet) {
            let (within, bodies) = (self.within, &mut Vec::new());
            let mut reader = Reader { within, bodies, diagnostics: &mut quiet, statements: Vec::new() };
            let parser = |input: ParseStream<'_>| reader.one(input, Vec::new(), &mut draft);
            drop(parser.parse2(head));
        }
        quiet.finish();
        draft
    }

    /// Reads one statement. `draft` is what is known about it so far, in case that the rest cannot be read.
    fn one(
        &mut self,
        input: ParseStream<'_>,
        attributes: Vec<Attribute>,
        draft: &mut Option<Statement>,
    ) -> syn::Result<Parsed> {
        if input.peek(Token![const]) && !input.peek2(token::Brace) {
            input.parse::<Token![const]>()?;
            self.constant(input, draft)?;
            return Ok(Parsed::Statement);
        }
        if input.peek(Token![let]) {
            let word: Token![let] = input.parse()?;
            let mutable: Option<Token![mut]> = input.parse()?;
            let rest = text::of(&input.fork().parse::<TokenStream>()?);
            let place = mutable.map_or(Place::from(word.span), |m| Place::from(word.span).to(m.span.into()));
            self.diagnostics.error(place, "values are named without `let`").help(format!("write `{rest};`"));
        }
        if let Ok(word) = input.fork().call(Ident::parse_any) {
            let text = word.to_string();
            if WORDS.contains(&text.as_str()) {
                return self.worded(&text, word.span(), input, attributes, draft);
            }
            if input.peek(syn::Ident) && input.peek2(syn::Ident) {
                if text == PRECISION || text == STEPWISE {
                    return self.worded(&text, word.span(), input, attributes, draft);
                }
                return self.mistyped(&text, word.span(), input, attributes, draft);
            }
        }
        let assigns = input.peek2(Token![=]) && !input.peek2(Token![==]);
        if input.peek(token::Paren) && assigns {
            return self.several(input, draft);
        }
        if is_name(input) && (assigns || input.peek2(Token![:]) && !input.peek2(Token![::])) {
            return self.one_name(input, draft);
        }
        let expression: Expr = input.parse()?;
        if let Some(operator) = compound_assignment(&expression) {
            self.diagnostics
                .error(&operator, "a name is given once and keeps its value")
                .help("give the new value a new name: `y = x + 1;`");
            return Ok(Parsed::Statement);
        }
        Ok(Parsed::Lone(Box::new(expression)))
    }

    /// Two names in a row, of which the first one should have been a statement's word.
    fn mistyped(
        &mut self,
        word: &str,
        span: Span,
        input: ParseStream<'_>,
        attributes: Vec<Attribute>,
        draft: &mut Option<Statement>,
    ) -> syn::Result<Parsed> {
        let words = || WORDS.into_iter().chain([PRECISION, STEPWISE]);
        let near = nearest(word, words().chain(["shared"]));
        let found = self.diagnostics.error(span, format!("`{word}` begins no statement"));
        match near {
            _ if word == "shared" => found.help("it stands before `block`: `shared block name(x) { … }`"),
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("statements begin with a name and `=`, or with {}", text::list(words(), "or"))),
        };
        match near {
            Some("const") => {
                input.parse::<Ident>()?;
                self.constant(input, draft)?;
                Ok(Parsed::Statement)
            }
            Some(near) if !matches!(near, "block" | SCAN | "network" | "shared") => {
                self.worded(near, span, input, attributes, draft)
            }
            _ => Err(syn::Error::new(span, REPORTED)),
        }
    }

    /// `const NAME = value`, after the word.
    fn constant(&mut self, input: ParseStream<'_>, draft: &mut Option<Statement>) -> syn::Result<()> {
        let name = a_name(input)?;
        let usable = declarable(&name, self.diagnostics);
        let make = |value| usable.then(|| Statement::Const { name: name.clone(), value });
        *draft = make(None);
        if input.peek(Token![:]) {
            let start = input.span();
            let mut tokens = TokenStream::new();
            while !input.is_empty() && !input.peek(Token![=]) {
                tokens.extend([input.parse::<TokenTree>()?]);
            }
            self.diagnostics
                .error(Place::from(start).to(Place::from(&tokens)), "constants have no type")
                .help(format!("remove `{}`: `10` is an integer, `10.0` is a float", text::of(&tokens)));
        }
        input.parse::<Token![=]>()?;
        *draft = make(Some(input.parse()?));
        Ok(())
    }

    /// A statement that begins with one of the other words.
    fn worded(
        &mut self,
        word: &str,
        span: Span,
        input: ParseStream<'_>,
        attributes: Vec<Attribute>,
        draft: &mut Option<Statement>,
    ) -> syn::Result<Parsed> {
        let ident = input.call(Ident::parse_any)?;
        if input.peek(Token![=]) && !input.peek(Token![==]) {
            self.assigned_word(&ident, input)?;
        }
        if !matches!(self.within, Within::Network) && !matches!(word, "block" | "scan" | "network") {
            let message = format!("`{word}` stands in a network, not in {}", self.within.noun());
            self.diagnostics.error(span, message).help(match (self.within, word) {
                (_, PRECISION) => "write it in the network: it is for all of its layers".to_owned(),
                (_, STEPWISE) => "write it in the network, behind its inputs".to_owned(),
                (Within::Block(_), "input" | "target") => "make it a parameter of the block".to_owned(),
                (Within::Block(name), _) => {
                    format!("give the value to the network: let it be the value of block `{name}`")
                }
                (Within::Scan(_), "input" | "target") => "declare it before the scan, which goes over it".to_owned(),
                (Within::Scan(name), _) => {
                    format!("let the value be that of each step, and write `{word}` after the scan, with `{name}`")
                }
                (_, "input" | "target") => "declare it before this statement".to_owned(),
                _ => format!("name this expression, and write `{word}` after it"),
            });
        }
        match word {
            "input" | "target" => self.field(word == "target", input, attributes, draft)?,
            "output" => self.output(input, attributes, draft)?,
            "loss" => {
                *draft = Some(Statement::Loss { word: ident.clone(), value: None });
                *draft = Some(Statement::Loss { word: ident, value: Some(input.parse()?) });
            }
            "optimizer" => {
                *draft = Some(Statement::Optimizer { word: ident.clone(), value: None });
                *draft = Some(Statement::Optimizer { word: ident, value: Some(input.parse()?) });
            }
            PRECISION => {
                *draft = Some(Statement::Precision { word: ident.clone(), value: None });
                *draft = Some(Statement::Precision { word: ident, value: Some(input.parse()?) });
            }
            STEPWISE => {
                let mut names = vec![];
                loop {
                    names.push(a_name(input)?);
                    *draft = Some(Statement::Stepwise { word: ident.clone(), names: names.clone() });
                    if input.is_empty() || begins_statement(input) {
                        break;
                    }
                    input.parse::<Token![,]>()?;
                }
            }
            "metric" => {
                let named = is_name(input) && input.peek2(Token![=]) && !input.peek2(Token![==]);
                let name = if named { Some(input.call(Ident::parse_any)?) } else { None };
                if named {
                    input.parse::<Token![=]>()?;
                }
                let usable = name.as_ref().is_none_or(|n| declarable(n, self.diagnostics));
                *draft = usable.then(|| Statement::Metric { name: name.clone(), value: None });
                let value = Some(input.parse()?);
                *draft = usable.then_some(Statement::Metric { name, value });
            }
            "block" => return Err(input.error("expected the block's name")),
            "scan" => return Err(input.error("expected the scan's name")),
            _ => {
                self.diagnostics
                    .error(span, "a network cannot stand in another one")
                    .help("close the braces before it");
                input.parse::<TokenStream>()?;
            }
        }
        if !matches!(self.within, Within::Network) {
            // What it declares is silently unknown; it is nothing else to a block.
            *draft = draft.take().and_then(|statement| match statement {
                Statement::Field { name, .. } | Statement::Output { name, .. } => {
                    Some(Statement::Let { names: Names::One(name), value: None })
                }
                _ => None,
            });
        }
        Ok(Parsed::Statement)
    }

    /// `loss = value`: says how it is meant, and reads on as if it were written so.
    fn assigned_word(&mut self, word: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        let equals = input.span();
        input.parse::<Token![=]>()?;
        let value = text::of(&input.fork().parse::<TokenStream>()?);
        let (message, help) = match word.to_string().as_str() {
            word @ ("loss" | "optimizer") => {
                (format!("`{word}` is a statement, not a name"), format!("write it without `=`: `{word} {value};`"))
            }
            "metric" => (
                "`metric` is a statement, not a name".to_owned(),
                format!("write it without `=`: `metric {value};`, or name it: `metric name = {value};`"),
            ),
            "output" => {
                ("`output` is a statement, not a name".to_owned(), format!("name the output: `output y = {value};`"))
            }
            word => (
                format!("`{word}` begins a statement, so it cannot be a name"),
                format!("choose another name: `{word}_value = {value};`"),
            ),
        };
        let goes_on = matches!(word.to_string().as_str(), "loss" | "optimizer" | "metric");
        self.diagnostics.error(Place::from(word.span()).to(equals.into()), message).help(help);
        if goes_on { Ok(()) } else { Err(syn::Error::new(equals, REPORTED)) }
    }

    /// `name = value`
    fn one_name(&mut self, input: ParseStream<'_>, draft: &mut Option<Statement>) -> syn::Result<Parsed> {
        let name = input.call(Ident::parse_any)?;
        let make = |value| Statement::Let { names: Names::One(name.clone()), value };
        if name == "_" {
            self.diagnostics.error(name.span(), "`_` is no name").help("write `_unused = …;`, or remove the statement");
        }
        let usable = name == "_" || declarable(&name, self.diagnostics);
        if usable && name != "_" {
            *draft = Some(make(None));
        }
        if input.peek(Token![:]) {
            let rest = text::of(&input.parse::<TokenStream>()?);
            let message = format!("`{name}{rest}` does not say what it is");
            self.diagnostics
                .error(name.span(), message)
                .help(format!("write `input {name}{rest};` or `target {name}{rest};`"));
            return Ok(Parsed::Statement);
        }
        input.parse::<Token![=]>()?;
        let value: Expr = input.parse()?;
        if draft.is_some() {
            *draft = Some(make(Some(value)));
        }
        Ok(Parsed::Statement)
    }

    /// `(a, b) = value`
    fn several(&mut self, input: ParseStream<'_>, draft: &mut Option<Statement>) -> syn::Result<Parsed> {
        let content;
        let parens = parenthesized!(content in input);
        let place = Place::from(parens.span.open()).to(parens.span.close().into());
        let names = content.parse_terminated(Ident::parse_any, Token![,]);
        let names: Vec<Option<Ident>> = names
            .map_err(|e| syn::Error::new(e.span(), "expected names: `(a, b) = …;`"))?
            .into_iter()
            .map(|name| (name != "_" && declarable(&name, self.diagnostics)).then_some(name))
            .collect();
        let make = |value| Statement::Let { names: Names::Several { place, names: names.clone() }, value };
        *draft = Some(make(None));
        input.parse::<Token![=]>()?;
        *draft = Some(make(Some(input.parse()?)));
        Ok(Parsed::Statement)
    }
}

/// In the place of a message: the mistake has been reported.
pub const REPORTED: &str = "reported";

/// Whether what comes can only be the next statement, so that a `;` is missing before it.
pub fn begins_statement(input: ParseStream<'_>) -> bool {
    let assigns = input.peek2(Token![=]) && !input.peek2(Token![==]);
    input.peek(Token![#])
        || input.peek(Token![const])
        || input.peek(Token![let])
        || is_name(input) && (assigns || input.peek2(syn::Ident) && !input.peek(Token![as]))
        || input.peek(token::Paren) && assigns
        || input.fork().call(Ident::parse_any).is_ok_and(|w| WORDS.contains(&w.to_string().as_str()))
}

/// Something stands behind a complete expression.
fn unexpected(input: ParseStream<'_>) -> syn::Error {
    let group = input.fork().parse::<TokenTree>().ok();
    let token = match &group {
        Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace => "{".to_owned(),
        Some(token) => text::of(token),
        None => String::new(),
    };
    input.error(format!("expected an operator or `;`, found `{token}`"))
}

/// Whether it is one of Rust's loops, which the language has not.
fn is_loop(expression: &Expr) -> bool {
    matches!(expression, Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_))
}

/// `x = …` in the midst of an expression, or `x += …`: the operator.
fn compound_assignment(expression: &Expr) -> Option<TokenStream> {
    use quote::ToTokens;
    use syn::BinOp;
    match expression {
        Expr::Assign(assign) => Some(assign.eq_token.to_token_stream()),
        Expr::Binary(binary) => {
            let assigns = matches!(
                binary.op,
                BinOp::AddAssign(_)
                    | BinOp::SubAssign(_)
                    | BinOp::MulAssign(_)
                    | BinOp::DivAssign(_)
                    | BinOp::ShrAssign(_)
            );
            assigns.then(|| binary.op.to_token_stream())
        }
        _ => None,
    }
}
