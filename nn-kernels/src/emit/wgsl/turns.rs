//! A loop over values in registers.
//!
//! Registers have no numbers: drivers make memory of an array that a loop reads, or a tree of branches, and a body that is
//! printed for each value takes as many times longer to compile. So the loop's body takes the first value, and the others move up.

use super::body::Expr;
use super::text::{Text, ZERO};

/// The most rounds of such a loop: no value moves more often.
const ROUNDS: usize = 16;

/// Prints `body` for each of these variables: it gets the variable's number, as an expression that needs no parentheses, and its
/// value. More than [`ROUNDS`] variables take their turns a few at once, where their number allows it.
pub(super) fn each(out: &mut Text, values: &[Expr], mut body: impl FnMut(&mut Text, &str, &Expr)) {
    if let [one] = values {
        return body(out, ZERO, one);
    }
    let count = values.len();
    let together = (1..=count).find(|&some| count.is_multiple_of(some) && count / some <= ROUNDS).unwrap_or(count);
    // The bound is one that the driver's compiler cannot see, or it would print the body for each value after all.
    out.open(format!("for (var t = 0u; t < {count}u + step.zero; t += {together}u) {{"));
    for (i, value) in values[..together].iter().enumerate() {
        if together == 1 {
            body(out, "t", value);
            continue;
        }
        out.open("{");
        out.line(format!("let turn = t + {i}u;"));
        body(out, "turn", value);
        out.close();
    }
    for (i, next) in values[together..].iter().enumerate() {
        out.line(format!("{} = {};", values[i].text, next.text));
    }
    out.close();
}
