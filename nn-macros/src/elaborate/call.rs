//! Calls of functions.

use std::rc::Rc;

use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Init};
use nn_kernels::shape::{self, Fact, PerAxis};
use proc_macro2::Ident;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprCall, Token};

use super::Elaborator;
use super::bind::Binding;
use super::explain::Subject;
use super::value::Value;
use crate::functions::{self, Apply, Arguments, Bound, Function};
use crate::numbers::Number;
use crate::text;

/// A call as written.
pub struct Call<'e> {
    /// The function's name.
    pub word: &'e Ident,
    /// What is left of `>>`.
    pub piped: Option<Positional<'e>>,
    /// What is in the parentheses; `None` where there are none.
    pub written: Option<&'e Written>,
    /// The call without what is left of `>>`.
    pub whole: &'e dyn ToTokens,
}

/// An argument that is known by its position.
pub struct Positional<'e> {
    /// Its value.
    pub value: Value,
    /// As written.
    pub expression: &'e Expr,
}

/// An argument that is known by its name.
pub struct Named<'e> {
    /// The name.
    pub name: &'e Ident,
    /// What it is.
    pub value: &'e Expr,
}

impl Call<'_> {
    /// What messages call it.
    pub fn text(&self) -> String {
        text::of(self.whole)
    }
}

impl Elaborator<'_, '_> {
    /// `f(a, b)`
    pub fn plain_call(&mut self, call: &ExprCall) -> Value {
        let word = match &*call.func {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        };
        let Some(word) = word else {
            self.diagnostics.error(&call.func, "expected the name of a function").help("write `f(x)` or `x >> f`");
            return Value::Error;
        };
        self.call(Call { word, piped: None, written: Some(&call.args), whole: call })
    }

    /// A function or block with its arguments.
    pub fn call(&mut self, mut call: Call<'_>) -> Value {
        let word = call.word;
        let name = word.to_string();
        if let Some(Value::Block(block)) = self.lookup(&name).map(|name| &name.value) {
            let block = Rc::clone(block);
            self.mention(&name);
            return self.call_parameter(&block, call);
        }
        if let Some(index) = self.visible_block(&name) {
            return self.use_block(index, &mut call);
        }
        let Some(function) = functions::find(&name) else {
            self.unknown_function(word);
            self.arguments_of_nothing(&call);
            return Value::Error;
        };
        match function.apply {
            Apply::Repeat => return self.repeat(function, call),
            Apply::TimeDistributed => return self.time_distributed(function, call),
            Apply::SampleWeight => {
                // It takes nothing; what is written all the same is reported.
                return self.bind(function, &mut call).map_or(Value::Error, |_| self.sample_weight(word));
            }
            Apply::Initializer(_) | Apply::Regularizer(_) | Apply::Constraint(_) => {
                return self.setting(function, call);
            }
            Apply::Optimizer(_) | Apply::Metric(_) | Apply::Precision(_) => {
                let statement = match function.apply {
                    Apply::Metric(_) => "metric",
                    Apply::Optimizer(_) => "optimizer",
                    _ => "precision",
                };
                let found = self.diagnostics.error(word.span(), format!("`{name}` stands only after `{statement}`"));
                if statement == "metric" {
                    found.note("it is computed over all samples, so it is no value that expressions could go on with");
                }
                return Value::Error;
            }
            Apply::Group(_) => {
                self.diagnostics
                    .error(word.span(), format!("`{name}` stands only in the option `groups` of an optimizer"))
                    .help("write `optimizer adamw(groups = [group(\"*.bias\", weight_decay = 0.0)]);`");
                return Value::Error;
            }
            Apply::Decision(_) if self.in_loss => {
                self.diagnostics
                    .error(word.span(), format!("`{name}` cannot be a loss: nothing can be learned from it"))
                    .note("it counts right and wrong decisions, and so has no gradient")
                    .help("minimize `cross_entropy` or `binary_cross_entropy`, and watch the accuracy as a `metric`");
                return Value::Error;
            }
            _ => {}
        }
        self.note_word(word);
        let room = self.count_operation(word.span().into());
        let is_piped = call.piped.is_some();
        let Some(binding) = self.bind(function, &mut call) else { return Value::Error };
        if room { self.apply(function, &call, binding, is_piped) } else { Value::Error }
    }

    fn apply(&mut self, function: &Function, call: &Call<'_>, binding: Binding<'_>, is_piped: bool) -> Value {
        let arguments = &binding.arguments;
        let stands_alone =
            matches!(function.apply, Apply::Recurrent(_)) || ["batch_norm", "ctc"].contains(&function.name);
        if stands_alone && self.is_in_a_scan(call.word) {
            return Value::Error;
        }
        let result = match function.apply {
            Apply::Value(apply) | Apply::Arithmetic(apply) | Apply::Decision(apply) => {
                self.label(function.name);
                apply(&mut self.network.graph, arguments)
            }
            // A parameter is declared only where it is used.
            Apply::Layer(_) | Apply::Recurrent(_) if self.declaring => return Value::Error,
            Apply::Layer(apply) => {
                let Some(path) = self.own_path(function, call, arguments) else { return Value::Error };
                let applied = apply(&mut self.network, &path, arguments);
                if applied.is_ok() && !self.regularize(function, &path, arguments) {
                    return Value::Error;
                }
                applied
            }
            Apply::Recurrent(apply) => {
                let Some(path) = self.own_path(function, call, arguments) else { return Value::Error };
                return match apply(&mut self.network, &path, arguments) {
                    Ok(layers::Sequence { outputs, states }) => self.sequence_value(outputs, states),
                    Err(fact) => {
                        self.explain(&fact, &Subject::of_call(call, binding, is_piped));
                        Value::Error
                    }
                };
            }
            Apply::Several(apply) => {
                self.label(function.name);
                return match apply(&mut self.network.graph, arguments) {
                    Ok(nodes) => Value::Tuple(nodes.into_iter().map(Value::numbers).collect()),
                    Err(fact) => {
                        self.explain(&fact, &Subject::of_call(call, binding, is_piped));
                        Value::Error
                    }
                };
            }
            Apply::Size(apply) => {
                return match apply(&self.network.graph, arguments) {
                    Ok(size) => Value::Number(Number::integer(i64::try_from(size).unwrap_or(i64::MAX))),
                    Err(fact) => {
                        self.explain(&fact, &Subject::of_call(call, binding, is_piped));
                        Value::Error
                    }
                };
            }
            Apply::Metric(_)
            | Apply::Initializer(_)
            | Apply::Regularizer(_)
            | Apply::Constraint(_)
            | Apply::Optimizer(_)
            | Apply::Precision(_)
            | Apply::Group(_)
            | Apply::Repeat
            | Apply::TimeDistributed
            | Apply::SampleWeight => return Value::Error,
        };
        match result {
            Ok(node) if matches!(function.apply, Apply::Arithmetic(_)) && binding.numbers_only => {
                match self.network.graph.as_constant(node) {
                    Some(x) if x.is_finite() => Value::Number(Number::Float(x)),
                    _ => {
                        let message = format!("`{}` is not a finite number", call.text());
                        self.diagnostics.error(call.word.span(), message);
                        Value::Error
                    }
                }
            }
            Ok(node) => Value::numbers(node),
            Err(fact) => {
                let features = arguments.bound.get("n").cloned();
                self.explain(&fact, &Subject::of_call(call, binding, is_piped));
                match (fact, features) {
                    // What it gives is clear all the same, so what follows is checked. (Nothing of it is compiled.)
                    (Fact::NotAVector { .. }, Some(Bound::Integer(n))) if function.name == "dense" => {
                        let shape = Shape::batched(&[usize::try_from(n).unwrap_or(1)]);
                        Value::numbers(self.network.graph.leaf(Leaf::Parameter(usize::MAX), shape))
                    }
                    _ => Value::Error,
                }
            }
        }
    }

    /// The path of a layer with parameters, which are named after it, as are its kernels. `None` after a mistake.
    fn own_path(&mut self, function: &Function, call: &Call<'_>, arguments: &Arguments) -> Option<String> {
        let place = arguments.places.get("name").copied().unwrap_or(call.word.span().into());
        let name = match arguments.bound.get("name") {
            Some(Bound::Word(name)) => Some(name.as_str()),
            _ => None,
        };
        match self.layer_path(function, name) {
            Ok(path) => {
                self.network.graph.set_label(&path);
                Some(path)
            }
            Err(path) => {
                self.diagnostics
                    .error(place, format!("there is a layer `{path}` already"))
                    .help("its parameters would have equal names: choose another one, or leave it out");
                None
            }
        }
    }

    /// The path of a layer with parameters: a name of its own, or the function's name, with a number if there is one
    /// already. As an error, the path that another layer has already.
    fn layer_path(&mut self, function: &Function, name: Option<&str>) -> Result<String, String> {
        let base = self.path_of(name.unwrap_or(function.name));
        if !self.layers.contains_key(&base) {
            self.layers.insert(base.clone(), 1);
            return Ok(base);
        }
        if name.is_some() {
            return Err(base);
        }
        // Numbers go on where they ended; a name of a layer's own may have taken one.
        let layers = &mut self.layers;
        let first = layers.get(&base).copied().unwrap_or(1);
        let mut numbered = (first..).map(|i| (i, format!("{base}_{i}")));
        let Some((number, path)) = numbered.find(|(_, path)| !layers.contains_key(path)) else { return Err(base) };
        layers.insert(base, number + 1);
        layers.insert(path.clone(), 1);
        Ok(path)
    }

    /// An initializer, a regularizer or a constraint with its arguments.
    pub fn setting(&mut self, function: &'static Function, mut call: Call<'_>) -> Value {
        self.note_word(call.word);
        let Some(binding) = self.bind(function, &mut call) else { return Value::Error };
        let arguments = &binding.arguments;
        let (value, checked) = match function.apply {
            Apply::Initializer(apply) => match (apply(arguments), arguments.bound.get("dims")) {
                (init, Some(Bound::PerAxis(dims))) => self.filled(&init, dims),
                (init, _) => (Value::Init(init), Ok(())),
            },
            Apply::Regularizer(apply) => {
                let penalty = apply(arguments);
                (Value::Regularizer(penalty), layers::check_penalty(&penalty))
            }
            Apply::Constraint(apply) => {
                let constraint = apply(arguments);
                (Value::Constraint(constraint), layers::check_constraint(constraint))
            }
            _ => return Value::Error,
        };
        match checked {
            Ok(()) => value,
            Err(fact) => {
                self.explain(&fact, &Subject::of_call(&call, binding, false));
                Value::Error
            }
        }
    }

    /// `zeros(8)`, `ones([2, 8])`
    fn filled(&mut self, init: &Init, dims: &PerAxis) -> (Value, Result<(), Fact>) {
        let dims = match dims {
            PerAxis::All(n) => std::slice::from_ref(n),
            PerAxis::Each(dims) => dims,
        };
        let number = if *init == Init::Ones { 1.0 } else { 0.0 };
        self.label("");
        let node = self.network.graph.filled(number, &Shape::fixed(dims));
        (Value::numbers(node), shape::dims(dims).map(drop))
    }

    /// Remembers that a function is used.
    pub fn note_word(&mut self, word: &Ident) {
        self.words.entry(word.to_string()).or_insert_with(|| word.clone());
    }

    /// Takes arguments apart, and evaluates those without a name.
    pub fn arguments<'e>(&mut self, call: &mut Call<'e>) -> (Vec<Positional<'e>>, Vec<Named<'e>>) {
        let mut positional: Vec<Positional<'_>> = call.piped.take().into_iter().collect();
        let mut named = Vec::new();
        for argument in call.written.into_iter().flatten() {
            if let Some(argument) = option(argument) {
                named.push(argument);
            } else {
                positional.push(Positional { value: self.expression(argument), expression: argument });
            }
        }
        (positional, named)
    }
}

/// `name = value`
pub fn option(argument: &Expr) -> Option<Named<'_>> {
    match argument {
        Expr::Assign(assign) => match &*assign.left {
            Expr::Path(path) => Some(Named { name: path.path.get_ident()?, value: &assign.right }),
            _ => None,
        },
        _ => None,
    }
}

/// Arguments as written.
pub type Written = Punctuated<Expr, Token![,]>;

/// The parts of `name(arguments)`, or of `name` alone.
pub fn call_parts(expression: &Expr) -> Option<(&Ident, Option<&Written>)> {
    match expression {
        Expr::Group(group) => call_parts(&group.expr),
        Expr::Path(path) => Some((path.path.get_ident()?, None)),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => Some((path.path.get_ident()?, Some(&call.args))),
            _ => None,
        },
        _ => None,
    }
}
