//! The arguments of a call meet the parameters of its function.

use proc_macro2::Ident;
use syn::Expr;

use super::Elaborator;
use super::call::{Call, Named, Positional};
use super::value::Value;
use crate::diagnostics::Place;
use crate::functions::{Apply, Arguments, Bound, Default, Function, Kind, Parameter};
use crate::suggest::nearest;
use crate::text;

/// A call whose arguments have been bound, or are being bound.
pub struct Binding<'e> {
    /// Arguments by parameter.
    pub arguments: Arguments,
    /// The data in the order of the parameters, as written.
    pub data: Vec<&'e Expr>,
    /// Whether all of the data are numbers.
    pub numbers_only: bool,
    /// Parameters that the call gives, for better or worse.
    given: Vec<&'static str>,
    /// Whether nothing is wrong so far.
    sound: bool,
    /// Whether an argument fits no parameter: it may be meant for one that is missing.
    astray: bool,
}

impl Binding<'_> {
    fn take(&mut self, parameter: &'static Parameter, bound: Option<Bound>, place: Option<Place>) {
        self.sound &= bound.is_some();
        self.given.push(parameter.name);
        self.arguments.bound.extend(bound.map(|bound| (parameter.name, bound)));
        self.arguments.places.extend(place.map(|place| (parameter.name, place)));
    }
}

impl Elaborator<'_, '_> {
    /// Binds a call's arguments to a function's parameters. `None` if something is wrong, or follows from a mistake.
    pub fn bind<'e>(&mut self, function: &'static Function, call: &mut Call<'e>) -> Option<Binding<'e>> {
        let is_piped = call.piped.is_some();
        let (positional, named) = self.arguments(call);
        if !is_piped && self.lacks_its_input(function, call, &positional) {
            return None;
        }
        let numbers_only = positional.iter().all(|p| matches!(p.value, Value::Number(_)));
        let (arguments, data, given) = (Arguments::default(), Vec::new(), Vec::new());
        let mut binding = Binding { arguments, data, numbers_only, given, sound: true, astray: false };
        self.bind_positional(function, &mut binding, positional);
        for argument in named {
            self.bind_named(function, &mut binding, &argument);
        }
        self.bind_defaults(function, &mut binding, call);
        binding.sound.then_some(binding)
    }

    /// `dense(10)` where `x >> dense(10)` is meant.
    fn lacks_its_input(&mut self, function: &Function, call: &Call<'_>, given: &[Positional<'_>]) -> bool {
        let takes_one = function.parameters.first().is_some_and(Parameter::is_data)
            && !function.parameters.get(1).is_some_and(Parameter::is_data);
        let has_one = given.first().is_some_and(|g| !matches!(g.value, Value::Number(_)));
        let numbers_will_do = matches!(function.apply, Apply::Arithmetic(_)) && !given.is_empty();
        let is_full = given.len() >= function.parameters.iter().filter(|p| p.positional).count();
        if !takes_one || has_one || numbers_will_do || is_full && !given.is_empty() {
            return false;
        }
        let (word, whole) = (call.word, call.text());
        let found = self.diagnostics.error(word.span(), format!("`{whole}` has nothing to act on"));
        if function.parameters[0].kind == Kind::Tensors {
            found.help(format!("write `{word}([a, b])`"));
        } else {
            found.help(format!("pipe a value into it: `x >> {}`", whole.trim_end_matches("()")));
        }
        true
    }

    fn bind_positional<'e>(
        &mut self,
        function: &'static Function,
        binding: &mut Binding<'e>,
        positional: Vec<Positional<'e>>,
    ) {
        if let Some(parameter) = function.parameters.first().filter(|p| p.kind == Kind::Tensors) {
            // They all belong to it.
            self.bind_parts(function, parameter, binding, positional);
            return;
        }
        let mut parameters = function.parameters.iter().filter(|p| p.positional);
        let mut positional = positional.into_iter();
        while let Some(Positional { value, expression }) = positional.next() {
            let Some(parameter) = parameters.next() else {
                (binding.sound, binding.astray) = (false, true);
                let extra = positional.len() + 1;
                self.too_many(function, expression, extra);
                return;
            };
            if parameter.is_data() {
                let bound = self.bind_data(function, parameter, &value, expression);
                binding.data.push(expression);
                binding.take(parameter, bound, None);
            } else {
                let what = format!("`{}` of `{}`", parameter.name, function.name);
                let bound = self.bind_value(&value, parameter.kind, &what, expression);
                binding.take(parameter, bound, Some(Place::from(expression)));
            }
        }
    }

    fn too_many(&mut self, function: &Function, first: &Expr, extra: usize) {
        let (name, text) = (function.name, text::of(first));
        let options: Vec<&str> = function.parameters.iter().filter(|p| !p.positional).map(|p| p.name).collect();
        match options.as_slice() {
            [] => {
                let count = text::count(function.parameters.iter().filter(|p| p.positional).count(), "argument");
                let more = if extra > 1 { format!(", and {} more", extra - 1) } else { String::new() };
                self.diagnostics
                    .error(first, format!("`{name}` takes {count}, so `{text}`{more} is too much"))
                    .note(signature(function));
            }
            [option, others @ ..] => {
                let found = self.diagnostics.error(first, format!("options of `{name}` are named"));
                found.help(format!("write `{option} = {text}`"));
                if !others.is_empty() {
                    found.note(format!("its options are {}", text::list(options.iter().copied(), "and")));
                }
            }
        }
    }

    fn bind_parts<'e>(
        &mut self,
        function: &'static Function,
        parameter: &'static Parameter,
        binding: &mut Binding<'e>,
        given: Vec<Positional<'e>>,
    ) {
        let mut parts = Vec::new();
        for Positional { value, expression } in given {
            match (value, expression) {
                (Value::List(values), Expr::Array(array)) => {
                    for (value, element) in values.iter().zip(&array.elems) {
                        parts.push(self.bind_data(function, parameter, value, element));
                        binding.data.push(element);
                    }
                }
                (Value::List(values), _) => {
                    for value in &values {
                        parts.push(self.bind_data(function, parameter, value, expression));
                        binding.data.push(expression);
                    }
                }
                (value, _) => {
                    parts.push(self.bind_data(function, parameter, &value, expression));
                    binding.data.push(expression);
                }
            }
        }
        let nodes = parts.into_iter().map(|part| match part {
            Some(Bound::Tensor(node)) => Some(node),
            _ => None,
        });
        let bound = nodes.collect::<Option<Vec<_>>>().map(Bound::Tensors);
        binding.take(parameter, bound, None);
    }

    fn bind_named(&mut self, function: &'static Function, binding: &mut Binding<'_>, argument: &Named<'_>) {
        let Named { name: ident, value: expression } = *argument;
        let name = ident.to_string();
        let Some(parameter) = function.parameters.iter().find(|p| p.name == name && !p.is_data()) else {
            (binding.sound, binding.astray) = (false, true);
            self.unknown_option(function, ident, &name);
            // A path may be one of an option's words, and so no name.
            if !matches!(expression, Expr::Path(_)) {
                self.expression(expression);
            }
            return;
        };
        let twin = match parameter.name {
            "axis" if parameter.kind == Kind::Axes => "axes",
            "axes" => "axis",
            same => same,
        };
        if let Some(first) = binding.given.iter().find(|given| **given == parameter.name || **given == twin) {
            binding.sound = false;
            self.diagnostics.error(ident.span(), format!("`{first}` is given already")).help("remove one of them");
            return;
        }
        self.stateful |= parameter.name == "stateful";
        let what = format!("`{name}` of `{}`", function.name);
        let bound = match parameter.kind {
            Kind::Word(words) => self.bind_word(expression, words, &what),
            Kind::Init | Kind::Regularizer | Kind::Constraint if self.is_no_setting(expression, parameter.kind) => None,
            Kind::Name if self.is_unquoted_name(expression, &what) => None,
            Kind::Padding => self.bind_padding(expression, &what),
            Kind::Groups => self.bind_groups(expression, &what),
            Kind::Tokens => {
                let value = self.expression(expression);
                self.bind_data(function, parameter, &value, expression)
            }
            Kind::PerAxis(_) if name == "padding" && self.is_padding_word(expression, &what) => None,
            kind => {
                let value = self.expression(expression);
                self.bind_value(&value, kind, &what, expression)
            }
        };
        binding.take(parameter, bound, Some(Place::from(expression)));
    }

    fn unknown_option(&mut self, function: &Function, ident: &Ident, name: &str) {
        let options: Vec<&str> = function.parameters.iter().filter(|p| !p.is_data()).map(|p| p.name).collect();
        let message = format!("`{}` has no option `{name}`", function.name);
        let found = self.diagnostics.error(ident.span(), message);
        let elsewhere = match name {
            "lr" => Some("learning_rate"),
            "weight" if options.contains(&"class_weights") => Some("class_weights"),
            "weight" | "weights" | "sample_weight" | "sample_weights" => Some("mask"),
            "padding_idx" if options.contains(&"padding_index") => Some("padding_index"),
            "ignore" | "ignore_class" => Some("ignore_index"),
            "betas" => Some("beta1"),
            "dim" => Some("axis"),
            "keepdim" => Some("keep_dims"),
            "units" | "hidden_size" if options.contains(&"hidden") => Some("hidden"),
            "num_layers" => Some("layers"),
            "num_heads" | "nhead" | "n_head" => Some("heads"),
            "num_kv_heads" | "n_kv_heads" => Some("kv_heads"),
            "is_causal" => Some("causal"),
            "attn_mask" | "key_padding_mask" | "padding_mask" | "src_key_padding_mask" => Some("mask"),
            "dim_feedforward" => Some("feedforward"),
            "embedding_dim" if options.contains(&"dim") => Some("dim"),
            "h0" | "h_0" | "initial_state" => Some("h"),
            "c0" | "c_0" => Some("c"),
            "return_state" | "keep_state" | "carry" => Some("stateful"),
            "nonlinearity" if options.contains(&"activation") => Some("activation"),
            "units" | "features" | "out_features" => Some("n"),
            "slope" => Some("negative_slope"),
            "rate" => Some("p"),
            "out_channels" | "channels" => Some("filters"),
            "kernel_size" | "pool_size" => Some("kernel"),
            "strides" => Some("stride"),
            "dilation_rate" => Some("dilation"),
            "use_bias" => Some("bias"),
            "kernel_initializer" => Some("init"),
            "num_groups" => Some("groups"),
            "epsilon" => Some("eps"),
            "elementwise_affine" => Some("affine"),
            "scale_factor" => Some("scale"),
            "stddev" => Some("std"),
            "kernel_regularizer" | "weight_regularizer" | "activity_regularizer" => Some("regularizer"),
            "kernel_constraint" | "weight_constraint" => Some("constraint"),
            "ema_momentum" | "use_ema" => Some("ema"),
            "param_groups" | "params" | "no_decay" => Some("groups"),
            "clipnorm" | "global_clipnorm" | "max_norm" => Some("clip_norm"),
            "clipvalue" => Some("clip_value"),
            _ => None,
        };
        let near = elsewhere.filter(|e| options.contains(e)).or_else(|| nearest(name, options.iter().copied()));
        if let Some(near) = near {
            found.help(format!("did you mean `{near}`?"));
        }
        match options.as_slice() {
            [] => found.note("it has no options"),
            [one] => found.note(format!("its only option is `{one}`")),
            all => found.note(format!("its options are {}", text::list(all.iter().copied(), "and"))),
        };
    }

    fn bind_defaults(&mut self, function: &'static Function, binding: &mut Binding<'_>, call: &Call<'_>) {
        for parameter in function.parameters {
            let name = parameter.name;
            if binding.given.contains(&name) {
                continue;
            }
            let bound = match parameter.default {
                Default::Required => {
                    if !binding.astray {
                        let text = call.text();
                        let found = self
                            .diagnostics
                            .error(call.word.span(), format!("`{text}` lacks its argument `{name}`"))
                            .note(signature(function));
                        match function.name {
                            "attention" => {
                                found.help("a sequence looks at itself by `self_attention(heads)`");
                            }
                            "transformer_decoder_layer" => {
                                found.help("without a memory to look at it is `transformer_encoder_layer(heads, causal = true)`");
                            }
                            _ => {}
                        }
                    }
                    binding.sound = false;
                    continue;
                }
                Default::Nothing => continue,
                Default::Integer(n) => Bound::integer(n, parameter.kind),
                Default::Number(x) => Bound::Number(x),
                Default::Flag(flag) => Bound::Flag(flag),
                Default::Word(word) => Bound::Word(word.to_owned()),
            };
            binding.arguments.bound.insert(name, bound);
        }
    }
}

/// How a function is called, with its defaults.
pub fn signature(function: &Function) -> String {
    let argument = |p: &Parameter| match p.default {
        Default::Required => p.name.to_owned(),
        Default::Nothing => format!("{} = …", p.name),
        Default::Integer(n) => format!("{} = {n}", p.name),
        Default::Number(x) => format!("{} = {x:?}", p.name),
        Default::Flag(flag) => format!("{} = {flag}", p.name),
        Default::Word(word) => format!("{} = {word}", p.name),
    };
    let arguments: Vec<String> = function.parameters.iter().map(argument).collect();
    format!("it is `{}({})`", function.name, arguments.join(", "))
}
