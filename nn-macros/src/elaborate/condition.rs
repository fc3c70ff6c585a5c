//! What is decided while compiling: `if`, comparisons, `&&`, `||` and `!`.

use syn::{BinOp, Expr, ExprBinary, ExprIf};

use super::Elaborator;
use super::argument::is_value;
use super::value::Value;
use crate::diagnostics::Place;
use crate::numbers::Number;
use crate::parse::{body_number, words};
use crate::text;

impl Elaborator<'_, '_> {
    /// `if condition { … } else { … }`: only the branch that is taken is evaluated.
    pub fn choice(&mut self, choice: &ExprIf) -> Value {
        self.has_else(choice);
        let mut arm = choice;
        let mut value = None;
        loop {
            let decided = if value.is_some() { None } else { self.condition(&arm.cond) };
            if value.is_some() {
                // An arm before this one is taken.
                self.mention_all(&arm.cond);
                self.skip(&arm.then_branch);
            } else if decided == Some(true) {
                value = Some(self.braces(&arm.then_branch));
            } else if decided == Some(false) {
                self.skip(&arm.then_branch);
            } else if self.declaring {
                self.braces(&arm.then_branch);
            } else {
                // What depends on a mistake is left alone.
                value = Some(Value::Error);
                self.skip(&arm.then_branch);
            }
            match arm.else_branch.as_ref().map(|(_, next)| &**next) {
                Some(Expr::If(next)) => arm = next,
                Some(Expr::Block(last)) if value.is_some() => {
                    self.skip(&last.block);
                    break;
                }
                Some(Expr::Block(last)) if decided == Some(false) => {
                    value = Some(self.braces(&last.block));
                    break;
                }
                Some(Expr::Block(last)) => {
                    self.braces(&last.block);
                    break;
                }
                _ => break,
            }
        }
        value.unwrap_or(Value::Error)
    }

    /// Reports an `if` that would have no value.
    fn has_else(&mut self, choice: &ExprIf) {
        let mut last = choice;
        while let Some((_, next)) = &last.else_branch {
            match &**next {
                Expr::If(next) => last = next,
                _ => return,
            }
        }
        let condition = text::of(&last.cond);
        self.diagnostics
            .error(last.if_token.span, format!("`if` without `else` has no value where `{condition}` is false"))
            .help("add the other value: `else { x }`");
    }

    /// What a condition says; `None` if that is unknown or a mistake.
    fn condition(&mut self, condition: &Expr) -> Option<bool> {
        if let Expr::Assign(assign) = condition {
            let (left, right) = (text::of(&assign.left), text::of(&assign.right));
            self.diagnostics
                .error(&assign.eq_token, "`=` gives a name to a value")
                .help(format!("to compare, write `{left} == {right}`"));
            return None;
        }
        let value = self.expression(condition);
        self.count_operation(condition.into());
        self.flag(&value, condition, "the condition of an `if`")
    }

    /// `true` or `false`, and nothing else.
    fn flag(&mut self, value: &Value, expression: &Expr, what: &str) -> Option<bool> {
        match value {
            Value::Flag(flag) => return Some(*flag),
            Value::Error => return None,
            _ => {}
        }
        let is = is_value(&text::of(expression), &value.describe(&self.network.graph));
        let found = self.diagnostics.error(expression, format!("{what} is `true` or `false`, but {is}"));
        match value {
            Value::Number(Number::Integer(..)) => found.help(format!("compare it: `{} != 0`", text::of(expression))),
            Value::Tensor(_) => found
                .note("a network is fixed when it is compiled: conditions are made of constants")
                .help("`maximum`, `minimum`, `clamp`, `step` and `relu` choose between numbers of tensors"),
            _ => found,
        };
        None
    }

    /// What stands in braces.
    pub fn braces(&mut self, braces: &syn::Block) -> Value {
        let bodies = self.bodies;
        let Some(body) = body_number(braces).and_then(|number| bodies.get(number)) else {
            self.diagnostics.error(braces, "expected statements and a value in braces");
            return Value::Error;
        };
        let around = self.scopes.len() - 1;
        self.in_scope(around, &body.statements, |this| this.body(&body.statements, body.value.as_ref()))
    }

    /// What is not evaluated is in use all the same.
    fn skip(&mut self, braces: &syn::Block) {
        let bodies = self.bodies;
        if let Some(body) = body_number(braces).and_then(|number| bodies.get(number)) {
            self.mention_words(body.words.iter().map(String::as_str));
        }
    }

    /// The names in an expression that is not evaluated are in use all the same.
    pub fn mention_all(&mut self, expression: &Expr) {
        self.mention_words(words(expression, self.bodies).iter().map(String::as_str));
    }

    /// `a && b`, `a || b`: the right side is evaluated only if it matters.
    pub fn logic(&mut self, left: &Value, binary: &ExprBinary) -> Value {
        let and = matches!(binary.op, BinOp::And(_));
        let what = || format!("each side of `{}`", if and { "&&" } else { "||" });
        if !self.count_operation(Place::from(&binary.op)) {
            return Value::Error;
        }
        let left = self.flag(left, &binary.left, &what());
        if left == Some(!and) {
            self.mention_all(&binary.right);
            return Value::Flag(!and);
        }
        let right = self.expression(&binary.right);
        let right = self.flag(&right, &binary.right, &what());
        match (left, right) {
            (Some(_), Some(right)) => Value::Flag(right),
            _ => Value::Error,
        }
    }

    /// `a == b`, `a < b`, …
    pub fn comparison(&mut self, left: &Value, binary: &ExprBinary) -> Value {
        let right = self.expression(&binary.right);
        let place = Place::from(&binary.op);
        if !self.count_operation(place) {
            return Value::Error;
        }
        let order = match (left, &right) {
            (Value::Error, _) | (_, Value::Error) => return Value::Error,
            (Value::Number(Number::Integer(a, _)), Value::Number(Number::Integer(b, _))) => Some(a.cmp(b)),
            (Value::Number(a), Value::Number(b)) => {
                let (a, b) = (a.to_float(self.diagnostics), b.to_float(self.diagnostics));
                let (Some(a), Some(b)) = (a, b) else { return Value::Error };
                a.partial_cmp(&b)
            }
            (Value::Flag(a), Value::Flag(b)) if is_equality(&binary.op) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) if is_equality(&binary.op) => Some(a.cmp(b)),
            _ => {
                self.not_comparable(left, &right, binary);
                return Value::Error;
            }
        };
        let Some(order) = order else { return Value::Error };
        Value::Flag(match binary.op {
            BinOp::Eq(_) => order.is_eq(),
            BinOp::Ne(_) => order.is_ne(),
            BinOp::Lt(_) => order.is_lt(),
            BinOp::Le(_) => order.is_le(),
            BinOp::Gt(_) => order.is_gt(),
            _ => order.is_ge(),
        })
    }

    fn not_comparable(&mut self, left: &Value, right: &Value, binary: &ExprBinary) {
        let operator = text::of(&binary.op);
        let is = |value: &Value| value.describe(&self.network.graph);
        let sides = [(left, &*binary.left), (right, &*binary.right)];
        let tensor = sides.into_iter().find(|(value, _)| matches!(value, Value::Tensor(_) | Value::Tuple(_)));
        if let Some((value, expression)) = tensor {
            let is = is_value(&text::of(expression), &is(value));
            self.diagnostics
                .error(expression, format!("`{operator}` compares constants, but {is}"))
                .note("a network is fixed when it is compiled: what is in a tensor is known only later")
                .help(format!("`dim({}, 0)` is the size of an axis", text::of(expression)));
            return;
        }
        let message = format!("`{operator}` cannot compare {} with {}", is(left), is(right));
        self.diagnostics
            .error(&binary.op, message)
            .note("it compares two numbers, or two of `true` and `false` by `==`");
    }

    /// `!a`
    pub fn not(&mut self, unary: &syn::ExprUnary) -> Value {
        let value = self.expression(&unary.expr);
        if !self.count_operation(Place::from(&unary.op)) {
            return Value::Error;
        }
        self.flag(&value, &unary.expr, "what `!` negates").map_or(Value::Error, |flag| Value::Flag(!flag))
    }
}

fn is_equality(operator: &BinOp) -> bool {
    matches!(operator, BinOp::Eq(_) | BinOp::Ne(_))
}
