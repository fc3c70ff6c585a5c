//! The statements that make a network's interface: `input`, `target` and `output`.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Token, bracketed, parenthesized, token};

use super::statement::{REPORTED, Reader, begins_statement};
use super::{a_name, declarable, is_name};
use crate::ast::{FieldKind, Statement};
use crate::diagnostics::Place;
use crate::text;

impl Reader<'_> {
    /// `input name: kind` or `target name: kind`, after the word.
    pub fn field(
        &mut self,
        target: bool,
        input: ParseStream<'_>,
        attributes: Vec<Attribute>,
        draft: &mut Option<Statement>,
    ) -> syn::Result<()> {
        let name = a_name(input)?;
        let usable = declarable(&name, self.diagnostics);
        let make = |kind| {
            usable.then(|| Statement::Field { attributes: attributes.clone(), target, name: name.clone(), kind })
        };
        *draft = make(None);
        if input.peek(Token![=]) {
            let word = if target { "target" } else { "input" };
            return Err(syn::Error::new(
                name.span(),
                format!("`{name}` needs a shape, not a value: `{word} {name}: [3];`"),
            ));
        }
        if !input.peek(Token![:]) {
            let place = if input.is_empty() { name.span() } else { input.span() };
            return Err(syn::Error::new(place, format!("expected `:` and the shape of `{name}`")));
        }
        input.parse::<Token![:]>()?;
        *draft = make(Some(self.kind(&name, input)?));
        Ok(())
    }

    /// `[dims]`, `class(N)` or `class(N)[dims]`.
    fn kind(&mut self, name: &Ident, input: ParseStream<'_>) -> syn::Result<FieldKind> {
        let start = input.span();
        let brackets = |input: ParseStream<'_>| -> syn::Result<(Vec<Expr>, Span)> {
            let content;
            let brackets = bracketed!(content in input);
            let mut dims: Punctuated<Expr, Token![,]> = Punctuated::new();
            while !content.is_empty() {
                dims.push_value(content.parse()?);
                if content.is_empty() {
                    break;
                }
                if content.peek(Token![;]) {
                    return Err(content.error("expected `,`: a shape is a list, such as `[28, 28]`"));
                }
                dims.push_punct(content.parse()?);
            }
            Ok((dims.into_iter().collect(), brackets.span.close()))
        };
        if input.peek(token::Bracket) {
            let (dims, end) = brackets(input)?;
            return Ok(FieldKind { classes: None, dims, place: Place::from(start).to(end.into()) });
        }
        let word = input.fork().call(Ident::parse_any).ok().map(|w| w.to_string());
        if word.as_deref() == Some("class") && input.peek2(token::Paren) {
            input.parse::<Ident>()?;
            let content;
            let parens = parenthesized!(content in input);
            if content.is_empty() {
                return Err(syn::Error::new(start, "`class` needs the number of classes: `class(10)`"));
            }
            let classes: Expr = content.parse()?;
            content.parse::<Option<Token![,]>>()?;
            if !content.is_empty() {
                return Err(content.error("`class` takes one number: the number of classes"));
            }
            let (dims, end) = if input.peek(token::Bracket) { brackets(input)? } else { (vec![], parens.span.close()) };
            return Ok(FieldKind { classes: Some(classes), dims, place: Place::from(start).to(end.into()) });
        }
        let message = match word.as_deref() {
            Some("class") => "`class` needs the number of classes: `class(10)`",
            _ => "expected a shape",
        };
        let found = self.diagnostics.error(start, message);
        if word.as_deref() != Some("class") {
            found.help(format!(
                "write `{name}: [28, 28]` for numbers (`[]` for one), or `{name}: class(10)` for an integer below 10"
            ));
        }
        Err(syn::Error::new(start, REPORTED))
    }

    /// `output name = value`, or `output name` for what has its name already, after the word.
    pub fn output(
        &mut self,
        input: ParseStream<'_>,
        attributes: Vec<Attribute>,
        draft: &mut Option<Statement>,
    ) -> syn::Result<()> {
        let alone = {
            let fork = input.fork();
            fork.call(Ident::parse_any).is_ok() && (fork.is_empty() || begins_statement(&fork))
        };
        if is_name(input) && (alone || input.peek2(Token![=]) && !input.peek2(Token![==])) {
            let name = input.call(Ident::parse_any)?;
            let usable = declarable(&name, self.diagnostics);
            let make =
                |value| usable.then(|| Statement::Output { attributes: attributes.clone(), name: name.clone(), value });
            *draft = make(None);
            if alone {
                let path = syn::Path::from(name.clone());
                *draft = make(Some(Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path })));
                return Ok(());
            }
            input.parse::<Token![=]>()?;
            *draft = make(Some(input.parse()?));
            return Ok(());
        }
        let value: Expr = input.parse()?;
        self.diagnostics
            .error(&value, "an output needs a name")
            .help(format!("write `output y = {};`", text::of(&value)));
        Ok(())
    }
}
