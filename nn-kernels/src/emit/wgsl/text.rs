//! Small pieces of text: indented lines, numbers, integer expressions.

use crate::graph::Extent;
use crate::ir::{Atom, Bound, Index};

/// Lines of a function body.
pub(super) struct Text {
    out: String,
    depth: usize,
}

impl Text {
    pub(super) fn new() -> Self {
        Text { out: String::new(), depth: 1 }
    }

    /// One line at the current depth.
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        for _ in 0..self.depth {
            self.out.push_str("    ");
        }
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    /// A line that ends with `{`, and deeper from here on.
    pub(super) fn open(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.depth += 1;
    }

    /// The matching `}`.
    pub(super) fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    pub(super) fn into_string(self) -> String {
        self.out
    }
}

/// An f32 literal, or an expression where WGSL has no literal for the number.
pub(super) fn float(value: f64) -> String {
    let value = value as f32;
    if value.is_finite() {
        // Always with a point or an exponent, and as short as it can be exact.
        return format!("{value:?}");
    }
    // WGSL refuses infinities and NaN in constant expressions, so a zero that only the device knows takes part.
    format!("bitcast<f32>({:#010x}u + step.zero)", value.to_bits())
}

/// A product of extents, as a number of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// The product of the constant extents.
    pub(super) size: u64,
    /// How often the batch is a factor.
    pub(super) batches: u32,
}

impl Count {
    pub(super) fn of<'e>(extents: impl IntoIterator<Item = &'e Extent>) -> Self {
        let mut count = Count { size: 1, batches: 0 };
        for extent in extents {
            match extent {
                Extent::Batch => count.batches += 1,
                Extent::Size(n) => count.size *= *n as u64,
            }
        }
        count
    }

    /// The number for a batch.
    pub(super) fn at(self, batch: u64) -> u64 {
        self.size * batch.pow(self.batches)
    }

    /// The number as a u32 expression without spaces around it that could bind wrongly: a literal, or in parentheses.
    pub(super) fn text(self) -> String {
        let batch = vec!["step.batch"; self.batches as usize].join(" * ");
        match (self.size, self.batches) {
            (n, 0) => format!("{n}u"),
            (1, 1) => batch,
            (1, _) => format!("({batch})"),
            (n, _) => format!("({batch} * {n}u)"),
        }
    }
}

/// The name of an axis with a single point.
pub(super) const ZERO: &str = "0u";

/// An index as a u32 expression; `axes` are the names of the kernel's axes.
///
/// Unsigned arithmetic wraps, so partial sums below zero do no harm; only a clamp looks at its operand's sign.
pub(super) fn index(index: &Index, axes: &[String]) -> String {
    // A constant must not be computed by WGSL, which refuses to wrap in constant expressions.
    if let Some(value) = constant(index, axes) {
        return format!("{}u", value as u32);
    }
    let mut plus: Vec<String> = vec![];
    let mut minus: Vec<String> = vec![];
    for term in &index.terms {
        let atom = match &term.atom {
            Atom::Axis(a) if axes[*a] == ZERO => continue,
            Atom::Axis(a) => axes[*a].clone(),
            Atom::Div(i, by) => format!("{} / {by}u", operand(i, axes)),
            Atom::Mod(i, by) => format!("{} % {by}u", operand(i, axes)),
            Atom::Clamp(i, lo, hi) => format!("u32(clamp(i32({}), {lo}, {hi}))", self::index(i, axes)),
            Atom::Step(_) => "step.loop_step".to_owned(),
        };
        let product = match term.coefficient.unsigned_abs() {
            1 => atom,
            c if matches!(term.atom, Atom::Div(..) | Atom::Mod(..)) => format!("({atom}) * {c}u"),
            c => format!("{atom} * {c}u"),
        };
        if term.coefficient > 0 { &mut plus } else { &mut minus }.push(product);
    }
    match index.offset {
        0 => {}
        c if c > 0 => plus.push(format!("{c}u")),
        c => minus.push(format!("{}u", -c)),
    }
    if plus.is_empty() {
        plus.push(ZERO.to_owned());
    }
    let mut text = plus.join(" + ");
    for m in minus {
        text.push_str(" - ");
        text.push_str(&m);
    }
    text
}

/// A condition: whether a point is within all bounds. An index below 0 has wrapped to a huge number.
pub(super) fn within(bounds: &[Bound], axes: &[String]) -> String {
    let one = |bound: &Bound| {
        let index = index(&bound.index, axes);
        match bound.step {
            1 => format!("{index} < {}u", bound.end),
            step => format!("{index} < {}u && ({index}) % {step}u == 0u", bound.end),
        }
    };
    bounds.iter().map(one).collect::<Vec<_>>().join(" && ")
}

/// The value of an index whose axes all have a single point.
fn constant(index: &Index, axes: &[String]) -> Option<i64> {
    index.terms.iter().try_fold(index.offset, |sum, term| {
        let atom = match &term.atom {
            Atom::Axis(a) => (axes[*a] == ZERO).then_some(0),
            Atom::Div(i, by) => constant(i, axes).map(|v| v.div_euclid(*by)),
            Atom::Mod(i, by) => constant(i, axes).map(|v| v.rem_euclid(*by)),
            Atom::Clamp(i, lo, hi) => constant(i, axes).map(|v| v.clamp(*lo, *hi)),
            Atom::Step(_) => None,
        };
        Some(sum + term.coefficient * atom?)
    })
}

fn operand(i: &Index, axes: &[String]) -> String {
    let text = index(i, axes);
    if text.contains(' ') { format!("({text})") } else { text }
}

/// `a + b`, without zeros.
pub(super) fn sum(a: &str, b: &str) -> String {
    match (a, b) {
        (ZERO, x) | (x, ZERO) => x.to_owned(),
        _ => format!("{a} + {b}"),
    }
}

/// The terms of an index that use only these axes, without the constant part; `None` if a term mixes them with others.
pub(super) fn part(index: &Index, axes: &[usize], all: usize) -> Option<Index> {
    let mut terms = vec![];
    for term in &index.terms {
        let single = Index { offset: 0, terms: vec![term.clone()] };
        let (mut inside, mut outside) = (false, false);
        for axis in (0..all).filter(|&a| single.uses(a)) {
            *if axes.contains(&axis) { &mut inside } else { &mut outside } = true;
        }
        match (inside, outside) {
            (true, true) => return None,
            (true, false) => terms.push(term.clone()),
            _ => {}
        }
    }
    Some(Index { offset: 0, terms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Vec<String> {
        ["sample", "i1", "r2"].map(str::to_owned).to_vec()
    }

    #[test]
    fn an_index_reads_as_one_would_write_it() {
        let extents = [Extent::Batch, Extent::Size(6), Extent::Size(4)];
        let affine = Index::axis(0).times(24).plus(&Index::axis(1).times(4)).plus(&Index::axis(2)).plus_constant(7);
        assert_eq!(index(&affine, &axes()), "sample * 24u + i1 * 4u + r2 + 7u");
        let split = affine.clone().plus_constant(-7).div(3, &extents).times(2);
        assert_eq!(index(&split, &axes()), "sample * 16u + i1 * 2u + ((i1 + r2) / 3u) * 2u");
        let clamped = Index::axis(1).plus_constant(-2).clamp(0, 3, &extents);
        assert_eq!(index(&clamped, &axes()), "u32(clamp(i32(i1 - 2u), 0, 3))");
    }

    #[test]
    fn an_axis_with_a_single_point_leaves_no_trace() {
        let names = ["sample", ZERO, "r2"].map(str::to_owned);
        let extents = [Extent::Batch, Extent::Size(1), Extent::Size(4)];
        let affine = Index::axis(0).times(4).plus(&Index::axis(1).times(4)).plus(&Index::axis(2));
        assert_eq!(index(&affine, &names), "sample * 4u + r2");
        let below = Index::axis(1).plus_constant(-2);
        assert_eq!(index(&below.clone().clamp(0, 3, &extents), &names), "0u");
        assert_eq!(index(&below, &names), "4294967294u");
    }

    #[test]
    fn floats_are_literals_or_made_on_the_device() {
        assert_eq!(float(0.1), "0.1");
        assert_eq!(float(1.0), "1.0");
        assert_eq!(float(-1e-12), "-1e-12");
        assert_eq!(float(1e300), "bitcast<f32>(0x7f800000u + step.zero)");
    }
}
