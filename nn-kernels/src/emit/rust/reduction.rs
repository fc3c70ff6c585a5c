//! Reductions of a stage as vectors: what they begin with, how one point's values are taken in, and what is left at the end.

use super::body::StagePrinter;
use super::nest::Size;
use super::text::{self, Lines};
use super::vector::{self, Lanes};
use crate::graph::Reduction;
use crate::ir::Value;

/// Parts of a reduction that runs across lanes: so many additions hide each other's latency. The first ones that fit are taken.
const PARTS: [usize; 5] = [4, 8, 7, 6, 5];
/// The same of two reductions in one loop, whose sums and operands have to fit into the registers together.
const PARTS_OF_TWO: [usize; 3] = [4, 2, 3];
/// The same where vectors may have sixteen lanes, and be half as many: even numbers.
const LONG_PARTS: [usize; 3] = [4, 8, 6];
const LONG_PARTS_OF_TWO: [usize; 2] = [4, 2];
/// The shortest loop, in floats, that is worth them.
const LONG: usize = 128;
/// The most additions of a term that is worth them: others take longer than the latency anyway. What stands in front of the loop does
/// not count.
const LIGHT: usize = 16;

impl StagePrinter<'_> {
    /// The variables of all reductions.
    pub(super) fn begin_reductions(&self, lines: &mut Lines, parts: usize) {
        for (slot, (how, _)) in self.loops.stage.reduce.iter().enumerate() {
            let start = format!("s.splat({})", text::number(how.identity()));
            let start = if parts > 1 { format!("[{start}; {parts}]") } else { start };
            lines.line(format!("let mut r{}_{slot} = {start};", self.n));
        }
    }

    /// Combines parts, then lanes.
    pub(super) fn end_reductions(&self, lines: &mut Lines, parts: usize) {
        if !self.across() {
            return;
        }
        for (slot, (how, _)) in self.loops.stage.reduce.iter().enumerate() {
            let all = match how {
                Reduction::Sum => "sum",
                Reduction::Maximum => "largest",
                Reduction::Minimum => "smallest",
            };
            let (r, f) = (format!("r{}_{slot}", self.n), combining(*how));
            if self.body.long {
                lines.line(format!("let {r} = s.splat(s.{all}_of_parts({r}));"));
                continue;
            }
            if parts > 1 {
                let all = (1..parts).fold(format!("{r}[0]"), |all, part| format!("s.{f}({all}, {r}[{part}])"));
                lines.line(format!("let {r} = {all};"));
            }
            lines.line(format!("let {r} = s.splat(s.{all}({r}));"));
        }
    }

    /// In how many parts at a time the stage's reductions are combined: one alone would wait for its last addition, not for
    /// memory.
    pub(super) fn parts(&self) -> usize {
        let stage = &self.loops.stage;
        // Vectors of eight lanes sum in the order of sixteen.
        let least = if self.body.long && self.across() && !stage.reduce.is_empty() { 2 } else { 1 };
        let candidates = match (stage.reduce.len(), self.body.long) {
            (1, false) => &PARTS[..],
            (2, false) => &PARTS_OF_TWO,
            (1, true) => &LONG_PARTS,
            (2, true) => &LONG_PARTS_OF_TWO,
            _ => return least,
        };
        let innermost = self.body.nest.outer.len() + self.loops.inner.len();
        let inside = stage.body.iter().zip(&self.places.of).filter(|(_, place)| place.depth == innermost);
        let light = inside.map(|(value, _)| vector::operations(value)).sum::<usize>() <= LIGHT;
        match self.loops.inner.last() {
            Some(size) if self.across() && light && size.typical() >= LONG => {
                // Best if the loop has a multiple of them.
                let fits = |parts: &&usize| size.times.is_multiple_of(**parts * vector::LANES);
                *candidates.iter().find(fits).unwrap_or(&candidates[0])
            }
            _ => least,
        }
    }

    /// The heads of two loops over vectors: as many at a time as there are parts, each with its own.
    pub(super) fn open_parts(&self, lines: &mut Lines, axis: usize, size: Size, parts: usize) {
        let (runtime, size_text, width) = (self.body.runtime, size.text(), self.body.width());
        lines.open(format!("for i{axis} in (0..{size_text}).step_by({parts} * {runtime}::LANES) {{"));
        lines.open(match self.body.long {
            true => format!("for part in 0..{parts} * {runtime}::LANES / width {{"),
            false => format!("for part in 0..{parts} {{"),
        });
        lines.line(format!("let i{axis} = i{axis} + part * {width};"));
        if !size.times.is_multiple_of(parts * vector::LANES) {
            lines.line(format!("if i{axis} >= {size_text} {{ break; }}"));
        }
        lines.line(match size.times.is_multiple_of(self.body.widest()) {
            true => format!("let n = {width};"),
            false => format!("let n = {width}.min({size_text} - i{axis});"),
        });
    }

    /// Asks for what the loop around this one reads next: a run somewhere else, which the processor does not foresee, or the next row of
    /// those that are gone through several times, while which it would not read on.
    pub(super) fn prefetch(&self, lines: &mut Lines, axis: usize) {
        let outer = self.body.nest.outer.len();
        let again = self.n == 0 && self.body.nest.stages.len() > 1;
        let Some(around) = axis.checked_sub(1).filter(|&around| around >= outer || again) else { return };
        for value in &self.loops.stage.body {
            let Value::Load { tensor, index, within } = value else { continue };
            let (Some(1), Some(far @ 1..)) = (index.stride(axis), index.stride(around)) else { continue };
            if within.is_empty() {
                let at = self.body.index(index, self.body.written.contains(tensor), None);
                let line = format!("{}::prefetch(t{}, {at} + {far});", self.body.runtime, tensor.0);
                lines.line(match self.body.long {
                    true => format!("if part * width % {} == 0 {{ {line} }}", vector::LONG),
                    false => format!("if part % 2 == 0 {{ {line} }}"),
                });
            }
        }
    }

    /// Whether the stage's reductions run across lanes.
    fn across(&self) -> bool {
        self.body.lanes == Lanes::Inner && !self.loops.inner.is_empty()
    }

    /// Takes one point's value into a reduction.
    pub(super) fn combine(&self, lines: &mut Lines, slot: usize) {
        let (how, value) = self.loops.stage.reduce[slot];
        let part = if self.parts() > 1 { "[part]" } else { "" };
        let r = format!("r{}_{slot}{part}", self.n);
        if let Some((a, b)) = self.absorbed(value) {
            return lines.line(format!("{r} = s.mul_add({a}, {b}, {r});"));
        }
        let mut term = self.number(value);
        if self.across() {
            term = format!("s.only({term}, n, {})", text::number(how.identity()));
        }
        lines.line(format!("{r} = s.{}({r}, {term});", combining(how)));
    }
}

/// What combines two vectors of a reduction.
fn combining(how: Reduction) -> &'static str {
    match how {
        Reduction::Sum => "add",
        Reduction::Maximum => "max",
        Reduction::Minimum => "min",
    }
}
