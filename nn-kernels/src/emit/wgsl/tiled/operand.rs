//! An operand's elements in a tile: how far apart they are, and what must be checked before one is read.

use crate::graph::Extent;
use crate::ir::{Atom, Bound, Index, Operand, TensorId, Term};

/// So many neighbouring points of an axis that one tile does at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) axis: usize,
    pub(super) size: usize,
}

/// A point within a tile: axes and positions along them, counted from where the tile begins.
pub(super) type LocalPoint = [(usize, i64)];

/// What all tiles have in common.
#[derive(Clone)]
pub(super) struct Elements {
    pub(super) tensor: TensorId,
    /// Where the first element lies, but for the constant part.
    pub(super) base: Index,
    pub(super) checks: Vec<Check>,
    /// The address' affine part, whose constant and whose coefficients of the tile's axes count here.
    affine: Index,
    /// As [`group`] says.
    pub(super) group: i64,
}

/// A bound that some tile may not keep.
#[derive(Clone)]
pub(super) struct Check {
    /// What is bounded, for the tile's first element.
    pub(super) index: Index,
    pub(super) end: i64,
    /// What the index must be a multiple of, for tiles to find out; 1 where all is known here.
    pub(super) step: i64,
    /// Whether elements of a tile differ in it.
    pub(super) varies: bool,
    /// The step that is settled by the position in the tile, and by how much a whole step moves the address.
    settled: Option<(i64, i64)>,
    /// Smallest and largest value of the index at the beginning of a tile.
    range: Option<(i64, i64)>,
}

/// One element: so far from the base, once these checks succeed with so much added to their index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Element {
    pub(super) offset: i64,
    pub(super) checks: Vec<(usize, i64)>,
}

/// How a tile cuts the axes.
pub(super) struct Cut<'e> {
    pub(super) extents: &'e [Extent],
    pub(super) locals: &'e [Local],
}

impl Cut<'_> {
    /// What the first point of a tile is a multiple of along an axis; 0 if it is always 0.
    pub(super) fn grain(&self, axis: usize) -> i64 {
        match (self.locals.iter().find(|l| l.axis == axis), self.extents[axis]) {
            (Some(local), Extent::Size(n)) if local.size >= n => 0,
            (Some(local), _) => local.size as i64,
            (None, Extent::Size(1)) => 0,
            (None, _) => 1,
        }
    }

    /// The extents of what tiles begin with, for ranges.
    fn firsts(&self) -> Vec<Extent> {
        let first = |(axis, extent): (usize, &Extent)| match (extent, self.grain(axis)) {
            (Extent::Size(_), 0) => Extent::Size(1),
            (Extent::Size(n), grain) => Extent::Size((n - 1) / grain as usize * grain as usize + 1),
            (Extent::Batch, _) => Extent::Batch,
        };
        self.extents.iter().enumerate().map(first).collect()
    }

    /// Whether a tile's first point moves an affine index by multiples of a number only.
    fn moves_by(&self, index: &Index, number: i64) -> bool {
        index.terms.iter().all(|t| match t.atom {
            Atom::Axis(axis) => t.coefficient * self.grain(axis) % number == 0,
            _ => t.coefficient % number == 0,
        })
    }

    fn varies(&self, index: &Index) -> bool {
        self.locals.iter().any(|l| l.size > 1 && index.uses(l.axis))
    }
}

impl Elements {
    /// `None` where steps are neither the same for a whole tile nor known from the position in it.
    pub(super) fn new(operand: &Operand, aligned_tensor: bool, cut: &Cut) -> Option<Self> {
        let mut affine = operand.index.clone();
        affine.terms.retain(|t| matches!(t.atom, Atom::Axis(_)));
        let mut base = Index { offset: 0, terms: affine.terms.clone() };
        let firsts = cut.firsts();
        let mut checks = vec![];
        for bound in &operand.within {
            let quotient = Atom::Div(Box::new(bound.index.clone()), bound.step);
            let per_step = operand.index.terms.iter().find(|t| t.atom == quotient).map_or(0, |t| t.coefficient);
            let varies = cut.varies(&bound.index);
            let mut check = Check {
                index: bound.index.clone(),
                end: bound.end,
                step: bound.step,
                varies,
                settled: None,
                range: bound.index.range(&firsts),
            };
            if !settles_bound(bound, cut) {
                return None;
            }
            if bound.step > 1 && cut.moves_by(&bound.index, bound.step) {
                check.settled = Some((bound.step, per_step));
                check.step = 1;
                for term in &bound.index.terms {
                    base = base.plus(&whole_steps(term, bound.step).times(per_step));
                }
            } else if bound.step > 1 {
                base = base.plus(&Index { offset: 0, terms: vec![Term { atom: quotient, coefficient: per_step }] });
            }
            checks.push(check);
        }
        base.terms.retain(|t| t.coefficient != 0);
        let group = group(operand, aligned_tensor, cut);
        Some(Elements { tensor: operand.tensor, base, checks, affine, group })
    }

    /// The element at a point of the tile; `None` where it is always 0.
    pub(super) fn at(&self, point: &LocalPoint) -> Option<Element> {
        let further = |index: &Index| -> i64 {
            point.iter().map(|&(axis, position)| index.stride(axis).unwrap_or(0) * position).sum()
        };
        let mut element = Element { offset: self.affine.offset + further(&self.affine), checks: vec![] };
        for (number, check) in self.checks.iter().enumerate() {
            let more = further(&check.index);
            if let Some((step, per_step)) = check.settled {
                let total = check.index.offset + more;
                if total.rem_euclid(step) != 0 {
                    return None;
                }
                element.offset += total.div_euclid(step) * per_step;
            }
            match check.range {
                Some((low, high)) if high + more < 0 || low + more >= check.end => return None,
                Some((low, high)) if check.step == 1 && low + more >= 0 && high + more < check.end => {}
                _ => element.checks.push((number, more)),
            }
        }
        Some(element)
    }

    /// Whether a check can fail for some tile.
    pub(super) fn needs(&self, check: usize) -> bool {
        let Check { varies, step, end, range, .. } = self.checks[check];
        varies || step > 1 || range.is_none_or(|(low, high)| low < 0 || high >= end)
    }

    /// Whether some position in the tile always reads 0 between the elements of what was strided.
    pub(super) fn has_holes(&self) -> bool {
        self.checks.iter().any(|c| c.varies && c.settled.is_some())
    }
}

/// Whether steps are the same for a whole tile, or known from the position in it.
pub(super) fn settles(operand: &Operand, cut: &Cut) -> bool {
    operand.within.iter().all(|bound| settles_bound(bound, cut))
}

fn settles_bound(bound: &Bound, cut: &Cut) -> bool {
    bound.step == 1 || cut.moves_by(&bound.index, bound.step) || !cut.varies(&bound.index)
}

/// How many elements, from a multiple of that on, lie in one aligned group, and none of them needs a check that the others do not
/// need: 4, 2 or 1.
pub(super) fn group(operand: &Operand, aligned_tensor: bool, cut: &Cut) -> i64 {
    if !aligned_tensor || operand.within.iter().any(|b| b.step > 1) {
        return 1;
    }
    [4, 2].into_iter().find(|&size| lies_in_groups(operand, cut, size)).unwrap_or(1)
}

fn lies_in_groups(operand: &Operand, cut: &Cut, size: i64) -> bool {
    if !cut.moves_by(&operand.index, size) {
        return false;
    }
    let Some(last) = operand.within.iter().rfind(|b| cut.varies(&b.index)) else { return true };
    let stride = |index: &Index, axis: usize| index.stride(axis).unwrap_or(0);
    let same = |axis| (stride(&last.index, axis) - stride(&operand.index, axis)) % size == 0;
    cut.moves_by(&last.index, size)
        && last.end % size == 0
        && (last.index.offset - operand.index.offset) % size == 0
        && cut.locals.iter().all(|l| same(l.axis))
}

/// Whether what a tile writes lies in pairs that belong to it: neighbours along one axis of the tile, from an even address on.
pub(super) fn writes_pairs(index: &Index, cut: &Cut) -> bool {
    let own = |axis: usize| cut.locals.iter().any(|l| l.axis == axis && l.size.is_multiple_of(2));
    let in_pairs = |t: &Term| match t.atom {
        Atom::Axis(axis) if t.coefficient == 1 => own(axis),
        _ => t.coefficient % 2 == 0,
    };
    index.offset % 2 == 0 && index.terms.iter().all(in_pairs)
}

/// A term of an index in whole steps, where tiles begin at multiples of it.
fn whole_steps(term: &Term, step: i64) -> Index {
    if term.coefficient % step == 0 {
        return Index { offset: 0, terms: vec![Term { coefficient: term.coefficient / step, ..term.clone() }] };
    }
    // A quotient's operand must not be negative.
    let (size, sign) = (term.coefficient.abs(), term.coefficient.signum());
    let operand = Index { offset: 0, terms: vec![Term { coefficient: size, ..term.clone() }] };
    operand.quotient(step).times(sign)
}
