//! Calls: which function, which arguments.

use nn_kernels::layers::Target;
use proc_macro2::Ident;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprBinary, ExprCall, Token};

use super::Elaborator;
use super::explain::Subject;
use super::expression::operand_of;
use super::value::{Tensor, Value};
use crate::diagnostics::Place;
use crate::functions::{self, Apply, Arguments, Bound, Default, Function, Kind, Operand, Parameter};
use crate::numbers::Number;
use crate::suggest::nearest;
use crate::text;

/// The arguments in the parentheses; `None` where there are no parentheses.
pub type Written<'e> = Option<&'e Punctuated<Expr, Token![,]>>;

/// An argument that is known by its position.
pub struct Positional {
    /// Its value.
    pub value: Value,
    /// As written.
    pub operand: Operand,
    /// For a list: its elements as written.
    pub elements: Vec<Operand>,
}

/// An argument that is known by its name.
pub struct Named<'e> {
    /// The name.
    pub name: &'e Ident,
    /// What it is.
    pub value: &'e Expr,
}

impl Elaborator<'_, '_> {
    /// `f(a, b)`
    pub fn plain_call(&mut self, call: &ExprCall) -> Value {
        match &*call.func {
            Expr::Path(path) if path.path.get_ident().is_some() => {
                let word = path.path.get_ident().expect("just looked");
                self.call(word, None, Some(&call.args), &text::of(call))
            }
            other => {
                self.diagnostics.error(other, "expected the name of a function").help("write `f(x)` or `x >> f`");
                Value::Error
            }
        }
    }

    /// `left >> f` and `left >> f(a)`
    pub fn pipe(&mut self, left: Value, binary: &ExprBinary) -> Value {
        let mut right = &*binary.right;
        while let Expr::Group(group) = right {
            right = &group.expr;
        }
        let piped = |left| Positional { value: left, operand: operand_of(&binary.left), elements: Vec::new() };
        match right {
            Expr::Path(path) if path.path.get_ident().is_some() => {
                let word = path.path.get_ident().expect("just looked");
                self.call(word, Some(piped(left)), None, &text::of(right))
            }
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) if path.path.get_ident().is_some() => {
                    let word = path.path.get_ident().expect("just looked");
                    self.call(word, Some(piped(left)), Some(&call.args), &text::of(right))
                }
                other => self.not_pipeable(other, binary),
            },
            other => self.not_pipeable(other, binary),
        }
    }

    fn not_pipeable(&mut self, right: &Expr, binary: &ExprBinary) -> Value {
        let (left, text) = (text::of(&binary.left), text::of(right));
        match right {
            Expr::Binary(inner) => {
                // `x >> f(a) + y`: what was meant ends before the first operator.
                let mut operators = vec![inner];
                let mut first = &*inner.left;
                while let Expr::Binary(binary) = first {
                    operators.push(binary);
                    first = &binary.left;
                }
                let mut meant = format!("({left} >> {})", text::of(first));
                for binary in operators.iter().rev() {
                    meant.push_str(&format!(" {} {}", text::of(&binary.op), text::of(&binary.right)));
                }
                let operator = operators.last().map_or_else(String::new, |b| text::of(&b.op));
                self.diagnostics
                    .error(right, format!("right of `>>` stands a function, but here it is `{text}`"))
                    .note(format!("`>>` binds weaker than `{operator}`"))
                    .help(format!("write `{meant}`"));
            }
            Expr::MethodCall(call) => {
                let meant = format!("{left} >> {} >> {}", text::of(&call.receiver), call.method);
                self.diagnostics
                    .error(right, "right of `>>` stands a function, and functions have no methods")
                    .help(format!("write `{meant}`"));
            }
            Expr::Path(path) => {
                let last = path.path.segments.last().map_or_else(String::new, |s| s.ident.to_string());
                self.diagnostics
                    .error(right, "functions of the language are named without a path")
                    .help(format!("write `{left} >> {last}`"));
            }
            Expr::Paren(paren) => {
                self.diagnostics
                    .error(right, "right of `>>` stands a function, without parentheses around it")
                    .help(format!("write `{left} >> {}`", text::of(&paren.expr)));
            }
            Expr::Lit(_) => {
                self.diagnostics
                    .error(right, format!("right of `>>` stands a function, but here it is `{text}`"))
                    .help("`x >> f` gives `x` to `f`; there are no shifts");
            }
            _ => {
                self.diagnostics
                    .error(right, format!("right of `>>` stands a function, but here it is `{text}`"))
                    .help("`x >> f(a)` is `f(x, a)`, and `x >> f` is `f(x)`");
            }
        }
        Value::Error
    }

    /// A function or block with its arguments. `whole` is the text that messages call it by.
    fn call(&mut self, word: &Ident, piped: Option<Positional>, written: Written<'_>, whole: &str) -> Value {
        let name = word.to_string();
        let visible = self.scope().blocks;
        if let Some(index) = self.blocks[..visible].iter().rposition(|b| b.block.name == name) {
            return self.use_block(index, word, piped, written);
        }
        let Some(function) = functions::find(&name) else {
            self.unknown_function(word);
            // What stands in the parentheses may have mistakes of its own, and uses names.
            let (_, named) = self.arguments(piped, written);
            for argument in named {
                self.expression(argument.value);
            }
            return Value::Error;
        };
        match function.apply {
            Apply::Initializer(_) => return self.initializer(function, word, written, whole),
            Apply::Optimizer(_) | Apply::Metric(_) => {
                let statement = if let Apply::Metric(_) = function.apply { "metric" } else { "optimizer" };
                let found = self.diagnostics.error(word.span(), format!("`{name}` stands only after `{statement}`"));
                if statement == "metric" {
                    found.note("it is computed over all samples, so it is no value that expressions could go on with");
                }
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
        let is_piped = piped.is_some();
        self.note_word(word);
        let room = self.count_operation(word.span().into());
        let Some(arguments) = self.bind(function, word, piped, written, whole) else { return Value::Error };
        if room { self.apply(function, word, arguments, is_piped, whole) } else { Value::Error }
    }

    fn apply(&mut self, function: &Function, word: &Ident, arguments: Arguments, piped: bool, whole: &str) -> Value {
        let fold = matches!(function.apply, Apply::Arithmetic(_)) && arguments.numbers_only;
        let result = match function.apply {
            Apply::Value(apply) | Apply::Arithmetic(apply) | Apply::Decision(apply) => {
                self.label(function.name);
                apply(&mut self.network.graph, &arguments)
            }
            Apply::Layer(apply) => {
                let Some(path) = self.layer_path(function, &arguments) else { return Value::Error };
                self.network.graph.set_label(&path);
                apply(&mut self.network, &path, &arguments)
            }
            Apply::Metric(_) | Apply::Initializer(_) | Apply::Optimizer(_) => return Value::Error,
        };
        match result {
            Ok(node) if fold => match self.network.graph.as_constant(node) {
                Some(x) if x.is_finite() => Value::Number(Number::Float(x)),
                _ => {
                    self.diagnostics.error(word.span(), format!("`{whole}` is not a finite number"));
                    Value::Error
                }
            },
            Ok(node) => Value::numbers(node),
            Err(fact) => {
                self.explain(&fact, &Subject::of_call(word, whole.to_owned(), piped, arguments));
                Value::Error
            }
        }
    }

    /// The path of a layer with parameters: a name of its own, or the function's name with a number if there is one already.
    fn layer_path(&mut self, function: &Function, arguments: &Arguments) -> Option<String> {
        let outer = self.scope().path.clone();
        let path = |name: &str| if outer.is_empty() { name.to_owned() } else { format!("{outer}.{name}") };
        if let Some(Bound::Word(name)) = arguments.bound.get("name") {
            let path = path(name);
            if self.layers.insert(path.clone()) {
                return Some(path);
            }
            if let Some(place) = arguments.places.get("name") {
                self.diagnostics
                    .error(*place, format!("there is a layer `{path}` already"))
                    .help("its parameters would have equal names: choose another one, or leave it out");
            }
            return None;
        }
        let free = |i: usize| if i == 0 { path(function.name) } else { path(&format!("{}_{i}", function.name)) };
        let free = (0..).map(free).find(|path| !self.layers.contains(path))?;
        self.layers.insert(free.clone());
        Some(free)
    }

    /// An initializer with its arguments.
    pub fn initializer(&mut self, function: &'static Function, word: &Ident, written: Written<'_>, whole: &str) -> Value {
        let Apply::Initializer(apply) = function.apply else { return Value::Error };
        self.note_word(word);
        self.bind(function, word, None, written, whole).map_or(Value::Error, |arguments| Value::Init(apply(&arguments)))
    }

    /// Remembers that a function is used.
    pub fn note_word(&mut self, word: &Ident) {
        if !self.words.iter().any(|w| w == word) {
            self.words.push(word.clone());
        }
    }

    /// Takes arguments apart, and evaluates those without a name.
    pub fn arguments<'e>(
        &mut self,
        piped: Option<Positional>,
        written: Written<'e>,
    ) -> (Vec<Positional>, Vec<Named<'e>>) {
        let mut positional: Vec<Positional> = piped.into_iter().collect();
        let mut named = Vec::new();
        for argument in written.into_iter().flatten() {
            if let Expr::Assign(assign) = argument
                && let Expr::Path(path) = &*assign.left
                && let Some(name) = path.path.get_ident()
            {
                named.push(Named { name, value: &assign.right });
            } else {
                let elements = match argument {
                    Expr::Array(array) => array.elems.iter().map(operand_of).collect(),
                    _ => Vec::new(),
                };
                positional.push(Positional { value: self.expression(argument), operand: operand_of(argument), elements });
            }
        }
        (positional, named)
    }

    /// Binds a call's arguments to a function's parameters. `None` if something is wrong, or follows from a mistake.
    pub fn bind(
        &mut self,
        function: &'static Function,
        word: &Ident,
        piped: Option<Positional>,
        written: Written<'_>,
        whole: &str,
    ) -> Option<Arguments> {
        let (is_piped, before) = (piped.is_some(), self.diagnostics.len());
        let (positional, named) = self.arguments(piped, written);
        let mut binder = Binder { function, word, arguments: Arguments::default(), given: Vec::new(), sound: true };
        if !is_piped && self.lacks_its_input(function, word, &positional, whole) {
            return None;
        }
        binder.arguments.numbers_only = positional.iter().all(|p| matches!(p.value, Value::Number(_)));
        self.bind_positional(&mut binder, positional);
        for argument in named {
            self.bind_named(&mut binder, &argument);
        }
        self.bind_defaults(&mut binder, whole, before);
        binder.sound.then_some(binder.arguments)
    }

    /// `dense(10)` where `x >> dense(10)` is meant.
    fn lacks_its_input(&mut self, function: &Function, word: &Ident, given: &[Positional], whole: &str) -> bool {
        let takes_one = function.parameters.first().is_some_and(Parameter::is_data)
            && !function.parameters.get(1).is_some_and(Parameter::is_data);
        let has_one = given.first().is_some_and(|g| !matches!(g.value, Value::Number(_)));
        let numbers_will_do = matches!(function.apply, Apply::Arithmetic(_)) && !given.is_empty();
        if !takes_one || has_one || numbers_will_do {
            return false;
        }
        let found = self.diagnostics.error(word.span(), format!("`{whole}` has nothing to act on"));
        if function.parameters[0].kind == Kind::Tensors {
            found.help(format!("write `{word}([a, b])`"));
        } else {
            found.help(format!("pipe a value into it: `x >> {}`", whole.trim_end_matches("()")));
        }
        true
    }

    fn bind_positional(&mut self, binder: &mut Binder<'_>, positional: Vec<Positional>) {
        let function = binder.function;
        let mut parameters = function.parameters.iter().filter(|p| p.positional);
        let mut positional = positional.into_iter();
        if let Some(parameter) = function.parameters.first().filter(|p| p.kind == Kind::Tensors) {
            // They all belong to it.
            self.bind_parts(binder, parameter, positional.collect());
            return;
        }
        while let Some(Positional { value, operand, .. }) = positional.next() {
            let Some(parameter) = parameters.next() else {
                let extra = positional.len() + 1;
                self.too_many(binder, &operand, extra);
                return;
            };
            let what = format!("`{}` of `{}`", parameter.name, function.name);
            if parameter.is_data() {
                let bound = self.bind_data(binder, parameter, &value, &operand);
                binder.arguments.operands.push(operand);
                binder.take(parameter, bound, None);
            } else {
                let place = operand.place;
                let bound = self.bind_value(&value, parameter.kind, &what, place, &operand.text);
                binder.take(parameter, bound, Some(place));
            }
        }
    }

    fn too_many(&mut self, binder: &mut Binder<'_>, first: &Operand, extra: usize) {
        binder.sound = false;
        let name = binder.function.name;
        let options: Vec<&Parameter> = binder.function.parameters.iter().filter(|p| !p.positional).collect();
        match options.first() {
            Some(option) => {
                self.diagnostics
                    .error(first.place, format!("options of `{name}` are named"))
                    .help(format!("write `{} = {}`", option.name, first.text))
                    .help(format!("its options are {}", text::list(options.iter().map(|o| o.name), "and")));
            }
            None => {
                let count = text::count(binder.function.parameters.iter().filter(|p| p.positional).count(), "argument");
                let more = if extra > 1 { format!(", and {} more", extra - 1) } else { String::new() };
                self.diagnostics
                    .error(first.place, format!("`{name}` takes {count}, so `{}`{more} is too much", first.text))
                    .note(signature(binder.function));
            }
        }
    }

    fn bind_named(&mut self, binder: &mut Binder<'_>, argument: &Named<'_>) {
        let (function, name) = (binder.function, argument.name.to_string());
        let Some(parameter) = function.parameters.iter().find(|p| p.name == name && !p.is_data()) else {
            binder.sound = false;
            self.unknown_option(function, argument.name, &name);
            if !is_word(argument.value) {
                self.expression(argument.value);
            }
            return;
        };
        let twin = match parameter.name {
            "axis" if parameter.kind == Kind::Axes => "axes",
            "axes" => "axis",
            same => same,
        };
        if let Some(first) = binder.given.iter().find(|given| **given == parameter.name || **given == twin) {
            binder.sound = false;
            self.diagnostics.error(argument.name.span(), format!("`{first}` is given already")).help("remove one of them");
            return;
        }
        let place = Place::from(argument.value);
        let what = format!("`{name}` of `{}`", function.name);
        let bound = match parameter.kind {
            Kind::Word(words) => self.bind_word(argument.value, words, &what),
            Kind::Init if self.is_no_initializer(argument.value) => None,
            Kind::Name if self.is_unquoted_name(argument.value, &what) => None,
            kind => {
                let value = self.expression(argument.value);
                self.bind_value(&value, kind, &what, place, &text::of(argument.value))
            }
        };
        binder.take(parameter, bound, Some(place));
    }

    /// Reports what is meant as an initializer and is none.
    fn is_no_initializer(&mut self, expression: &Expr) -> bool {
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
    fn is_unquoted_name(&mut self, expression: &Expr, what: &str) -> bool {
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

    fn unknown_option(&mut self, function: &Function, ident: &Ident, name: &str) {
        let options: Vec<&str> = function.parameters.iter().filter(|p| !p.is_data()).map(|p| p.name).collect();
        let message = format!("`{}` has no option `{name}`", function.name);
        let found = self.diagnostics.error(ident.span(), message);
        let elsewhere = match name {
            "lr" => Some("learning_rate"),
            "betas" => Some("beta1"),
            "dim" => Some("axis"),
            "keepdim" => Some("keep_dims"),
            "units" | "features" | "out_features" => Some("n"),
            "slope" => Some("negative_slope"),
            "rate" => Some("p"),
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

    fn bind_defaults(&mut self, binder: &mut Binder<'_>, whole: &str, before: usize) {
        for parameter in binder.function.parameters {
            let name = parameter.name;
            if binder.arguments.bound.contains_key(name) {
                continue;
            }
            let bound = match parameter.default {
                Default::Required => {
                    // What is missing may be what another mistake is about.
                    if self.diagnostics.len() == before && !binder.given.contains(&name) {
                        self.diagnostics
                            .error(binder.word.span(), format!("`{whole}` lacks its argument `{name}`"))
                            .note(signature(binder.function));
                    }
                    binder.sound = false;
                    continue;
                }
                Default::Nothing => continue,
                Default::Integer(n) => Bound::Integer(n),
                Default::Number(x) => Bound::Number(x),
                Default::Flag(flag) => Bound::Flag(flag),
                Default::Word(word) => Bound::Word(word.to_owned()),
            };
            binder.arguments.bound.insert(name, bound);
        }
    }

    fn bind_parts(&mut self, binder: &mut Binder<'_>, parameter: &'static Parameter, given: Vec<Positional>) {
        let mut parts = Vec::new();
        for Positional { value, operand, elements } in given {
            match value {
                Value::List(values) => {
                    for (i, value) in values.iter().enumerate() {
                        let operand = elements.get(i).unwrap_or(&operand);
                        parts.push(self.bind_data(binder, parameter, value, operand));
                        binder.arguments.operands.push(operand.clone());
                    }
                }
                value => {
                    parts.push(self.bind_data(binder, parameter, &value, &operand));
                    binder.arguments.operands.push(operand);
                }
            }
        }
        if parts.is_empty() {
            return;
        }
        let nodes = parts.into_iter().map(|part| match part {
            Some(Bound::Tensor(node)) => Some(node),
            _ => None,
        });
        let bound = nodes.collect::<Option<Vec<_>>>().map(Bound::Tensors);
        binder.take(parameter, bound, None);
    }

    /// Data that flows through the network.
    fn bind_data(
        &mut self,
        binder: &Binder<'_>,
        parameter: &Parameter,
        value: &Value,
        operand: &Operand,
    ) -> Option<Bound> {
        let (function, text) = (binder.function.name, &operand.text);
        match (value, parameter.kind) {
            (Value::Error, _) => None,
            (Value::Tensor(Tensor { node, classes: None }), Kind::Target) => Some(Bound::Target(Target::Values(*node))),
            (Value::Tensor(Tensor { node, classes: Some(classes) }), Kind::Target) => {
                Some(Bound::Target(Target::Classes { node: *node, classes: *classes }))
            }
            (Value::Tensor(Tensor { node, classes: None }), _) => Some(Bound::Tensor(*node)),
            (Value::Tensor(tensor @ Tensor { classes: Some(classes), .. }), _) => {
                let is = tensor.describe(&self.network.graph);
                let found = self
                    .diagnostics
                    .error(operand.place, format!("`{function}` computes with numbers, but `{text}` is {is}"));
                let takes_classes = binder.function.parameters.iter().any(|p| p.kind == Kind::Target);
                if takes_classes {
                    found.help(format!("the prediction comes first: `{function}(prediction, {text})`"));
                } else if parameter.name == "target" {
                    found.help(format!("for classes use `cross_entropy`, or declare `{text}` as `[{classes}]` numbers"));
                } else {
                    found.help("class indices are only names of classes: they go into losses and metrics");
                }
                None
            }
            (Value::Number(number), Kind::Operand) => self.constant_node(number, operand.place).map(Bound::Tensor),
            (other, _) => {
                let is = other.describe(&self.network.graph);
                self.diagnostics
                    .error(operand.place, format!("`{function}` takes a tensor here, but `{text}` is {is}"))
                    .note(signature(binder.function));
                None
            }
        }
    }

    fn bind_word(&mut self, expression: &Expr, words: &'static [&'static str], what: &str) -> Option<Bound> {
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
    pub fn bind_value(&mut self, value: &Value, kind: Kind, what: &str, place: Place, written: &str) -> Option<Bound> {
        let wants = match (value, kind) {
            (Value::Error, _) => return None,
            (Value::Number(Number::Integer(n, _)), Kind::Count) => {
                if (1..=i64::from(i32::MAX)).contains(n) {
                    return Some(Bound::Integer(*n));
                }
                let message = if *n < 1 { "must be at least 1" } else { "is too large" };
                self.diagnostics.error(place, format!("{what} {message}, but {}", is_value(written, &n.to_string())));
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
                            self.diagnostics.error(place, format!("{what} is a list of integers, but one of them is {is}"));
                            return None;
                        }
                    }
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
                    .error(place, "this is no name for a layer")
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
        let is = value.describe(&self.network.graph);
        let found = self.diagnostics.error(place, format!("{what} is {wants}, but {}", is_value(written, &is)));
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
}

/// A call whose arguments are being bound.
struct Binder<'w> {
    function: &'static Function,
    word: &'w Ident,
    arguments: Arguments,
    /// Parameters that the call gives, for better or worse.
    given: Vec<&'static str>,
    /// Whether nothing is wrong so far.
    sound: bool,
}

impl Binder<'_> {
    fn take(&mut self, parameter: &'static Parameter, bound: Option<Bound>, place: Option<Place>) {
        self.sound &= bound.is_some();
        self.given.push(parameter.name);
        self.arguments.bound.extend(bound.map(|bound| (parameter.name, bound)));
        self.arguments.places.extend(place.map(|place| (parameter.name, place)));
    }
}

/// "it is 3", or "`n` is 3" where that says more.
pub fn is_value(written: &str, is: &str) -> String {
    if is.ends_with(written) || is.trim_matches('`') == written { format!("it is {is}") } else { format!("`{written}` is {is}") }
}

/// Whether this could be one of an option's words, and so no name.
fn is_word(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(_))
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
