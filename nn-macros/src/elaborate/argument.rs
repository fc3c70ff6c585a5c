//! One argument: what it must be.

use nn_kernels::layers::Target;
use proc_macro2::Ident;
use syn::Expr;

use super::bind::signature;
use super::value::{Tensor, Value};
use super::{AXES, Elaborator};
use crate::functions::{self, Apply, Bound, Function, Kind, Parameter};
use crate::numbers::Number;
use crate::suggest::nearest;
use crate::text;

impl Elaborator<'_, '_> {
    /// Data that flows through the network.
    pub fn bind_data(
        &mut self,
        function: &Function,
        parameter: &Parameter,
        value: &Value,
        expression: &Expr,
    ) -> Option<Bound> {
        let (name, text) = (function.name, || text::of(expression));
        match (value, parameter.kind) {
            (Value::Error, _) => None,
            (Value::Tensor(Tensor { node, classes: None }), Kind::Target) => Some(Bound::Target(Target::Values(*node))),
            (Value::Tensor(Tensor { node, classes: Some(classes) }), Kind::Target) => {
                Some(Bound::Target(Target::Classes { node: *node, classes: *classes }))
            }
            (Value::Tensor(Tensor { node, classes: None }), _) => Some(Bound::Tensor(*node)),
            (Value::Tensor(tensor @ Tensor { classes: Some(classes), .. }), _) => {
                let is = tensor.describe(&self.network.graph);
                let text = text();
                let found =
                    self.diagnostics.error(expression, format!("`{name}` computes with numbers, but `{text}` is {is}"));
                if function.parameters.iter().any(|p| p.kind == Kind::Target) {
                    found.help(format!("the prediction comes first: `{name}(prediction, {text})`"));
                } else if parameter.name == "target" {
                    found
                        .help(format!("for classes use `cross_entropy`, or declare `{text}` as `[{classes}]` numbers"));
                } else {
                    found.help("class indices are only names of classes: they go into losses and metrics");
                }
                None
            }
            (Value::Number(number), Kind::Operand) => self.constant_node(number, expression).map(Bound::Tensor),
            (other, _) => {
                let is = other.describe(&self.network.graph);
                self.diagnostics
                    .error(expression, format!("`{name}` takes a tensor here, but {}", is_value(&text(), &is)))
                    .note(signature(function));
                None
            }
        }
    }

    /// One of several words.
    pub fn bind_word(&mut self, expression: &Expr, words: &'static [&'static str], what: &str) -> Option<Bound> {
        let written = match expression {
            Expr::Path(path) => path.path.get_ident().map(Ident::to_string),
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        };
        if let Some(word) = written.iter().find(|w| words.contains(&w.as_str())) {
            return Some(Bound::Word(word.clone()));
        }
        // A block's parameter may hold it.
        if let Expr::Path(path) = expression
            && let Some(Value::Text(text)) = path.path.get_ident().and_then(|i| self.scope().mention(&i.to_string()))
            && words.contains(&text.as_str())
        {
            return Some(Bound::Word(text));
        }
        let allowed = text::list(words.iter().copied(), "or");
        let text = text::of(expression);
        let found = self.diagnostics.error(expression, format!("{what} is {allowed}, but it is `{text}`"));
        if let Some(near) = written.and_then(|w| nearest(&w, words.iter().copied())) {
            found.help(format!("did you mean `{near}`?"));
        }
        None
    }

    /// An argument that is no data.
    pub fn bind_value(&mut self, value: &Value, kind: Kind, what: &str, expression: &Expr) -> Option<Bound> {
        let wants = match (value, kind) {
            (Value::Error, _) => return None,
            (Value::Number(Number::Integer(n, _)), Kind::Count) => {
                if (1..=i64::from(i32::MAX)).contains(n) {
                    return Some(Bound::Integer(*n));
                }
                let message = if *n < 1 { "must be at least 1" } else { "must be below 2147483648" };
                let is = is_value(&text::of(expression), &n.to_string());
                self.diagnostics.error(expression, format!("{what} {message}, but {is}"));
                return None;
            }
            (Value::Number(Number::Integer(n, _)), Kind::Axis) => return Some(Bound::Integer(*n)),
            (Value::Number(Number::Integer(n, _)), Kind::Axes) => return Some(Bound::Integers(vec![*n])),
            (Value::List(values), Kind::Axes | Kind::Dims) => {
                let mut integers = Vec::new();
                for value in values {
                    match value {
                        Value::Number(Number::Integer(n, _)) => integers.push(*n),
                        Value::Error => return None,
                        other => {
                            let is = other.describe(&self.network.graph);
                            self.diagnostics
                                .error(expression, format!("{what} is a list of integers, but one of them is {is}"));
                            return None;
                        }
                    }
                }
                if integers.len() > AXES {
                    self.too_many_axes(expression.into(), integers.len());
                    return None;
                }
                return Some(Bound::Integers(integers));
            }
            (Value::Number(number), Kind::Number) => {
                let x = number.to_float(self.diagnostics)?;
                return Some(Bound::Number(x));
            }
            (Value::Flag(flag), Kind::Flag) => return Some(Bound::Flag(*flag)),
            (Value::Init(init), Kind::Init) => return Some(Bound::Init(init.clone())),
            (Value::Text(text), Kind::Name) => {
                let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                if !text.is_empty() && text.len() <= 64 && text.chars().all(good) {
                    return Some(Bound::Word(text.clone()));
                }
                self.diagnostics
                    .error(expression, "this is no name for a layer")
                    .help("names are made of up to 64 letters, digits, `_` and `-`");
                return None;
            }
            (_, Kind::Count) => "an integer above 0",
            (_, Kind::Axis) => "an integer",
            (_, Kind::Axes) => "an integer or a list of integers",
            (_, Kind::Dims) => "a list of dimensions, such as `[2, 3]`",
            (_, Kind::Number) => "a number",
            (_, Kind::Flag) => "`true` or `false`",
            (_, Kind::Init) => "an initializer, such as `zeros` or `xavier_uniform`",
            (_, Kind::Name) => "a text in quotes, such as `\"head\"`",
            (_, Kind::Word(_) | Kind::Tensor | Kind::Operand | Kind::Target | Kind::Tensors) => "something else",
        };
        let is = is_value(&text::of(expression), &value.describe(&self.network.graph));
        let found = self.diagnostics.error(expression, format!("{what} is {wants}, but {is}"));
        match (value, kind) {
            (Value::Number(Number::Float(x)), Kind::Count | Kind::Axis) if x.fract() == 0.0 && x.abs() < 1e15 => {
                found.help(format!("write `{x:.0}`"));
            }
            (Value::Number(n), Kind::Dims) => {
                found.help(format!("write `[{n}]`"));
            }
            (Value::Text(text), Kind::Init) if functions::find(text).is_some() => {
                found.help(format!("write `{text}`, without quotes"));
            }
            _ => {}
        }
        None
    }

    /// Reports what is meant as an initializer and is none.
    pub fn is_no_initializer(&mut self, expression: &Expr) -> bool {
        let ident = match expression {
            Expr::Path(path) => path.path.get_ident(),
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => path.path.get_ident(),
                _ => None,
            },
            _ => None,
        };
        let Some(ident) = ident else { return false };
        let name = ident.to_string();
        let initializers = || functions::all().filter(|f| matches!(f.apply, Apply::Initializer(_))).map(|f| f.name);
        if self.scope().get(&name).is_some() || initializers().any(|i| i == name) {
            return false;
        }
        let near = functions::known_elsewhere_as(&name).filter(|n| initializers().any(|i| i == *n));
        let found = self.diagnostics.error(ident.span(), format!("cannot find initializer `{name}`"));
        match near.or_else(|| nearest(&name, initializers())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.note(format!("there are {}", text::list(initializers(), "and"))),
        };
        true
    }

    /// Reports a name without quotes where there is no value of that name.
    pub fn is_unquoted_name(&mut self, expression: &Expr, what: &str) -> bool {
        let Expr::Path(path) = expression else { return false };
        let Some(ident) = path.path.get_ident() else { return false };
        if self.scope().get(&ident.to_string()).is_some() {
            return false;
        }
        self.diagnostics
            .error(expression, format!("{what} is a text in quotes"))
            .help(format!("write `name = \"{ident}\"`"));
        true
    }
}

/// "it is 3", or "`n` is 3" where that says more.
pub fn is_value(written: &str, is: &str) -> String {
    if is.ends_with(written) || is.trim_matches('`') == written {
        format!("it is {is}")
    } else {
        format!("`{written}` is {is}")
    }
}
