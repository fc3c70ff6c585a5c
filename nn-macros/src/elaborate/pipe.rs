//! `x >> f(a)`, and what stands right of `>>` by mistake.

use syn::{Expr, ExprBinary};

use super::Elaborator;
use super::call::{Call, Positional};
use super::value::Value;
use crate::text;

impl Elaborator<'_, '_> {
    /// `left >> f` and `left >> f(a)`
    pub fn pipe(&mut self, left: Value, binary: &ExprBinary) -> Value {
        let mut right = &*binary.right;
        while let Expr::Group(group) = right {
            right = &group.expr;
        }
        let (function, written) = match right {
            Expr::Call(call) => (&*call.func, Some(&call.args)),
            other => (other, None),
        };
        let word = match function {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        };
        let Some(word) = word else { return self.not_pipeable(function, binary) };
        let piped = Some(Positional { value: left, expression: &binary.left });
        self.call(Call { word, piped, written, whole: right })
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
            Expr::Closure(_) => {
                self.diagnostics
                    .error(right, "right of `>>` stands a name or a call, but here it is a closure")
                    .help(format!("write what it computes, with `{left}` in the place of its parameter"))
                    .help("or name it: `block name(x) { … }`");
            }
            Expr::If(_) => {
                self.diagnostics
                    .error(right, "right of `>>` stands a function, but `if` chooses between values")
                    .help(format!("write `if … {{ {left} >> … }} else {{ {left} }}`"));
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
}
