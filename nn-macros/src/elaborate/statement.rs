//! The statements of a network.

use std::collections::BTreeMap;

use nn_kernels::graph::{Leaf, NodeId, Op, Shape};
use nn_kernels::layers;
use nn_kernels::network::{self, MetricValue};
use nn_kernels::shape;
use proc_macro2::Ident;
use syn::{Attribute, Expr};

use super::argument::is_value;
use super::call::{Call, Positional, call_parts};
use super::explain::Subject;
use super::value::{Tensor, Value};
use super::{AXES, Elaborator, Field, Output};
use crate::ast::{self, FieldKind, Names, Statement};
use crate::checked::Name;
use crate::diagnostics::Place;
use crate::functions::{self, Apply};
use crate::text;

/// The word for what each sample counts, and the name of the field behind it.
const SAMPLE_WEIGHT: &str = "sample_weight";

/// What a network's statements declare.
#[derive(Default)]
pub struct Declared {
    /// Inputs in order.
    pub inputs: Vec<Field>,
    /// Targets in order.
    pub targets: Vec<Field>,
    /// Outputs in order.
    pub outputs: Vec<Output>,
    /// The word of the `loss` statement.
    pub loss: Option<Ident>,
    /// The word of the `optimizer` statement.
    pub optimizer: Option<Ident>,
    /// The word of the `precision` statement.
    pub precision: Option<Ident>,
    /// The word of the `stepwise` statement, and the inputs' numbers.
    pub stepwise: Option<(Ident, Vec<usize>)>,
    /// The metrics' names in order, and what they come to.
    pub metrics: Vec<(Ident, MetricValue)>,
    metric_names: BTreeMap<String, Ident>,
    output_names: BTreeMap<String, Ident>,
}

impl<'a> Elaborator<'a, '_> {
    /// Elaborates a network's statements.
    pub fn statements(&mut self, source: &'a ast::Network) -> Declared {
        let before = self.diagnostics.len();
        let is_input = |s: &&Statement| matches!(s, Statement::Field { target: false, .. });
        let inputs = source.statements.iter().filter(is_input).count();
        self.network.inputs = inputs;
        self.declared_fields = source.statements.iter().filter(|s| matches!(s, Statement::Field { .. })).count();
        let mut declared = Declared::default();
        for statement in &source.statements {
            match statement {
                Statement::Const { name, value } => self.constant(name, value.as_ref()),
                Statement::Field { attributes, target, name, kind } => {
                    let fields = if *target { &declared.targets } else { &declared.inputs };
                    let number = fields.len() + if *target { inputs } else { 0 };
                    let kind = kind.as_ref().and_then(|kind| self.field(name, kind));
                    let value = kind.as_ref().map_or(Value::Error, |kind| {
                        let node = self.network.graph.leaf(Leaf::Field(number), Shape::batched(&kind.dims));
                        Value::Tensor(Tensor { node, classes: kind.classes, states: None })
                    });
                    self.declare(name, value);
                    let field = Field { name: named(name, attributes), kind };
                    if *target { declared.targets.push(field) } else { declared.inputs.push(field) }
                }
                Statement::Block(block) => self.declare_block(block),
                Statement::Scan(scan) => self.scan(scan),
                Statement::Let { names, value } => self.binding(names, value.as_ref()),
                Statement::Output { attributes, name, value } => {
                    self.output(name, attributes, value.as_ref(), &mut declared);
                }
                Statement::Loss { word, value } => self.loss(word, value.as_ref(), &mut declared),
                Statement::Metric { name, value } => self.metric(name.as_ref(), value.as_ref(), &mut declared),
                Statement::Optimizer { word, value } => self.optimizer(word, value.as_ref(), &mut declared),
                Statement::Precision { word, value } => self.precision(word, value.as_ref(), &mut declared),
                Statement::Stepwise { word, names } => self.stepwise(word, names, &mut declared),
            }
        }
        self.whole_network(source, &declared, before);
        let fields = declared.inputs.iter().chain(&declared.targets);
        self.network.fields = fields.filter_map(|f| f.kind.clone()).collect();
        if self.network.sample_weight.is_some() {
            let (name, dims) = (SAMPLE_WEIGHT.to_owned(), vec![]);
            self.network.fields.push(network::Field { name, dims, classes: None });
        }
        if self.diagnostics.len() == before && source.sound && !self.stopped {
            self.check_steps(&declared);
        }
        declared
    }

    /// What only all statements together can have wrong.
    fn whole_network(&mut self, source: &ast::Network, declared: &Declared, before: usize) {
        // After a mistake, what seems to be missing may be what could not be read.
        if self.diagnostics.len() > before || !source.sound || self.stopped {
            return;
        }
        let name = &source.name;
        if declared.inputs.is_empty() {
            self.diagnostics
                .error(name.span(), format!("network `{name}` has no input"))
                .help("declare what it reads: `input x: [3];`");
            return;
        }
        if declared.outputs.is_empty() && declared.loss.is_none() {
            self.diagnostics
                .error(name.span(), format!("network `{name}` has neither an output nor a loss"))
                .help("say what it computes: `output y = …;`");
            return;
        }
        if let (Some(optimizer), None) = (&declared.optimizer, &declared.loss) {
            self.diagnostics
                .error(optimizer.span(), "there is no loss for this optimizer to minimize")
                .help("add `loss …;`, or remove the optimizer: without a loss, a network only predicts");
        } else if let (Some(optimizer), true) = (&declared.optimizer, self.network.parameters.is_empty()) {
            self.diagnostics
                .error(optimizer.span(), format!("network `{name}` has no parameters that could be trained"))
                .help("parameters come with layers such as `dense(10)`");
        } else if let (Some(optimizer), false) = (&declared.optimizer, self.network.trained().contains(&true)) {
            let message = format!("the loss of network `{name}` depends on no parameter: nothing would be trained");
            let found = self.diagnostics.error(optimizer.span(), message);
            found.help("let the loss compare what layers such as `dense(10)` have computed");
        } else {
            self.check_patterns();
        }
    }

    /// `const NAME = value;`
    pub fn constant(&mut self, name: &Ident, value: Option<&Expr>) {
        let value = value.map_or(Value::Error, |expression| match self.expression(expression) {
            value @ (Value::Number(_) | Value::Flag(_) | Value::Error) => value,
            other => {
                let is = is_value(&text::of(expression), &other.describe(&self.network.graph));
                let message = format!("a constant is an integer, a float, `true` or `false`, but {is}");
                let found = self.diagnostics.error(expression, message);
                if let Value::Tensor(_) = other {
                    found.help(format!("values are named without `const`: `{name} = …;`"));
                }
                Value::Error
            }
        });
        self.declare(name, value);
    }

    fn field(&mut self, name: &Ident, kind: &FieldKind) -> Option<network::Field> {
        let classes = kind.classes.as_ref().map(|expression| self.size(expression, "the number of classes"));
        let dims: Vec<Option<usize>> = kind.dims.iter().map(|d| self.size(d, "a dimension")).collect();
        let dims: Vec<usize> = dims.into_iter().collect::<Option<_>>()?;
        let classes = match classes {
            Some(classes) => Some(classes?),
            None => None,
        };
        if dims.len() > AXES {
            self.too_many_axes(kind.place, dims.len());
            return None;
        }
        let checked = classes.map_or(Ok(()), shape::class_count).and_then(|()| shape::dims(&dims));
        if let Err(fact) = checked {
            self.explain(&fact, &Subject::of_declaration(kind.place, name));
            return None;
        }
        Some(network::Field { name: name.to_string(), dims, classes })
    }

    /// `name = value;` or `(a, b) = value;`
    pub fn binding(&mut self, names: &Names, value: Option<&Expr>) {
        match names {
            Names::One(name) => {
                let bound = value.map_or(Value::Error, |v| self.at_path(&name.to_string(), |this| this.expression(v)));
                let bound = match bound {
                    Value::Tuple(values) => {
                        let all: Vec<String> = (1..=values.len()).map(|i| format!("{name}_{i}")).collect();
                        let count = text::count(values.len(), "value");
                        self.diagnostics
                            .error(name.span(), format!("this is one name for {count}"))
                            .help(format!("write `({}) = …;`", all.join(", ")));
                        Value::Error
                    }
                    bound => bound,
                };
                self.declare(name, bound);
            }
            Names::Several { place, names } => {
                let path = names.iter().flatten().next().map_or_else(String::new, Ident::to_string);
                let bound = value.map_or(Value::Error, |v| self.at_path(&path, |this| this.expression(v)));
                let mut bound = match self.with_states(bound, names.len()) {
                    Value::Tuple(values) if values.len() == names.len() => values,
                    Value::Error => Vec::new(),
                    other => {
                        let has = match &other {
                            Value::Tuple(values) => text::count(values.len(), "value"),
                            _ => "one value".to_owned(),
                        };
                        let given = text::count(names.len(), "name");
                        let states = self.named_states(&other).map_or_else(String::new, |states| {
                            format!(", or for {} with its final states {}", states.len() + 1, text::list(states, "and"))
                        });
                        self.diagnostics.error(*place, format!("these are {given} for {has}{states}"));
                        Vec::new()
                    }
                }
                .into_iter();
                for name in names {
                    let value = bound.next().unwrap_or(Value::Error);
                    if let Some(name) = name {
                        self.declare(name, value);
                    }
                }
            }
        }
    }

    /// `output name = value;`
    fn output(&mut self, name: &Ident, attributes: &[Attribute], value: Option<&Expr>, declared: &mut Declared) {
        let is_shorthand = matches!(value, Some(Expr::Path(p)) if p.path.get_ident().is_some_and(|i| i == name));
        let bound = value.map_or(Value::Error, |v| self.at_path(&name.to_string(), |this| this.expression(v)));
        if let Some(twin) = declared.output_names.insert(name.to_string(), name.clone()) {
            self.declared_twice(name, &twin);
            return;
        }
        let node = value.and_then(|expression| self.output_node(name, expression, &bound, declared));
        if !is_shorthand {
            self.declare(name, node.map_or(Value::Error, Value::numbers));
            self.mention(&name.to_string());
        }
        let dims = node.map(|node| self.network.graph.shape(node).dims.clone());
        self.network.outputs.extend(node.map(|node| (name.to_string(), node)));
        declared.outputs.push(Output { name: named(name, attributes), dims });
    }

    fn output_node(&mut self, name: &Ident, expression: &Expr, value: &Value, declared: &Declared) -> Option<NodeId> {
        let tensor = self.tensor(value, expression, "an output")?;
        if tensor.classes.is_some() {
            let is = tensor.describe(&self.network.graph);
            self.diagnostics
                .error(expression, format!("`{}` is {is}, and an output is made of numbers", text::of(expression)))
                .help("classes go into losses and metrics");
            return None;
        }
        if let Some(number) = self.target_behind(tensor.node) {
            let target = declared.targets.get(number).map_or(SAMPLE_WEIGHT.to_owned(), |t| t.name.ident.to_string());
            if number >= self.declared_fields - self.network.inputs {
                self.diagnostics
                    .error(
                        expression,
                        format!(
                            "output `{name}` depends on `{SAMPLE_WEIGHT}`, which says what samples count in training"
                        ),
                    )
                    .help("it belongs into `loss` and `metric`; what the network is to see is an `input`");
                return None;
            }
            self.diagnostics
                .error(
                    expression,
                    format!("output `{name}` depends on target `{target}`, which nobody knows when predicting"),
                )
                .help(format!("compute it from inputs alone, and compare it with `{target}` in `loss` and `metric`"));
            return None;
        }
        Some(layers::output(&mut self.network.graph, tensor.node))
    }

    /// The number of a target that this value is computed from.
    fn target_behind(&mut self, node: NodeId) -> Option<usize> {
        let graph = &self.network.graph;
        for (_, node) in graph.nodes().skip(self.targets_behind.len()) {
            let own = match node.op {
                Op::Leaf(Leaf::Field(number)) => number.checked_sub(self.network.inputs),
                _ => None,
            };
            let behind = node.args.iter().find_map(|arg| self.targets_behind[arg.index()]);
            self.targets_behind.push(own.or(behind));
        }
        self.targets_behind[node.index()]
    }

    fn loss(&mut self, word: &Ident, value: Option<&Expr>, declared: &mut Declared) {
        if let Some(first) = &declared.loss {
            let line = Place::from(first.span()).line();
            self.diagnostics
                .error(word.span(), format!("`loss` stands at most once, and there is one on line {line}"))
                .help("several losses are one weighted sum: `loss 0.5 * mse(a, b) + mae(c, d);`");
        } else {
            declared.loss = Some(word.clone());
        }
        let Some(expression) = value else { return };
        self.in_loss = true;
        let value = self.at_path("loss", |this| this.expression(expression));
        self.in_loss = false;
        let Some(node) = self.scalar(&value, expression, "a loss") else { return };
        if layers::is_counted(&self.network.graph, node)
            && let Err(fact) = layers::terms(&mut self.network.graph, node)
        {
            self.explain(&fact, &Subject::of_value(expression, "a loss"));
        }
        self.network.loss = Some(node);
    }

    /// A value that must be one number for each sample.
    fn scalar(&mut self, value: &Value, expression: &Expr, what: &str) -> Option<NodeId> {
        let tensor = self.tensor(value, expression, what)?;
        if let Some(classes) = tensor.classes {
            let message = format!("{what} is a number, but `{}` is class({classes})", text::of(expression));
            self.diagnostics
                .error(expression, message)
                .help("compare it with a prediction: `cross_entropy(logits, label)`");
            return None;
        }
        match layers::per_sample_loss(&mut self.network.graph, tensor.node) {
            Ok(node) => Some(node),
            Err(fact) => {
                self.explain(&fact, &Subject::of_value(expression, what));
                None
            }
        }
    }

    fn metric(&mut self, name: Option<&Ident>, value: Option<&Expr>, declared: &mut Declared) {
        let function = value.and_then(obvious_name).cloned();
        let Some(name) = name.or(function.as_ref()).cloned() else {
            if let Some(expression) = value {
                let text = text::of(expression);
                self.diagnostics
                    .error(expression, "this metric needs a name: it is no single function's value")
                    .help(format!("write `metric name = {text};`"));
                self.expression(expression);
            }
            return;
        };
        self.count_operation(name.span().into());
        let twin = declared.metric_names.get(&name.to_string()).cloned();
        if let Some(twin) = &twin {
            let line = Place::from(twin.span()).line();
            self.diagnostics
                .error(name.span(), format!("there is a metric `{name}` already, on line {line}"))
                .help(format!("give this one a name: `metric {name}_2 = …;`"));
        } else {
            declared.metric_names.insert(name.to_string(), name.clone());
            let assumed = function.as_ref().map_or(MetricValue::Number, assumed_value);
            declared.metrics.push((name.clone(), assumed));
        }
        let Some(expression) = value else { return };
        let path = format!("metric.{name}");
        let declaration = self.at_path(&path, |this| this.metric_declaration(&name.to_string(), expression));
        if let (Some(declaration), None) = (declaration, twin) {
            declared.metrics.pop();
            declared.metrics.push((name, declaration.kind.value()));
            self.network.metrics.push(declaration);
        }
    }

    fn metric_declaration(&mut self, name: &str, expression: &Expr) -> Option<network::MetricDeclaration> {
        let (left, called) = match expression {
            Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Shr(_)) => (Some(&*binary.left), &*binary.right),
            other => (None, other),
        };
        if let Some((word, written)) = call_parts(called)
            && let Some(function) = functions::find(&word.to_string())
            && let Apply::Metric(apply) = function.apply
        {
            let piped = left.map(|expression| Positional { value: self.expression(expression), expression });
            let is_piped = piped.is_some();
            let mut call = Call { word, piped, written, whole: called };
            let binding = self.bind(function, &mut call)?;
            self.note_word(word);
            if !self.count_operation(word.span().into()) {
                return None;
            }
            let result = apply(&mut self.network.graph, name, &binding.arguments);
            return result.map_err(|fact| self.explain(&fact, &Subject::of_call(&call, binding, is_piped))).ok();
        }
        let value = self.expression(expression);
        let node = self.scalar(&value, expression, "a metric")?;
        let result = layers::mean_metric(&mut self.network.graph, name, node);
        result.map_err(|fact| self.explain(&fact, &Subject::of_value(expression, "a metric"))).ok()
    }

    /// Evaluates where parameters are named after one more word.
    pub fn at_path<T>(&mut self, word: &str, evaluate: impl FnOnce(&mut Self) -> T) -> T {
        let inner = self.path_of(word);
        let outer = std::mem::replace(&mut self.path, inner);
        let result = evaluate(self);
        self.path = outer;
        result
    }

    /// The path of a word here.
    pub fn path_of(&self, word: &str) -> String {
        if self.path.is_empty() { word.to_owned() } else { format!("{}.{word}", self.path) }
    }
}

fn named(ident: &Ident, attributes: &[Attribute]) -> Name {
    Name { ident: ident.clone(), attributes: attributes.to_vec() }
}

/// What a metric with a mistake would have come to, probably.
fn assumed_value(function: &Ident) -> MetricValue {
    match function.to_string().as_str() {
        "confusion_matrix" => MetricValue::ConfusionMatrix,
        "roc_curve" => MetricValue::RocCurve,
        "pr_curve" => MetricValue::PrCurve,
        _ => MetricValue::Number,
    }
}

/// The name for a metric that has none of its own: a call's, the last one of a pipeline, or the value's.
fn obvious_name(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Group(group) => obvious_name(&group.expr),
        Expr::Paren(paren) => obvious_name(&paren.expr),
        Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Shr(_)) => {
            call_parts(&binary.right).map(|(word, _)| word)
        }
        Expr::Call(_) | Expr::Path(_) => call_parts(expression).map(|(word, _)| word),
        _ => None,
    }
}
