//! Expressions.

use nn_kernels::graph::NodeId;
use nn_kernels::layers;
use quote::ToTokens;
use syn::{BinOp, Expr, ExprBinary, Lit, UnOp};

use super::argument::is_value;
use super::explain::Subject;
use super::value::{Tensor, Value};
use super::{DEPTH, Elaborator, STEPS};
use crate::diagnostics::Place;
use crate::functions::{Bound, Kind};
use crate::numbers::{Division, Number, Operator};
use crate::parse::body_number;
use crate::{guard, text};

const OPERATORS: &str = "there are `+`, `-`, `*`, `/` and `>>`, and for constants `%`, comparisons, `&&`, `||` and `!`";

impl Elaborator<'_, '_> {
    /// The value of an expression.
    pub fn expression(&mut self, expression: &Expr) -> Value {
        if self.stopped || self.diagnostics.is_full() {
            return Value::Error;
        }
        if self.depth == DEPTH {
            self.stopped = true;
            let place = self.use_in_network.unwrap_or_else(|| Place::from(expression));
            guard::too_deep(place, self.diagnostics);
            return Value::Error;
        }
        self.depth += 1;
        self.steps += 1;
        if self.steps > STEPS {
            self.too_much(expression.into());
        }
        let value = match expression {
            Expr::Group(group) => self.expression(&group.expr),
            Expr::Paren(paren) => self.expression(&paren.expr),
            Expr::Binary(binary) => self.chain(binary),
            Expr::Unary(unary) => self.unary(unary),
            Expr::Lit(literal) => self.literal(&literal.lit),
            Expr::Path(path) => self.name(path),
            Expr::Call(call) => self.plain_call(call),
            Expr::Field(field) => self.final_state(field),
            Expr::If(choice) => self.choice(choice),
            Expr::Block(block) if block.label.is_none() && body_number(&block.block).is_some() => {
                self.braces(&block.block)
            }
            Expr::Array(array) => Value::List(array.elems.iter().map(|e| self.expression(e)).collect()),
            Expr::Tuple(tuple) if tuple.elems.len() > 1 => {
                Value::Tuple(tuple.elems.iter().map(|e| self.expression(e)).collect())
            }
            other => self.not_in_the_language(other),
        };
        self.depth -= 1;
        value
    }

    /// `a >> f >> g`, `a + b - c`: trees that lean to the left, however long.
    fn chain(&mut self, last: &ExprBinary) -> Value {
        let mut chain = vec![last];
        let mut first = &*last.left;
        while let Expr::Binary(binary) = first {
            chain.push(binary);
            first = &binary.left;
        }
        let mut value = self.expression(first);
        for binary in chain.into_iter().rev() {
            value = if let BinOp::Shr(_) = binary.op { self.pipe(value, binary) } else { self.operate(value, binary) };
        }
        value
    }

    fn operate(&mut self, left: Value, binary: &ExprBinary) -> Value {
        let operator = match binary.op {
            BinOp::Add(_) => Operator::Add,
            BinOp::Sub(_) => Operator::Subtract,
            BinOp::Mul(_) => Operator::Multiply,
            BinOp::Div(_) => Operator::Divide,
            BinOp::Rem(_) => Operator::Remainder,
            BinOp::And(_) | BinOp::Or(_) => return self.logic(&left, binary),
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_) => {
                return self.comparison(&left, binary);
            }
            _ => {
                self.expression(&binary.right);
                return self.unknown_operator(binary);
            }
        };
        let right = self.expression(&binary.right);
        let place = Place::from(&binary.op);
        if !self.count_operation(place) {
            return Value::Error;
        }
        let (left, right) = match (&left, &right) {
            (Value::Error, _) | (_, Value::Error) => return Value::Error,
            (Value::Number(a), Value::Number(b)) => {
                let written = || division(binary);
                let result = Number::arithmetic(operator, a, b, written, self.diagnostics);
                return result.map_or(Value::Error, Value::Number);
            }
            _ => (self.operand(&left, &binary.left, binary), self.operand(&right, &binary.right, binary)),
        };
        let (Some(left), Some(right)) = (left, right) else { return Value::Error };
        let apply = match operator {
            Operator::Add => layers::add,
            Operator::Subtract => layers::subtract,
            Operator::Multiply => layers::multiply,
            Operator::Divide => layers::divide,
            Operator::Remainder => {
                self.diagnostics.error(place, "`%` is for constants: tensors have no remainder");
                return Value::Error;
            }
        };
        self.label("");
        match apply(&mut self.network.graph, left, right) {
            Ok(node) => Value::numbers(node),
            Err(fact) => {
                self.explain(&fact, &Subject::of_operator(binary));
                Value::Error
            }
        }
    }

    /// One side of an operator, as a tensor.
    fn operand(&mut self, value: &Value, expression: &Expr, binary: &ExprBinary) -> Option<NodeId> {
        let operator = || text::of(&binary.op);
        match value {
            Value::Number(number) => self.constant_node(number, expression),
            Value::Tensor(Tensor { node, classes: None, .. }) => Some(*node),
            Value::Tensor(Tensor { classes: Some(classes), .. }) => {
                let (operator, text) = (operator(), text::of(expression));
                self.diagnostics
                    .error(expression, format!("`{operator}` computes with numbers, but `{text}` is class({classes})"))
                    .help("class indices are only names of classes: compare them by `cross_entropy` or `accuracy`");
                None
            }
            other => {
                let is = is_value(&text::of(expression), &other.describe(&self.network.graph));
                let found =
                    self.diagnostics.error(expression, format!("`{}` computes with numbers, but {is}", operator()));
                if let Some(help) = other.destructuring(&text::of(expression)) {
                    found.help(help);
                }
                None
            }
        }
    }

    /// A number as a tensor.
    pub fn constant_node(&mut self, number: &Number, expression: &Expr) -> Option<NodeId> {
        let x = number.to_float(self.diagnostics)?;
        if x.abs() > f64::from(f32::MAX) {
            self.diagnostics
                .error(expression, format!("{x:?} is too large for a tensor"))
                .note("tensors are f32, which ends at 3.4e38");
            return None;
        }
        Some(self.network.graph.constant(x))
    }

    fn unary(&mut self, unary: &syn::ExprUnary) -> Value {
        let place = Place::from(&unary.op);
        if let UnOp::Not(_) = unary.op {
            return self.not(unary);
        }
        if !matches!(unary.op, UnOp::Neg(_)) {
            self.expression(&unary.expr);
            let operator = unary.op.to_token_stream();
            self.diagnostics.error(place, format!("`{operator}` is no operator of the language")).help(OPERATORS);
            return Value::Error;
        }
        // The smallest integer has no positive counterpart.
        if let Expr::Lit(literal) = &*unary.expr
            && let Lit::Int(int) = &literal.lit
            && int.suffix().is_empty()
            && let Ok(n) = format!("-{}", int.base10_digits()).parse()
        {
            return Value::Number(Number::integer(n));
        }
        let value = self.expression(&unary.expr);
        match &value {
            Value::Error => Value::Error,
            Value::Number(number) => number.negate(place, self.diagnostics).map_or(Value::Error, Value::Number),
            Value::Tensor(Tensor { node, classes: None, .. }) => {
                if !self.count_operation(place) {
                    return Value::Error;
                }
                self.label("");
                layers::negate(&mut self.network.graph, *node).map_or(Value::Error, Value::numbers)
            }
            other => {
                let (text, is) = (text::of(&unary.expr), other.describe(&self.network.graph));
                self.diagnostics.error(&unary.expr, format!("`-` computes with numbers, but `{text}` is {is}"));
                Value::Error
            }
        }
    }

    fn literal(&mut self, literal: &Lit) -> Value {
        let (suffix, plain) = match literal {
            Lit::Int(int) => (int.suffix(), int.base10_digits()),
            Lit::Float(float) => (float.suffix(), float.base10_digits()),
            Lit::Bool(flag) => return Value::Flag(flag.value),
            Lit::Str(text) => return Value::Text(text.value()),
            other => {
                self.diagnostics.error(other, format!("`{}` is no value of the language", text::of(other)));
                return Value::Error;
            }
        };
        if !suffix.is_empty() {
            self.diagnostics
                .error(literal, "numbers have no suffix here")
                .help(format!("write `{plain}`: `10` is an integer, `10.0` is a float"));
            return Value::Error;
        }
        if let Lit::Int(_) = literal {
            if let Ok(n) = plain.parse() {
                return Value::Number(Number::integer(n));
            }
            self.diagnostics.error(literal, "this integer is too large: they reach up to 9223372036854775807");
            return Value::Error;
        }
        match plain.parse::<f64>() {
            Ok(x) if x.is_finite() => Value::Number(Number::Float(x)),
            _ => {
                self.diagnostics.error(literal, "this float is too large: they reach up to 1.8e308");
                Value::Error
            }
        }
    }

    /// The tensor that a value must be.
    pub fn tensor(&mut self, value: &Value, expression: &Expr, what: &str) -> Option<Tensor> {
        match value {
            Value::Tensor(tensor) => Some(*tensor),
            Value::Number(number) => {
                let node = self.constant_node(number, expression)?;
                Some(Tensor { node, classes: None, states: None })
            }
            Value::Error => None,
            other => {
                let text = text::of(expression);
                let is = is_value(&text, &other.describe(&self.network.graph));
                let found = self.diagnostics.error(expression, format!("{what} is a tensor, but {is}"));
                if let Some(help) = other.destructuring(&text) {
                    found.help(help);
                }
                None
            }
        }
    }

    /// A size: an integer above 0.
    pub fn size(&mut self, expression: &Expr, what: &str) -> Option<usize> {
        if let Expr::Infer(infer) = expression {
            self.diagnostics
                .error(infer, "the batch dimension is never written")
                .help("shapes are those of one sample: remove it");
            return None;
        }
        let value = self.expression(expression);
        match self.bind_value(&value, Kind::Count, what, expression)? {
            Bound::Integer(n) => usize::try_from(n).ok(),
            _ => None,
        }
    }

    /// Nodes added from now on belong to the current path, and to a function there.
    pub fn label(&mut self, function: &str) {
        let path = self.path.clone();
        let label = match (path.is_empty(), function.is_empty()) {
            (_, true) => path,
            (true, false) => function.to_owned(),
            (false, false) => format!("{path}.{function}"),
        };
        self.network.graph.set_label(&label);
    }

    fn unknown_operator(&mut self, binary: &ExprBinary) -> Value {
        let operator = binary.op.to_token_stream().to_string();
        let (left, right) = (text::of(&binary.left), text::of(&binary.right));
        let found = self.diagnostics.error(&binary.op, format!("`{operator}` is no operator of the language"));
        match binary.op {
            BinOp::Shl(_) => found.help("`x >> f` pipes a value into a function, from left to right"),
            BinOp::BitXor(_) => found.help(format!("a power is `pow({left}, {right})`")),
            BinOp::BitOr(_) => found.help(format!("a pipe is `{left} >> {right}`")),
            BinOp::BitAnd(_) => found.help("of constants, both are meant by `&&`"),
            _ => found.help(OPERATORS),
        };
        Value::Error
    }

    fn not_in_the_language(&mut self, expression: &Expr) -> Value {
        let text = text::of(expression);
        match expression {
            Expr::MethodCall(call) => {
                self.diagnostics
                    .error(call.method.span(), "functions are not called as methods")
                    .help(format!("write `{}`", as_pipeline(expression)));
            }
            Expr::Index(index) => {
                let of = text::of(&index.expr);
                let part = match &*index.index {
                    Expr::Range(range) => {
                        let side = |name: &str, side: &Option<Box<Expr>>| {
                            side.as_ref().map_or_else(String::new, |side| format!(", {name} = {}", text::of(side)))
                        };
                        let closed = matches!(range.limits, syn::RangeLimits::Closed(_));
                        let more = if closed && range.end.is_some() { " + 1" } else { "" };
                        format!("{}{}{more}", side("start", &range.start), side("end", &range.end))
                    }
                    other => {
                        let start = text::of(other);
                        let end =
                            start.parse::<u32>().map_or(format!("{start} + 1"), |n| format!("{}", u64::from(n) + 1));
                        format!(", start = {start}, end = {end}")
                    }
                };
                self.diagnostics
                    .error(expression, "values cannot be indexed")
                    .help(format!("write `slice({of}{part})` for a part along the first axis"));
            }
            Expr::Closure(_) => {
                self.diagnostics
                    .error(expression, "a closure is no value")
                    .note("it stands where a block is expected: `repeat(3, |x| …)`, or for a parameter `body: block`");
            }
            Expr::Match(_) | Expr::While(_) | Expr::ForLoop(_) | Expr::Loop(_) => {
                self.diagnostics.no_control_flow(expression);
            }
            Expr::Cast(cast) => {
                let inner = text::of(&cast.expr);
                self.diagnostics
                    .error(&cast.as_token, "there are no types to cast to")
                    .help(format!("write `1.0 * {inner}` for a float"));
            }
            Expr::Reference(reference) => {
                self.diagnostics
                    .error(&reference.and_token, "values are used without `&`")
                    .help(format!("write `{}`", text::of(&reference.expr)));
            }
            Expr::Assign(assign) => {
                self.diagnostics
                    .error(&assign.eq_token, "`=` has no place here: names are given in statements, options in calls")
                    .help(format!("write `{text};` as a statement before this one"));
            }
            Expr::Tuple(_) => {
                self.diagnostics.error(expression, "a tuple has at least two values");
            }
            Expr::Infer(_) => {
                self.diagnostics.error(expression, "`_` has no value");
            }
            Expr::Macro(_) => {
                self.diagnostics.error(expression, "macros cannot be used in the language");
            }
            _ => {
                self.diagnostics.error(expression, format!("`{text}` is no expression of the language"));
            }
        }
        Value::Error
    }
}

/// `x >> f(a)` for `x.f(a)`.
fn as_pipeline(expression: &Expr) -> String {
    let Expr::MethodCall(call) = expression else { return text::of(expression) };
    let arguments = if call.args.is_empty() { String::new() } else { format!("({})", text::of(&call.args)) };
    format!("{} >> {}{arguments}", as_pipeline(&call.receiver), call.method)
}

/// A division, and how one would write it to get a float.
fn division(binary: &ExprBinary) -> Division {
    let float = |side: &Expr| match side {
        Expr::Lit(literal) if matches!(literal.lit, Lit::Int(_)) => Some(format!("{}.0", text::of(side))),
        _ => None,
    };
    let (left, right) = (text::of(&binary.left), text::of(&binary.right));
    let as_floats = match (float(&binary.left), float(&binary.right)) {
        (None, None) => format!("1.0 * {left} / {right}"),
        (l, r) => format!("{} / {}", l.unwrap_or(left), r.unwrap_or(right)),
    };
    Division { place: Place::from(binary), text: text::of(binary), as_floats }
}
