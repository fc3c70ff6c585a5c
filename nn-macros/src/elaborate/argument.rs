//! One argument: what it must be.

use nn_kernels::layers::{Init, Target};
use nn_kernels::shape::{Margins, Padding, PerAxis};
use proc_macro2::Ident;
use syn::Expr;

use super::bind::signature;
use super::value::{Tensor, Value};
use super::{AXES, Elaborator};
use crate::functions::{self, Apply, Bound, Function, Kind, PADDING_WORDS, Parameter};
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
            (Value::Tensor(Tensor { node, classes: None, .. }), Kind::Target) => {
                Some(Bound::Target(Target::Values(*node)))
            }
            (Value::Tensor(tensor @ Tensor { classes: None, .. }), Kind::Tokens) => {
                let (is, text) = (tensor.describe(&self.network.graph), text());
                let dims = if is == "[]" { "" } else { is.as_str() };
                let (message, help) = match parameter.name {
                    "tokens" | "target" => (
                        format!("`{name}` reads whole numbers, but `{text}` is {is}"),
                        match parameter.name {
                            "tokens" => format!("declare them as classes: `class(VOCABULARY){dims}`"),
                            _ => format!("declare them as classes: `class(CLASSES){dims}`"),
                        },
                    ),
                    length => (
                        format!("`{length}` of `{name}` is one whole number for each sample, but `{text}` is {is}"),
                        "declare it as a class: `class(LENGTH + 1)`, 0 to LENGTH".to_owned(),
                    ),
                };
                self.diagnostics.error(expression, message).help(help);
                None
            }
            (Value::Tensor(Tensor { node, classes: Some(classes), .. }), Kind::Target | Kind::Tokens) => {
                Some(Bound::Target(Target::Classes { node: *node, classes: *classes }))
            }
            (Value::Tensor(Tensor { node, classes: None, .. }), _) => Some(Bound::Tensor(*node)),
            (Value::Tensor(tensor @ Tensor { classes: Some(classes), .. }), _) => {
                let is = tensor.describe(&self.network.graph);
                let text = text();
                let found =
                    self.diagnostics.error(expression, format!("`{name}` computes with numbers, but `{text}` is {is}"));
                if function.parameters.iter().any(|p| p.name == "target" && p.kind != Kind::Tensor) {
                    found.help(format!("the prediction comes first: `{name}(prediction, {text})`"));
                } else if parameter.name == "target" {
                    found
                        .help(format!("for classes use `cross_entropy`, or declare `{text}` as `[{classes}]` numbers"));
                } else if parameter.name == "mask" {
                    found.help(format!("a length becomes a mask by `mask_from({text}, {})`", classes - 1));
                } else {
                    found.help("class indices are only names of classes: they go into `embedding`, losses and metrics");
                }
                None
            }
            (Value::Number(number), Kind::Operand) => self.constant_node(number, expression).map(Bound::Tensor),
            (other, _) => {
                let is = other.describe(&self.network.graph);
                let found = self
                    .diagnostics
                    .error(expression, format!("`{name}` takes a tensor here, but {}", is_value(&text(), &is)))
                    .note(signature(function));
                if let Some(help) = other.destructuring(&text()) {
                    found.help(help);
                }
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
            && let Some(Value::Text(text)) = path.path.get_ident().and_then(|i| self.mention(&i.to_string()))
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

    /// The padding of a convolution: a word, or numbers.
    pub fn bind_padding(&mut self, expression: &Expr, what: &str) -> Option<Bound> {
        let name = match expression {
            Expr::Path(path) => path.path.get_ident().map(Ident::to_string),
            _ => None,
        };
        if let Some(padding) = name.as_deref().and_then(padding_word) {
            return Some(Bound::Padding(padding));
        }
        if let Some(name) = name.filter(|name| self.lookup(name).is_none()) {
            let words = text::list(PADDING_WORDS.iter().copied(), "or");
            let found = self
                .diagnostics
                .error(expression, format!("{what} is a number, one for each axis, {words}, but it is `{name}`"));
            if let Some(near) = nearest(&name, PADDING_WORDS.iter().copied()) {
                found.help(format!("did you mean `{near}`?"));
            }
            return None;
        }
        let value = self.expression(expression);
        self.bind_value(&value, Kind::Padding, what, expression)
    }

    /// Reports a word for padding where only numbers will do.
    pub fn is_padding_word(&mut self, expression: &Expr, what: &str) -> bool {
        let Expr::Path(path) = expression else { return false };
        let word = path.path.get_ident().map(Ident::to_string).filter(|word| padding_word(word).is_some());
        let Some(word) = word.filter(|word| self.lookup(word).is_none()) else { return false };
        self.diagnostics.error(
            expression,
            format!(
                "{what} is a number, or one for each axis: only convolutions that are not transposed know `{word}`"
            ),
        );
        true
    }

    /// One number for all axes, or one for each, none of them below `least`.
    fn bind_per_axis(&mut self, value: &Value, least: i64, what: &str, expression: &Expr) -> Option<Option<PerAxis>> {
        let numbers = match value {
            Value::Number(Number::Integer(n, _)) => vec![*n],
            Value::List(values) => integers(values)?,
            _ => return None,
        };
        if let Some(n) = numbers.iter().find(|n| !(least..=i64::from(i32::MAX)).contains(n)) {
            let message = if *n < least { format!("at least {least}") } else { "below 2147483648".to_owned() };
            let is = is_value(&text::of(expression), &n.to_string());
            let is = if let Value::List(_) = value { format!("one of its numbers is {n}") } else { is };
            self.diagnostics.error(expression, format!("{what} must be {message}, but {is}"));
            return Some(None);
        }
        let numbers: Vec<usize> = numbers.into_iter().map(|n| n as usize).collect();
        Some(Some(match (value, numbers.as_slice()) {
            (Value::Number(_), [n]) => PerAxis::All(*n),
            _ => PerAxis::Each(numbers),
        }))
    }

    /// What surrounds a tensor: numbers, none of them negative.
    fn bind_margins(&mut self, value: &Value, what: &str, expression: &Expr) -> Option<Option<Margins>> {
        let mut numbers = Vec::new();
        if let Value::List(values) = value {
            for value in values {
                match value {
                    Value::List(pair) => match integers(pair)?.as_slice() {
                        [before, after] => numbers.push([*before, *after]),
                        _ => return None,
                    },
                    Value::Number(Number::Integer(n, _)) => numbers.push([*n, *n]),
                    _ => return None,
                }
            }
        } else if let Value::Number(Number::Integer(n, _)) = value {
            numbers.push([*n, *n]);
        } else {
            return None;
        }
        if let Some(n) = numbers.iter().flatten().find(|n| !(0..=i64::from(i32::MAX)).contains(*n)) {
            let message = if *n < 0 { "must not be negative" } else { "must be below 2147483648" };
            self.diagnostics.error(expression, format!("{what} {message}, but here is {n}"));
            return Some(None);
        }
        let margins: Vec<(usize, usize)> = numbers.into_iter().map(|[a, b]| (a as usize, b as usize)).collect();
        Some(Some(match (value, margins.as_slice()) {
            (Value::Number(_), [(n, _)]) => Margins::All(*n),
            _ => Margins::Each(margins),
        }))
    }

    /// An argument that is no data.
    pub fn bind_value(&mut self, value: &Value, kind: Kind, what: &str, expression: &Expr) -> Option<Bound> {
        let wants = match (value, kind) {
            (Value::Error, _) => return None,
            (Value::List(values), _) if values.iter().any(is_mistake) => return None,
            (Value::Number(Number::Integer(n, _)), Kind::Count) => {
                if (1..=i64::from(i32::MAX)).contains(n) {
                    return Some(Bound::Integer(*n));
                }
                let message = if *n < 1 { "must be at least 1" } else { "must be below 2147483648" };
                let is = is_value(&text::of(expression), &n.to_string());
                self.diagnostics.error(expression, format!("{what} {message}, but {is}"));
                return None;
            }
            (Value::Tensor(Tensor { node, classes: None, .. }), Kind::State) => return Some(Bound::Tensor(*node)),
            (Value::Number(Number::Integer(n, _)), Kind::Axis) => return Some(Bound::Integer(*n)),
            (Value::Number(Number::Integer(n, _)), Kind::Axes) => return Some(Bound::Integers(vec![*n])),
            (Value::List(values), Kind::Axes | Kind::Dims) => {
                let mut list = Vec::new();
                for value in values {
                    match value {
                        Value::Number(Number::Integer(n, _)) => list.push(*n),
                        other => {
                            let is = other.describe(&self.network.graph);
                            self.diagnostics
                                .error(expression, format!("{what} is a list of integers, but one of them is {is}"));
                            return None;
                        }
                    }
                }
                if list.len() > AXES {
                    self.too_many_axes(expression.into(), list.len());
                    return None;
                }
                return Some(Bound::Integers(list));
            }
            (Value::Text(text), Kind::Padding) if padding_word(text).is_some() => {
                return padding_word(text).map(Bound::Padding);
            }
            (_, Kind::PerAxis(least)) => match self.bind_per_axis(value, least, what, expression) {
                Some(numbers) => return numbers.map(Bound::PerAxis),
                None => "a whole number or one for each axis, such as `[3, 5]`",
            },
            (_, Kind::Padding) => match self.bind_per_axis(value, 0, what, expression) {
                Some(numbers) => return numbers.map(|n| Bound::Padding(Padding::Numbers(n))),
                None => "a whole number, one for each axis such as `[1, 2]`, `same`, `valid` or `causal`",
            },
            (_, Kind::Margins) => match self.bind_margins(value, what, expression) {
                Some(margins) => return margins.map(Bound::Margins),
                None => "a whole number, or for each axis one such as `[1, 2]` or two such as `[[0, 1], [0, 1]]`",
            },
            (Value::Number(number), Kind::Number) => {
                let x = number.to_float(self.diagnostics)?;
                return Some(Bound::Number(x));
            }
            (Value::List(values), Kind::Numbers) if values.iter().all(|v| matches!(v, Value::Number(_))) => {
                let mut numbers = Vec::new();
                for value in values {
                    if let Value::Number(number) = value {
                        numbers.push(number.to_float(self.diagnostics)?);
                    }
                }
                return Some(Bound::Numbers(numbers));
            }
            (Value::Tensor(Tensor { node, classes: None | Some(2), .. }), Kind::Mask) => {
                return Some(Bound::Tensor(*node));
            }
            (Value::Flag(flag), Kind::Flag) => return Some(Bound::Flag(*flag)),
            (Value::Init(init), Kind::Init) => return Some(Bound::Init(init.clone())),
            (Value::Regularizer(penalty), Kind::Regularizer) => return Some(Bound::Regularizer(*penalty)),
            (Value::Constraint(constraint), Kind::Constraint) => return Some(Bound::Constraint(*constraint)),
            (Value::Text(text), Kind::Path) => return Some(Bound::Word(text.clone())),
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
            (Value::Text(text), Kind::Patterns) if is_pattern(text) => {
                return Some(Bound::Patterns(vec![text.clone()]));
            }
            (Value::List(values), Kind::Patterns) if !values.is_empty() => {
                let text = |value: &Value| if let Value::Text(text) = value { Some(text.clone()) } else { None };
                match values.iter().map(text).collect::<Option<Vec<String>>>() {
                    Some(texts) if texts.iter().all(|text| is_pattern(text)) => return Some(Bound::Patterns(texts)),
                    _ => PATTERNS,
                }
            }
            (_, Kind::Patterns) => PATTERNS,
            (_, Kind::State) => "a tensor of numbers",
            (_, Kind::Count) => "an integer above 0",
            (_, Kind::Axis) => "an integer",
            (_, Kind::Axes) => "an integer or a list of integers",
            (_, Kind::Dims) => "a list of dimensions, such as `[2, 3]`",
            (_, Kind::Mask) => "a tensor of numbers, 1 for what counts and 0 for what does not",
            (_, Kind::Number) => "a number",
            (_, Kind::Numbers) => "a list of numbers, such as `[1.0, 4.0]`",
            (_, Kind::Flag) => "`true` or `false`",
            (_, Kind::Init) => "an initializer, such as `zeros` or `xavier_uniform`",
            (_, Kind::Regularizer) => "a regularizer, such as `l2(1e-4)`",
            (_, Kind::Constraint) => "a constraint, such as `max_norm(2.0)`",
            (_, Kind::Path) => "the path of a layer in quotes, such as `\"x.embedding\"`",
            (_, Kind::Name) => "a text in quotes, such as `\"head\"`",
            (
                _,
                Kind::Word(_)
                | Kind::Tensor
                | Kind::Operand
                | Kind::Target
                | Kind::Tokens
                | Kind::Tensors
                | Kind::Block
                | Kind::Groups,
            ) => "something else",
        };
        let is = is_value(&text::of(expression), &value.describe(&self.network.graph));
        let found = self.diagnostics.error(expression, format!("{what} is {wants}, but {is}"));
        match (value, kind) {
            (Value::Number(Number::Float(x)), Kind::Count | Kind::Axis) if x.fract() == 0.0 && x.abs() < 1e15 => {
                found.help(format!("write `{x:.0}`"));
            }
            (Value::Tensor(Tensor { classes: Some(classes), .. }), Kind::Mask) => {
                let length = text::of(expression);
                found.help(format!("a length becomes a mask by `mask_from({length}, {})`", classes - 1));
            }
            (Value::Init(init @ (Init::Zeros | Init::Ones)), Kind::State) => {
                found.help(format!("with dimensions it is one: `{}(8)`", init.name()));
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

    /// Reports what is meant as a setting of this kind (an initializer, a regularizer, a constraint) and is none.
    pub fn is_no_setting(&mut self, expression: &Expr, kind: Kind) -> bool {
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
        let fits = move |f: &&Function| match kind {
            Kind::Regularizer => matches!(f.apply, Apply::Regularizer(_)),
            Kind::Constraint => matches!(f.apply, Apply::Constraint(_)),
            _ => matches!(f.apply, Apply::Initializer(_)),
        };
        let word = match kind {
            Kind::Regularizer => "regularizer",
            Kind::Constraint => "constraint",
            _ => "initializer",
        };
        let settings = || functions::all().filter(fits).map(|f| f.name);
        if self.lookup(&name).is_some() || settings().any(|i| i == name) {
            return false;
        }
        let near = functions::known_elsewhere_as(&name).filter(|n| settings().any(|i| i == *n));
        let found = self.diagnostics.error(ident.span(), format!("cannot find {word} `{name}`"));
        match near.or_else(|| nearest(&name, settings())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.note(format!("there are {}", text::list(settings(), "and"))),
        };
        true
    }

    /// Reports a name without quotes where there is no value of that name.
    pub fn is_unquoted_name(&mut self, expression: &Expr, what: &str) -> bool {
        let Expr::Path(path) = expression else { return false };
        let Some(ident) = path.path.get_ident() else { return false };
        if self.lookup(&ident.to_string()).is_some() {
            return false;
        }
        self.diagnostics
            .error(expression, format!("{what} is a text in quotes"))
            .help(format!("write `name = \"{ident}\"`"));
        true
    }
}

/// What patterns are.
const PATTERNS: &str = "a pattern of names in quotes, such as `\"*.bias\"`, or several in brackets";

/// Whether a text can be a pattern of names.
fn is_pattern(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '*' | '?');
    !text.is_empty() && text.len() <= 256 && text.chars().all(good)
}

/// A word for the padding of a convolution.
fn padding_word(word: &str) -> Option<Padding> {
    match word {
        "same" => Some(Padding::Same),
        "valid" => Some(Padding::Valid),
        "causal" => Some(Padding::Causal),
        _ => None,
    }
}

/// A mistake that has been reported, perhaps within a list.
fn is_mistake(value: &Value) -> bool {
    match value {
        Value::Error => true,
        Value::List(values) => values.iter().any(is_mistake),
        _ => false,
    }
}

/// The values of a list that has nothing but integers.
fn integers(values: &[Value]) -> Option<Vec<i64>> {
    let integer = |value: &Value| match value {
        Value::Number(Number::Integer(n, _)) => Some(*n),
        _ => None,
    };
    values.iter().map(integer).collect()
}

/// "it is 3", or "`n` is 3" where that says more.
pub fn is_value(written: &str, is: &str) -> String {
    if is.ends_with(written) || is.trim_matches('`') == written {
        format!("it is {is}")
    } else {
        format!("`{written}` is {is}")
    }
}
