//! How many samples the steps of an epoch take.

use std::ops::Range;

/// Samples of each step of an epoch, and of all steps before it, so that whoever asks for a sum waits for no loop.
pub(super) struct Sizes {
    steps: Vec<usize>,
    before: Vec<usize>,
}

impl Sizes {
    /// Of steps over so many samples each.
    pub(super) fn new(steps: Vec<usize>) -> Self {
        let mut sum = 0;
        let ends = steps.iter().map(|samples| {
            sum += samples;
            sum
        });
        let before = std::iter::once(0).chain(ends).collect();
        Sizes { steps, before }
    }

    /// How many steps there are.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Samples of a step.
    pub(super) fn of(&self, step: usize) -> usize {
        self.steps[step]
    }

    /// Samples of the steps from this one on.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = usize> {
        self.steps[first..].iter().copied()
    }

    /// Samples of some steps together.
    pub(super) fn samples(&self, steps: Range<usize>) -> usize {
        self.before[steps.end] - self.before[steps.start]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_steps() {
        let sizes = Sizes::new(vec![5, 5, 2]);
        assert_eq!((sizes.len(), sizes.of(2)), (3, 2));
        assert_eq!([0..0, 0..2, 1..3, 3..3].map(|steps| sizes.samples(steps)), [0, 10, 7, 0]);
        assert!(sizes.from(1).eq([5, 2]));
    }
}
