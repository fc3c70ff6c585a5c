//! Source text: lines with indentation, indices, numbers and names.

use crate::ir::{Atom, Index};

/// Lines of source text.
#[derive(Debug, Default)]
pub(super) struct Lines {
    text: String,
    depth: usize,
}

impl Lines {
    /// One line.
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref();
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n("    ", self.depth));
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// A line that opens a block.
    pub(super) fn open(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.depth += 1;
    }

    /// A line that closes a block.
    pub(super) fn close(&mut self, line: impl AsRef<str>) {
        self.depth -= 1;
        self.line(line);
    }

    /// Lines made elsewhere, at this depth.
    pub(super) fn block(&mut self, lines: &Lines) {
        lines.text.lines().for_each(|l| self.line(l));
    }

    /// Whole lines of text, as they are.
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Whether an identifier occurs.
    pub(super) fn mention(&self, word: &str) -> bool {
        // Most words do not occur at all, which the search for a substring finds out fast, even in an unoptimised macro.
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.text.contains(word)
            && self.text.lines().filter(|l| l.contains(word)).any(|l| l.split(|c| !part(c)).any(|w| w == word))
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// An index as an expression of type `usize`; `axis` names the axes, by sums if need be.
pub(super) fn index(index: &Index, axis: &impl Fn(usize) -> String) -> String {
    let (mut plus, mut minus) = (vec![], vec![]);
    for term in &index.terms {
        let atom = atom(&term.atom, axis);
        let (list, size) =
            if term.coefficient < 0 { (&mut minus, -term.coefficient) } else { (&mut plus, term.coefficient) };
        let is_sum = matches!(term.atom, Atom::Axis(_) | Atom::Clamp(..)) && atom.contains(' ');
        list.push(match size {
            1 if is_sum && term.coefficient < 0 => format!("({atom})"),
            1 => atom,
            _ if is_sum => format!("({atom}) * {size}"),
            _ => format!("{atom} * {size}"),
        });
    }
    match index.offset {
        0 => {}
        o if o > 0 => plus.push(o.to_string()),
        o => minus.push((-o).to_string()),
    }
    if plus.is_empty() {
        plus.push("0".into());
    }
    // What is added stands first: the sum never falls below 0.
    minus.into_iter().fold(plus.join(" + "), |text, term| format!("{text} - {term}"))
}

/// An expression as an operand: in parentheses, unless it is a word.
fn operand(text: String) -> String {
    if text.contains(' ') { format!("({text})") } else { text }
}

fn atom(atom: &Atom, axis: &impl Fn(usize) -> String) -> String {
    match atom {
        Atom::Axis(a) => axis(*a),
        // No parentheses around: nothing binds stronger than these, and what binds as strong stands on the right.
        Atom::Div(i, by) => format!("{} / {by}", operand(index(i, axis))),
        Atom::Mod(i, by) => format!("{} % {by}", operand(index(i, axis))),
        Atom::Step(_) => "loop_step".to_owned(),
        // Only here can an index be negative: the offset goes to the bounds, and what is below 0 after that is below both.
        Atom::Clamp(i, lo, hi) => {
            let shift = (-i.offset).max(-lo).max(0);
            let (shifted, lo, hi) = (i.as_ref().clone().plus_constant(shift), lo + shift, hi + shift);
            let (plus, minus) = shifted.signs();
            let inner = if minus == Index::default() {
                index(&plus, axis)
            } else {
                format!("usize::saturating_sub({}, {})", index(&plus, axis), index(&minus, axis))
            };
            let clamped = format!("Ord::clamp({inner}, {lo}, {hi})");
            if shift == 0 { clamped } else { format!("{clamped} - {shift}") }
        }
    }
}

/// A number as an expression of type `f32`.
#[allow(clippy::cast_possible_truncation)] // constants are f32 on every device
pub(super) fn number(x: f64) -> String {
    let x = x as f32;
    if x.is_nan() {
        "f32::NAN".into()
    } else if x.is_infinite() {
        if x > 0.0 { "f32::INFINITY" } else { "f32::NEG_INFINITY" }.into()
    } else {
        format!("{x:?}_f32")
    }
}

/// `hidden_dense` as `HiddenDense`.
pub(super) fn camel(name: &str) -> String {
    let word = |w: &str| {
        let mut chars = w.chars();
        chars.next().map_or(String::new(), |c| c.to_ascii_uppercase().to_string() + chars.as_str())
    };
    name.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use crate::graph::Extent;
    use crate::ir::Index;

    #[test]
    fn a_clamped_index_may_be_negative_inside() {
        let extents = [Extent::Size(4), Extent::Size(3)];
        let text = |index: &Index| super::index(index, &|axis| format!("i{axis}"));
        let window = Index::axis(0).plus(&Index::axis(1).times(-1)).plus_constant(1);
        assert_eq!(text(&window.clamp(0, 3, &extents)), "Ord::clamp(usize::saturating_sub(i0 + 1, i1), 0, 3)");
        let later_part = Index::axis(0).plus_constant(-2);
        assert_eq!(text(&later_part.clamp(0, 1, &extents)), "Ord::clamp(i0, 2, 3) - 2");
    }
}
