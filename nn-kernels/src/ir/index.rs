//! Indices: integer expressions over a kernel's axes, kept in one normal form.
//!
//! An index is `offset + Σ coefficient * atom`. An atom is an axis, or the quotient or remainder of another index by a
//! constant, or another index clamped to a range. Most indices are affine: only axes as atoms. Reshapes that split a
//! fused axis leave quotients and remainders behind, but only where they do not simplify away.
//!
//! The batch's extent is unknown but never negative; every other extent is a constant. Everything here is exact
//! for non-negative indices below 2^31; a negative index occurs only inside a clamp (a concat's later parts).

use crate::graph::Extent;

/// `offset + Σ coefficient * atom`, terms sorted by atom, no coefficient 0, no atom twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Index {
    /// The constant part.
    pub offset: i64,
    /// The variable part.
    pub terms: Vec<Term>,
}

/// One summand of an [`Index`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// What varies.
    pub atom: Atom,
    /// By how much it counts.
    pub coefficient: i64,
}

/// What varies in an [`Index`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// The kernel's axis of this number.
    Axis(usize),
    /// Quotient by a positive constant; the operand is not negative.
    Div(Box<Index>, i64),
    /// Remainder by a positive constant; the operand is not negative.
    Mod(Box<Index>, i64),
    /// The operand, at least the first and at most the second number.
    Clamp(Box<Index>, i64, i64),
    /// Which of this many steps of the kernel's loop it is. While kernels are built it is the row that belongs to the step; where memory
    /// is read or written by it, it becomes a [`crate::plan::View`], so it is left in indices that are values alone.
    Step(usize),
}

impl Index {
    /// A constant.
    pub fn constant(offset: i64) -> Self {
        Index { offset, terms: vec![] }
    }

    /// An axis.
    pub fn axis(axis: usize) -> Self {
        Self::atom(Atom::Axis(axis))
    }

    /// The row of a stacked tensor of this many that belongs to the step.
    pub fn step(steps: usize) -> Self {
        if steps == 1 { Index::default() } else { Self::atom(Atom::Step(steps)) }
    }

    fn atom(atom: Atom) -> Self {
        Index { offset: 0, terms: vec![Term { atom, coefficient: 1 }] }
    }

    /// The sum.
    pub fn plus(mut self, other: &Index) -> Self {
        self.offset += other.offset;
        for term in &other.terms {
            match self.terms.binary_search_by(|t| t.atom.cmp(&term.atom)) {
                Ok(i) => {
                    self.terms[i].coefficient += term.coefficient;
                    if self.terms[i].coefficient == 0 {
                        self.terms.remove(i);
                    }
                }
                Err(i) => self.terms.insert(i, term.clone()),
            }
        }
        self.recombine();
        self
    }

    /// Puts quotient and remainder together again: `c * (x % n) + c * n * (x / n)` is `c * x`. This is what makes a
    /// tensor that is flattened and read in order one run of memory.
    fn recombine(&mut self) {
        let pair = self.terms.iter().enumerate().find_map(|(i, rest)| {
            let Atom::Mod(x, n) = &rest.atom else { return None };
            let whole = Atom::Div(x.clone(), *n);
            let j = self.terms.iter().position(|t| t.atom == whole && t.coefficient == rest.coefficient * n)?;
            Some((i, j, x.clone().times(rest.coefficient)))
        });
        if let Some((i, j, x)) = pair {
            self.terms.remove(i.max(j));
            self.terms.remove(i.min(j));
            *self = std::mem::take(self).plus(&x);
        }
    }

    /// The sum with a constant.
    pub fn plus_constant(mut self, c: i64) -> Self {
        self.offset += c;
        self
    }

    /// The product with a constant.
    pub fn times(mut self, factor: i64) -> Self {
        if factor == 0 {
            return Index::default();
        }
        self.offset *= factor;
        self.terms.iter_mut().for_each(|t| t.coefficient *= factor);
        self
    }

    /// The quotient by a positive constant. `extents` are those of the axes; the index must not be negative.
    pub fn div(self, by: i64, extents: &[Extent]) -> Self {
        if by == 1 {
            return self;
        }
        let (quotient, rest) = self.split(by);
        // The rest is in [0, by): it adds nothing to the quotient.
        if rest.range(extents).is_some_and(|(lo, hi)| lo >= 0 && hi < by) {
            return quotient;
        }
        if rest.range(extents).is_none_or(|(lo, _)| lo >= 0) {
            return quotient.plus(&Self::atom(Atom::Div(Box::new(rest), by)));
        }
        let whole = quotient.times(by).plus(&rest);
        Self::atom(Atom::Div(Box::new(whole), by))
    }

    /// The quotient by a positive constant, in one piece; the index may be negative where nobody looks.
    pub fn quotient(self, by: i64) -> Self {
        if by == 1 { self } else { Self::atom(Atom::Div(Box::new(self), by)) }
    }

    /// How many neighbours along an axis, from each multiple of so many on, have the same value for certain: 4, 2 or 1.
    pub fn repeats(&self, axis: usize) -> i64 {
        let of_term = |term: &Term| match &term.atom {
            atom if !atom.uses(axis) => 4,
            Atom::Div(index, by) => {
                let is_axis = |t: &Term| t.atom == Atom::Axis(axis) && t.coefficient == 1;
                let others = index.terms.iter().filter(|t| !is_axis(t));
                if others.clone().any(|t| t.atom.uses(axis)) {
                    return 1;
                }
                let parts = others.map(|t| t.coefficient).chain([*by, index.offset]);
                parts.map(|part| if part % 4 == 0 { 4 } else { 1 + i64::from(part % 2 == 0) }).min().unwrap_or(1)
            }
            _ => 1,
        };
        self.terms.iter().map(of_term).min().unwrap_or(4)
    }

    /// The operands, if this is nothing but a quotient.
    pub fn as_quotient(&self) -> Option<(&Self, i64)> {
        match (&self.terms[..], self.offset) {
            ([Term { atom: Atom::Div(index, by), coefficient: 1 }], 0) => Some((index, *by)),
            _ => None,
        }
    }

    /// The remainder by a positive constant. `extents` are those of the axes; the index must not be negative.
    pub fn modulo(self, by: i64, extents: &[Extent]) -> Self {
        if by == 1 {
            return Index::default();
        }
        let (quotient, rest) = self.split(by);
        match rest.range(extents) {
            Some((lo, hi)) if lo >= 0 && hi < by => rest,
            Some((lo, _)) if lo < 0 => Self::atom(Atom::Mod(Box::new(quotient.times(by).plus(&rest)), by)),
            _ => Self::atom(Atom::Mod(Box::new(rest), by)),
        }
    }

    /// The index, at least `lo` and at most `hi`.
    pub fn clamp(self, lo: i64, hi: i64, extents: &[Extent]) -> Self {
        match self.range(extents) {
            Some((l, h)) if l >= lo && h <= hi => self,
            _ => Self::atom(Atom::Clamp(Box::new(self), lo, hi)),
        }
    }

    /// `(q, r)` with `self = q * by + r`, and as much as possible in `q`.
    fn split(self, by: i64) -> (Self, Self) {
        let (mut q, mut r) = (Index::constant(self.offset.div_euclid(by)), Index::constant(self.offset.rem_euclid(by)));
        for Term { atom, coefficient } in self.terms {
            let (cq, cr) = (coefficient.div_euclid(by), coefficient.rem_euclid(by));
            if cq != 0 {
                q.terms.push(Term { atom: atom.clone(), coefficient: cq });
            }
            if cr != 0 {
                r.terms.push(Term { atom, coefficient: cr });
            }
        }
        (q, r)
    }

    /// Smallest and largest value, `None` where the batch makes it unbounded (the smallest is then not negative).
    pub fn range(&self, extents: &[Extent]) -> Option<(i64, i64)> {
        let mut range = (self.offset, self.offset);
        for term in &self.terms {
            let (lo, hi) = term.atom.range(extents)?;
            let (a, b) = (lo * term.coefficient, hi * term.coefficient);
            range = (range.0 + a.min(b), range.1 + a.max(b));
        }
        Some(range)
    }

    /// What is added and what is subtracted, both without negative coefficients.
    pub fn signs(&self) -> (Self, Self) {
        let part = |sign: i64| Index {
            offset: (self.offset * sign).max(0),
            terms: (self.terms.iter().filter(|t| t.coefficient * sign > 0))
                .map(|t| Term { atom: t.atom.clone(), coefficient: t.coefficient * sign })
                .collect(),
        };
        (part(1), part(-1))
    }

    /// The value at a point.
    pub fn eval(&self, point: &[usize]) -> i64 {
        self.eval_at(point, 0)
    }

    /// The value at a point in the step of this number of the kernel's loop.
    pub fn eval_at(&self, point: &[usize], step: usize) -> i64 {
        self.terms.iter().fold(self.offset, |sum, t| sum + t.coefficient * t.atom.eval(point, step))
    }

    /// The index that counts steps where this one counts the rows of a loop that begins with the last of them.
    pub(crate) fn reversed(&self) -> Self {
        let mut result = Index::constant(self.offset);
        for t in &self.terms {
            let atom = match &t.atom {
                Atom::Axis(a) => Self::axis(*a),
                Atom::Div(i, by) => Self::atom(Atom::Div(Box::new(i.reversed()), *by)),
                Atom::Mod(i, by) => Self::atom(Atom::Mod(Box::new(i.reversed()), *by)),
                Atom::Clamp(i, lo, hi) => Self::atom(Atom::Clamp(Box::new(i.reversed()), *lo, *hi)),
                Atom::Step(steps) => Self::step(*steps).times(-1).plus_constant(*steps as i64 - 1),
            };
            result = result.plus(&atom.times(t.coefficient));
        }
        result
    }

    /// Whether all atoms are axes.
    pub fn is_affine(&self) -> bool {
        self.terms.iter().all(|t| matches!(t.atom, Atom::Axis(_)))
    }

    /// Whether the index depends on an axis.
    pub fn uses(&self, axis: usize) -> bool {
        self.terms.iter().any(|t| t.atom.uses(axis))
    }

    /// How far the index moves when the axis moves by one; `None` if that is no constant.
    pub fn stride(&self, axis: usize) -> Option<i64> {
        let mut stride = 0;
        for t in &self.terms {
            match &t.atom {
                Atom::Axis(a) if *a == axis => stride = t.coefficient,
                Atom::Axis(_) => {}
                Atom::Div(i, _) | Atom::Mod(i, _) | Atom::Clamp(i, ..) if i.uses(axis) => return None,
                _ => {}
            }
        }
        Some(stride)
    }

    /// The index with each axis replaced.
    pub fn substitute(&self, axes: &[Index], extents: &[Extent]) -> Self {
        let mut result = Index::constant(self.offset);
        for t in &self.terms {
            let atom = match &t.atom {
                Atom::Axis(a) => axes[*a].clone(),
                Atom::Div(i, by) => i.substitute(axes, extents).div(*by, extents),
                Atom::Mod(i, by) => i.substitute(axes, extents).modulo(*by, extents),
                Atom::Clamp(i, lo, hi) => i.substitute(axes, extents).clamp(*lo, *hi, extents),
                Atom::Step(steps) => Self::atom(Atom::Step(*steps)),
            };
            result = result.plus(&atom.times(t.coefficient));
        }
        result
    }

    /// Row-major position of a point given by one index for each dimension; the batch's size is never needed.
    pub fn linear(point: &[Index], dims: &[Extent]) -> Self {
        let mut stride = 1;
        let mut result = Index::default();
        for (index, dim) in point.iter().zip(dims).rev() {
            result = result.plus(&index.clone().times(stride));
            if let Extent::Size(n) = dim {
                stride *= *n as i64;
            }
        }
        result
    }

    /// The point at a row-major position: the inverse of [`Index::linear`].
    pub fn delinearize(self, dims: &[Extent], extents: &[Extent]) -> Vec<Self> {
        let mut point = vec![Index::default(); dims.len()];
        let mut rest = self;
        for (i, dim) in dims.iter().enumerate().rev() {
            if i == 0 {
                point[0] = std::mem::take(&mut rest);
            } else if let Extent::Size(n) = dim {
                point[i] = rest.clone().modulo(*n as i64, extents);
                rest = rest.div(*n as i64, extents);
            }
        }
        point
    }
}

impl Atom {
    /// Whether it depends on an axis.
    fn uses(&self, axis: usize) -> bool {
        match self {
            Atom::Axis(a) => *a == axis,
            Atom::Div(i, _) | Atom::Mod(i, _) | Atom::Clamp(i, ..) => i.uses(axis),
            Atom::Step(_) => false,
        }
    }

    fn range(&self, extents: &[Extent]) -> Option<(i64, i64)> {
        match self {
            Atom::Axis(a) => match extents[*a] {
                Extent::Batch => None,
                Extent::Size(n) => Some((0, n as i64 - 1)),
            },
            Atom::Div(i, by) => i.range(extents).map(|(lo, hi)| (lo.div_euclid(*by), hi.div_euclid(*by))),
            Atom::Mod(i, by) => match i.range(extents) {
                Some((lo, hi)) if lo >= 0 && hi < *by => Some((lo, hi)),
                _ => Some((0, by - 1)),
            },
            Atom::Clamp(i, lo, hi) => match i.range(extents) {
                Some((l, h)) => Some((l.clamp(*lo, *hi), h.clamp(*lo, *hi))),
                None => Some((*lo, *hi)),
            },
            Atom::Step(steps) => Some((0, *steps as i64 - 1)),
        }
    }

    fn eval(&self, point: &[usize], step: usize) -> i64 {
        match self {
            Atom::Axis(a) => point[*a] as i64,
            Atom::Div(i, by) => i.eval_at(point, step).div_euclid(*by),
            Atom::Mod(i, by) => i.eval_at(point, step).rem_euclid(*by),
            Atom::Clamp(i, lo, hi) => i.eval_at(point, step).clamp(*lo, *hi),
            Atom::Step(_) => step as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENTS: [Extent; 3] = [Extent::Batch, Extent::Size(6), Extent::Size(4)];

    #[test]
    fn neighbours_that_share_a_value_are_found() {
        // Axes 1 and 2: what is said of four neighbours holds wherever the other axis is.
        let [i, j] = [Index::axis(1), Index::axis(2)];
        let cases = [
            (j.clone().quotient(2), 2),
            (j.clone().quotient(4), 4),
            (j.clone().quotient(8).plus(&i), 4),
            (j.clone().quotient(3), 1),
            (j.clone().plus_constant(2).quotient(6), 2),
            (j.clone().plus_constant(1).quotient(2), 1),
            (j.clone().plus(&i.clone().times(2)).quotient(4), 2),
            (j.clone().plus(&i).quotient(4), 1),
            (j.clone().times(2).quotient(4), 1),
            (i.quotient(3), 4),
            (j.clone().quotient(2).plus(&j), 1),
        ];
        for (index, repeats) in cases {
            assert_eq!(index.repeats(2), repeats, "{index:?}");
            for (i, j) in (0..6).flat_map(|i| (0..16).map(move |j| (i, j))) {
                let first = j / repeats as usize * repeats as usize;
                assert_eq!(index.eval(&[0, i, j]), index.eval(&[0, i, first]), "{index:?} at {i}, {j}");
            }
        }
    }

    #[test]
    fn a_reshape_that_splits_an_axis_keeps_exact_quotients() {
        // [B, 6, 4] read as [B, 8, 3]: check against plain arithmetic on every point.
        let from: Vec<Index> = (0..3).map(Index::axis).collect();
        let dims = [Extent::Batch, Extent::Size(8), Extent::Size(3)];
        let to = Index::linear(&from, &EXTENTS).delinearize(&dims, &EXTENTS);
        for (b, i, j) in (0..3).flat_map(|b| (0..6).flat_map(move |i| (0..4).map(move |j| (b, i, j)))) {
            let flat = (b * 6 + i) * 4 + j;
            let got: Vec<i64> = to.iter().map(|x| x.eval(&[b, i, j])).collect();
            assert_eq!(got, [flat / 24, flat / 3 % 8, flat % 3].map(|x| x as i64));
        }
        assert_eq!(to[0], Index::axis(0), "the batch comes back whole");
    }

    #[test]
    fn a_flattened_tensor_read_in_order_is_one_run_of_memory() {
        let extents = [Extent::Batch, Extent::Size(24)];
        let dims = [Extent::Size(2), Extent::Size(3), Extent::Size(4)];
        let point = Index::axis(1).delinearize(&dims, &extents);
        assert_eq!(Index::linear(&point, &dims), Index::axis(1));
    }

    #[test]
    fn a_reshape_there_and_back_is_nothing() {
        let from: Vec<Index> = (0..3).map(Index::axis).collect();
        let back = Index::linear(&from, &EXTENTS).delinearize(&EXTENTS, &EXTENTS);
        assert_eq!(back, from);
    }
}
