//! Where one dimension of an operand is read: the affine windows of convolutions and pooling.

/// The position along one dimension of an operand: `(offset + Σ coefficient * axis) / divisor`.
///
/// Where the position is outside of the dimension, or where the division leaves a remainder, the element counts as 0: this is
/// zero padding, and the holes between the elements of a transposed convolution.
///
/// Accesses are closed under differentiation: who reads `o * s + k * d - p` gets its gradient from
/// `(i + p - k * d) / s`, and the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// Axes of the reader, each at most once, and their coefficients, none of them 0.
    pub terms: Vec<(usize, i64)>,
    /// The constant part.
    pub offset: i64,
    /// At least 1.
    pub divisor: i64,
}

impl Access {
    /// One element for each point of an axis.
    pub fn axis(axis: usize) -> Self {
        Access { terms: vec![(axis, 1)], offset: 0, divisor: 1 }
    }

    /// Always the same element.
    pub fn at(offset: i64) -> Self {
        Access { terms: vec![], offset, divisor: 1 }
    }

    /// Element `tap` of the window at `position`: `position * stride + tap * dilation - padding`.
    pub fn window(position: usize, stride: usize, tap: usize, dilation: usize, padding: usize) -> Self {
        Access { terms: vec![(position, stride as i64), (tap, dilation as i64)], offset: -(padding as i64), divisor: 1 }
    }

    /// What [`Access::window`] looks like from the element: in which window `element` is number `tap`.
    pub fn window_of(element: usize, stride: usize, tap: usize, dilation: usize, padding: usize) -> Self {
        Access { terms: vec![(element, 1), (tap, -(dilation as i64))], offset: padding as i64, divisor: stride as i64 }
    }

    /// The axis, if this is nothing but an axis.
    pub fn as_axis(&self) -> Option<usize> {
        match (&self.terms[..], self.offset, self.divisor) {
            ([(axis, 1)], 0, 1) => Some(*axis),
            _ => None,
        }
    }

    /// Whether the position depends on an axis.
    pub fn uses(&self, axis: usize) -> bool {
        self.terms.iter().any(|(a, _)| *a == axis)
    }

    /// The same with other numbers for the axes.
    pub fn renumbered(&self, number: impl Fn(usize) -> usize) -> Self {
        Access { terms: self.terms.iter().map(|&(a, c)| (number(a), c)).collect(), ..*self }
    }

    /// Where along `axis` this access reads position `position` (an axis of the new reader): `self` solved for `axis`.
    pub fn solved_for(&self, axis: usize, position: usize) -> Self {
        let &(_, coefficient) = self.terms.iter().find(|(a, _)| *a == axis).expect("solved for an axis that it uses");
        // position * divisor = offset + coefficient * axis + rest
        let sign = coefficient.signum();
        let rest = self.terms.iter().filter(|(a, _)| *a != axis).map(|&(a, c)| (a, -c * sign));
        Access {
            terms: std::iter::once((position, self.divisor * sign)).chain(rest).collect(),
            offset: -self.offset * sign,
            divisor: coefficient.abs(),
        }
    }

    /// The position at a point of the reader; `None` outside of a dimension of size `size`.
    pub fn eval(&self, point: &[usize], size: usize) -> Option<usize> {
        let sum = self.terms.iter().fold(self.offset, |sum, &(a, c)| sum + c * point[a] as i64);
        if sum % self.divisor != 0 {
            return None;
        }
        usize::try_from(sum / self.divisor).ok().filter(|&i| i < size)
    }
}

/// An axis alone.
impl From<usize> for Access {
    fn from(axis: usize) -> Self {
        Access::axis(axis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solved_access_finds_the_windows_of_an_element() {
        let (size, windows, taps) = (9, 4, 3);
        for (stride, dilation, padding) in [(1, 1, 0), (2, 1, 1), (2, 2, 1), (3, 1, 2)] {
            // Reader: axes 0 = window, 1 = tap. Reader of the gradient: axes 0 = element, 1 = tap.
            let read = Access::window(0, stride, 1, dilation, padding);
            let back = read.solved_for(0, 0);
            assert_eq!(back, Access::window_of(0, stride, 1, dilation, padding));
            assert_eq!(back.solved_for(0, 0), read);
            for (window, tap) in (0..windows).flat_map(|w| (0..taps).map(move |t| (w, t))) {
                if let Some(element) = read.eval(&[window, tap], size) {
                    assert_eq!(back.eval(&[element, tap], windows), Some(window));
                }
            }
        }
    }

    #[test]
    fn a_flip_is_its_own_inverse() {
        let flip = Access { terms: vec![(0, -1)], offset: 4, divisor: 1 };
        assert_eq!(flip.solved_for(0, 0), flip);
    }
}
