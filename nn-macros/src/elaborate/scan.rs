//! `scan`: a loop over sequences, whose body is written once.
//!
//! The body is evaluated once, with a step's part of each sequence and with the states as they are at the beginning of a
//! step. A name of a state that is given a value is the state's new value, also for what follows in the body.

use std::collections::BTreeSet;

use nn_kernels::graph::{Loop, NodeId};
use nn_kernels::shape;
use proc_macro2::Ident;
use syn::Expr;

use super::argument::is_value;
use super::call::call_parts;
use super::explain::Subject;
use super::value::{Tensor, Value};
use super::{AXES, Elaborator};
use crate::ast::{Names, Scan, ScanParameter, Statement};
use crate::diagnostics::Place;
use crate::suggest::nearest;
use crate::text;

/// The options of a scan.
const REVERSE: &str = "reverse";
const STATEFUL: &str = "stateful";

/// What is known of a scan while its body is evaluated.
pub struct ScanScope<'a> {
    /// Its name.
    pub name: &'a Ident,
    /// Whether states go on where the batch before has ended.
    stateful: bool,
    states: Vec<State<'a>>,
}

/// A state of a scan.
struct State<'a> {
    name: &'a Ident,
    /// What it is at the beginning of a step; `None` after a mistake.
    carry: Option<NodeId>,
    /// What of it is kept from batch to batch, if the scan is stateful.
    kept: Option<NodeId>,
    /// Where it is given its new value, and that value; `None` inside after a mistake.
    next: Option<(usize, Option<NodeId>)>,
}

impl ScanScope<'_> {
    /// Whether this is a state.
    pub fn has(&self, name: &Ident) -> bool {
        self.states.iter().any(|state| state.name == name)
    }
}

impl<'a> Elaborator<'a, '_> {
    /// A scan: declares its name.
    pub fn scan(&mut self, scan: &'a Scan) {
        let name = scan.name.to_string();
        self.note_word(&scan.word);
        let line = Place::from(scan.name.span()).line();
        if let Some((outer, outer_line)) = &self.scanning {
            self.diagnostics
                .error(
                    scan.word.span(),
                    format!("a scan cannot stand in another one: this is in `{outer}` of line {outer_line}"),
                )
                .help("write it after the other one, and let it go over what that one gives");
            self.declare(&scan.name, Value::Error);
            return;
        }
        let arguments: Vec<Value> = self.at_path(&name, |this| this.scan_arguments(scan));
        if !scan.callable {
            // Who knows what its body could use.
            self.declare(&scan.name, Value::Error);
            return;
        }
        let before = self.diagnostics.len();
        self.scanning = Some((name.clone(), line));
        let value = self.at_path(&name, |this| this.scan_body(scan, &arguments));
        self.scanning = None;
        let value = if self.diagnostics.len() > before { Value::Error } else { value };
        self.declare(&scan.name, value);
    }

    /// What the parameters are, outside. A sequence has been checked to be one.
    fn scan_arguments(&mut self, scan: &'a Scan) -> Vec<Value> {
        let mut first: Option<(&Expr, usize)> = None;
        let mut arguments = Vec::new();
        for parameter in &scan.parameters {
            let value = match &parameter.value {
                None => Value::Error,
                Some(expression) if parameter.each => {
                    let value = self.expression(expression);
                    self.sequence(scan, &parameter.name, value, expression, &mut first)
                }
                Some(expression) => self.expression(expression),
            };
            arguments.push(value);
        }
        if scan.callable && first.is_none() && !scan.parameters.iter().any(|p| p.each) {
            self.diagnostics
                .error(scan.name.span(), format!("scan `{}` goes over nothing", scan.name))
                .help(format!("name a sequence, and a step's part of it: `scan {}(x_t in x, …)`", scan.name));
        }
        arguments
    }

    /// A tensor whose first axis is the steps, as many as in the others.
    fn sequence(
        &mut self,
        scan: &Scan,
        name: &Ident,
        value: Value,
        expression: &'a Expr,
        first: &mut Option<(&'a Expr, usize)>,
    ) -> Value {
        let written = text::of(expression);
        let tensor = match value {
            Value::Error => return Value::Error,
            Value::Tensor(tensor) => tensor,
            other => {
                let is = is_value(&written, &other.describe(&self.network.graph));
                let found = self
                    .diagnostics
                    .error(expression, format!("a scan goes over the first axis of a tensor, but {is}"));
                if let Some(help) = other.destructuring(&written) {
                    found.help(help);
                }
                return Value::Error;
            }
        };
        let shape = self.network.graph.shape(tensor.node);
        let Some(&steps) = shape.dims.first() else {
            let is = is_value(&written, &tensor.describe(&self.network.graph));
            self.diagnostics
                .error(expression, format!("a scan goes over the first axis of a tensor, but {is}"))
                .help(format!("for the whole of it at each step, write `{name} = {written}`"));
            return Value::Error;
        };
        match first {
            Some((other, expected)) if *expected != steps => {
                let (other, is) = (text::of(*other), tensor.describe(&self.network.graph));
                let step = |n: usize| text::count(n, "step");
                self.diagnostics
                    .error(
                        expression,
                        format!(
                            "`{written}` is {is} and so has {}, but `{other}` has {}",
                            step(steps),
                            step(*expected)
                        ),
                    )
                    .note(format!("scan `{}` goes over the first axes of both, step by step", scan.name));
                return Value::Error;
            }
            Some(_) => {}
            None => *first = Some((expression, steps)),
        }
        Value::Tensor(tensor)
    }

    /// The value of all steps, from the values of the parameters.
    fn scan_body(&mut self, scan: &'a Scan, arguments: &[Value]) -> Value {
        let assigned = assigned(&scan.statements);
        let is_option = |p: &ScanParameter| !p.each && (p.name == REVERSE || p.name == STATEFUL);
        let known = !self.declaring && !arguments.iter().any(|value| matches!(value, Value::Error));
        let [reverse, stateful] = [REVERSE, STATEFUL].map(|option| {
            let given = scan.parameters.iter().zip(arguments).find(|(p, _)| !p.each && p.name == option);
            given.filter(|(p, value)| self.scan_option(p, value)).map(|(p, _)| p)
        });
        if let (Some(_), Some(stateful)) = (reverse, stateful) {
            self.diagnostics
                .error(
                    stateful.name.span(),
                    "a stateful scan goes on where the batch before ended, but one in `reverse` begins at the end",
                )
                .help("leave one of both out");
        }
        let (reverse, stateful) = (reverse.is_some(), stateful.is_some());
        self.stateful |= stateful;
        let steps = scan.parameters.iter().zip(arguments).find_map(|(p, value)| match value {
            Value::Tensor(tensor) if p.each && known => self.network.graph.shape(tensor.node).dims.first().copied(),
            _ => None,
        });
        let steps = steps.map(|steps| self.network.graph.begin_loop(steps, reverse));

        let around = self.scopes.len() - 1;
        self.in_scope(around, &scan.statements, |this| {
            if let Some(scope) = this.scopes.last_mut() {
                scope.scan = Some(ScanScope { name: &scan.name, stateful, states: Vec::new() });
            }
            for (parameter, value) in scan.parameters.iter().zip(arguments).filter(|(p, _)| !is_option(p)) {
                this.scan_parameter(parameter, value, &assigned, steps);
            }
            let value = this.body(&scan.statements, scan.value.as_ref());
            this.scan_value(scan, &value, steps)
        })
    }

    /// What a parameter is in the body.
    fn scan_parameter(
        &mut self,
        parameter: &'a ScanParameter,
        value: &Value,
        assigned: &BTreeSet<String>,
        steps: Option<Loop>,
    ) {
        let name = &parameter.name;
        let is_state = assigned.contains(&name.to_string());
        if parameter.each && is_state {
            let sequence = text::of(&parameter.value);
            self.diagnostics
                .error(
                    name.span(),
                    format!("`{name}` is each step's part of `{sequence}`, so it is given no new value"),
                )
                .help(format!("a state begins with a value: `{name} = …`"));
            self.add_state(name, None);
            return self.declare_parameter(name, Value::Error);
        }
        let Some(expression) = &parameter.value else {
            self.add_state(name, None);
            return self.declare_parameter(name, Value::Error);
        };
        let inner = match (value, steps) {
            (Value::Tensor(tensor), Some(steps)) if parameter.each => {
                let node = self.network.graph.at(steps, tensor.node);
                Value::Tensor(Tensor { node, classes: tensor.classes, states: None })
            }
            (Value::Tensor(_) | Value::Number(_), Some(steps)) if is_state => {
                let begin = self.tensor(value, expression, "a state");
                let begin = begin.filter(|begin| self.is_no_class(name, begin));
                let begin = begin.and_then(|begin| self.beginning(name, expression, begin.node));
                let carry = begin.map(|(begin, _)| self.network.graph.carry(steps, begin));
                self.add_state(name, carry);
                if let Some(state) = self.states_of_scan().and_then(|states| states.last_mut()) {
                    state.kept = begin.and_then(|(_, kept)| kept);
                }
                carry.map_or(Value::Error, Value::numbers)
            }
            // What is unknown is a state all the same.
            (Value::Tensor(_) | Value::Number(_) | Value::Error, None) if is_state => {
                self.add_state(name, None);
                Value::Error
            }
            (Value::Tensor(_), None) => Value::Error,
            (other, _) if is_state => {
                let is = is_value(&text::of(expression), &other.describe(&self.network.graph));
                let found =
                    self.diagnostics.error(expression, format!("state `{name}` begins with a tensor, but {is}"));
                if let Value::Init(init) = other {
                    found.help(format!("with dimensions it is one: `{name} = {}(8)`", init.name()));
                }
                self.add_state(name, None);
                Value::Error
            }
            (Value::Flag(_) | Value::Text(_), _) => {
                let found = self.diagnostics.error(name.span(), format!("a scan has no option `{name}`"));
                if let Some(near) = nearest(&name.to_string(), [REVERSE, STATEFUL]) {
                    found.help(format!("did you mean `{near}`?"));
                }
                found.note(format!("its options are `{REVERSE}` and `{STATEFUL}`"));
                Value::Error
            }
            (other, _) => other.clone(),
        };
        if !is_state && !parameter.each && is_zeros(expression) {
            self.diagnostics
                .error(name.span(), format!("state `{name}` is never given a new value"))
                .help(format!("give it one in the body: `{name} = …;`"));
        }
        self.declare_parameter(name, inner);
    }

    fn add_state(&mut self, name: &'a Ident, carry: Option<NodeId>) {
        if let Some(scan) = self.scopes.last_mut().and_then(|scope| scope.scan.as_mut()) {
            scan.states.push(State { name, carry, kept: None, next: None });
        }
    }

    fn states_of_scan(&mut self) -> Option<&mut Vec<State<'a>>> {
        self.scopes.last_mut().and_then(|scope| scope.scan.as_mut()).map(|scan| &mut scan.states)
    }

    /// What a state begins with, and what is kept of it, if the scan is stateful.
    fn beginning(&mut self, name: &Ident, expression: &Expr, begin: NodeId) -> Option<(NodeId, Option<NodeId>)> {
        let stateful = self.scopes.last().and_then(|scope| scope.scan.as_ref()).is_some_and(|scan| scan.stateful);
        if !stateful {
            return Some((begin, None));
        }
        let dims = self.network.graph.shape(begin).dims.clone();
        if self.network.graph.as_constant(begin) != Some(0.0) {
            let zeros = match dims.as_slice() {
                [n] => format!("zeros({n})"),
                dims => format!("zeros({dims:?})"),
            };
            self.diagnostics
                .error(
                    expression,
                    format!("a stateful scan goes on where the batch before ended, so `{name}` begins with zeros, and with nothing else"),
                )
                .help(format!("write `{name} = {zeros}`: `reset_states()` brings these back"))
                .help(format!("or leave `{STATEFUL}` out, and hand each batch what the one before has left"));
            return None;
        }
        let path = self.path_of(&name.to_string());
        let kept = self.network.keep(&path, &dims);
        Some((kept, Some(kept)))
    }

    fn is_no_class(&mut self, name: &Ident, begin: &Tensor) -> bool {
        if begin.classes.is_some() {
            let is = begin.describe(&self.network.graph);
            self.diagnostics.error(name.span(), format!("a state is made of numbers, but `{name}` begins with {is}"));
        }
        begin.classes.is_none()
    }

    /// Reports a function that cannot be in a scan, if it is in one.
    pub fn is_in_a_scan(&mut self, word: &Ident) -> bool {
        let Some((scan, line)) = &self.scanning else { return false };
        let message = format!("`{word}` cannot stand in a scan: this is in `{scan}` of line {line}");
        let found = self.diagnostics.error(word.span(), message);
        match word == "batch_norm" {
            true => found
                .note("its running statistics are those of a whole training step, and a scan has many steps in one")
                .help("normalize with `layer_norm`, or before the scan"),
            false => found
                .note("it goes over a sequence itself, and loops over time do not stand in one another")
                .help("let it go over its sequence before, or behind"),
        };
        true
    }

    /// Whether an option is chosen.
    fn scan_option(&mut self, parameter: &ScanParameter, value: &Value) -> bool {
        match value {
            Value::Flag(flag) => *flag,
            Value::Error => false,
            other => {
                let is = is_value(&text::of(&parameter.value), &other.describe(&self.network.graph));
                self.diagnostics
                    .error(&parameter.value, format!("`{}` of a scan is `true` or `false`, but {is}", parameter.name));
                false
            }
        }
    }

    /// Gives a state of the innermost scan its new value.
    pub fn assign(&mut self, ident: &Ident, value: Value) {
        let line = Place::from(ident.span()).line();
        let states = self.scopes.last_mut().and_then(|scope| scope.scan.as_mut()).map(|scan| &mut scan.states);
        let Some(state) = states.and_then(|states| states.iter_mut().find(|state| state.name == ident)) else { return };
        if let Some((first, _)) = state.next {
            self.diagnostics
                .error(ident.span(), format!("state `{ident}` is given a new value already, on line {first}"))
                .help(format!("it has one in each step: give this value a name of its own, such as `{ident}_2`"));
            return;
        }
        let carry = state.carry;
        state.next = Some((line, None));
        let node = match value {
            Value::Error => None,
            Value::Number(number) => self.constant_node(&number, &syn::parse_quote!(#ident)),
            Value::Tensor(Tensor { node, classes: None, .. }) => Some(node),
            other => {
                let is = other.describe(&self.network.graph);
                self.diagnostics
                    .error(ident.span(), format!("a state is made of numbers, but the new value of `{ident}` is {is}"));
                None
            }
        };
        let node = node.filter(|node| carry.is_none_or(|carry| self.fits_state(ident, carry, *node)));
        let Some(scope) = self.scopes.last_mut() else { return };
        scope.reassign(&ident.to_string(), node.map_or(Value::Error, Value::numbers));
        let states = scope.scan.iter_mut().flat_map(|scan| &mut scan.states);
        if let Some(state) = states.into_iter().find(|state| state.name == ident) {
            state.next = Some((line, node));
        }
    }

    fn fits_state(&mut self, ident: &Ident, carry: NodeId, next: NodeId) -> bool {
        let graph = &self.network.graph;
        let (begin, new) = (graph.shape(carry), graph.shape(next));
        if begin.dims == new.dims {
            return true;
        }
        let zeros = match new.dims.as_slice() {
            [n] => format!("zeros({n})"),
            dims => format!("zeros({dims:?})"),
        };
        self.diagnostics
            .error(ident.span(), format!("state `{ident}` begins as {begin}, but its new value is {new}"))
            .help(format!("let it begin with this shape: `{ident} = {zeros}`"))
            .help(format!("or let its new value have {begin}: a state has one shape at all steps"));
        false
    }

    /// Reports a new value for a state in braces, where names are gone at their end.
    pub fn is_state_around(&mut self, ident: &Ident) -> bool {
        let scan = self.visible_scopes().skip(1).find_map(|scope| scope.scan.as_ref());
        if !scan.is_some_and(|scan| scan.has(ident)) || self.scope().scan.is_some() {
            return false;
        }
        self.diagnostics
            .error(ident.span(), format!("state `{ident}` is given a new value in braces"))
            .help(format!("give it the value of the braces: `{ident} = if … {{ … }} else {{ … }};`"));
        true
    }

    /// The value of a scan, behind its body.
    fn scan_value(&mut self, scan: &'a Scan, value: &Value, steps: Option<Loop>) -> Value {
        let states =
            self.scopes.last_mut().and_then(|scope| scope.scan.as_mut()).map(|scan| std::mem::take(&mut scan.states));
        let states = states.unwrap_or_default();
        let Some(steps) = steps else { return Value::Error };
        let next = |state: &State<'_>| state.next.and_then(|(_, node)| node);
        let pairs: Vec<(NodeId, NodeId)> =
            states.iter().filter_map(|s| s.carry.map(|carry| (carry, next(s).unwrap_or(carry)))).collect();
        let written = scan.value.as_ref();
        let nodes: Option<Vec<Tensor>> = match value {
            Value::Tuple(values) => {
                let all: Vec<_> =
                    values.iter().map(|v| written.and_then(|w| self.tensor(v, w, "the value of a step"))).collect();
                all.into_iter().collect()
            }
            one => written.and_then(|w| self.tensor(one, w, "the value of a step")).map(|tensor| vec![tensor]),
        };
        self.label("");
        let graph = &mut self.network.graph;
        // A loop is ended also behind a mistake.
        let finals = graph.end_loop(steps, &pairs);
        let Some(nodes) = nodes.filter(|_| states.iter().all(|state| next(state).is_some())) else {
            return Value::Error;
        };
        let room = nodes.iter().all(|tensor| self.has_room(scan, steps, tensor.node))
            && pairs.iter().all(|(carry, _)| self.has_room(scan, steps, *carry));
        if !room {
            return Value::Error;
        }
        let graph = &mut self.network.graph;
        let stacked = nodes.into_iter().enumerate().map(|(i, tensor)| {
            let node = graph.stacked(steps, tensor.node);
            Value::Tensor(Tensor { node, classes: tensor.classes, states: (i == 0).then_some(self.states.len()) })
        });
        let mut outputs: Vec<Value> = stacked.collect();
        for (state, node) in states.iter().filter(|state| state.carry.is_some()).zip(&finals) {
            if let Some(kept) = state.kept {
                self.network.kept_becomes(kept, *node);
            }
        }
        let finals = states.iter().zip(finals).map(|(state, node)| (state.name.to_string(), Value::numbers(node)));
        self.states.push(finals.collect());
        match outputs.len() {
            1 => outputs.remove(0),
            _ => Value::Tuple(outputs),
        }
    }

    /// Whether there is room for a value at all steps.
    fn has_room(&mut self, scan: &Scan, steps: Loop, node: NodeId) -> bool {
        let shape = self.network.graph.shape(node);
        let dims: Vec<usize> = std::iter::once(steps.steps).chain(shape.dims.iter().copied()).collect();
        if dims.len() > AXES {
            self.too_many_axes(scan.name.span().into(), dims.len());
            return false;
        }
        let sized = shape::dims(&dims);
        if let (Err(fact), Some(value)) = (&sized, &scan.value) {
            self.explain(fact, &Subject::of_value(value, &format!("scan {}", scan.name)));
        }
        sized.is_ok()
    }
}

/// The names that statements give values to.
fn assigned(statements: &[Statement]) -> BTreeSet<String> {
    let names = statements.iter().flat_map(|statement| match statement {
        Statement::Let { names: Names::One(name), .. } => vec![name.to_string()],
        Statement::Let { names: Names::Several { names, .. }, .. } => {
            names.iter().flatten().map(Ident::to_string).collect()
        }
        _ => vec![],
    });
    names.collect()
}

/// Whether this can only be meant as the beginning of a state.
fn is_zeros(expression: &Expr) -> bool {
    call_parts(expression).is_some_and(|(word, written)| written.is_some() && (word == "zeros" || word == "ones"))
}
