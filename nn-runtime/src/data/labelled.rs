//! Images and what they show.

use std::ops::RangeBounds;

use super::samples::Samples;
use super::source::wrong;
use crate::error::Result;

/// Images and their classes, as the readers of labelled images give them: `DigitsData::new(read.images, read.labels)`.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// Images, from 0 (black) to 1.
    pub images: Samples,
    /// The class of each image.
    pub labels: Samples,
    /// The classes' names, in the order of their numbers, where the files say them; else empty.
    pub classes: Vec<String>,
}

impl Labelled {
    pub(super) fn new(images: Samples, labels: Samples, classes: Vec<String>) -> Result<Self> {
        if images.len() != labels.len() {
            let expected = format!("{} labels, one for each image in {}", images.len(), images.name());
            return Err(wrong(labels.name(), expected, labels.len()));
        }
        Ok(Labelled { images, labels, classes })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// All of them in an order of their own: files that lie sorted by class are to be shuffled before they are split.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        self.with(|samples| samples.shuffled(seed))
    }

    /// The images in the range, as far as they exist.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize> + Clone) -> Self {
        self.with(|samples| samples.slice(range.clone()))
    }

    /// The first `n` images (all, if there are fewer), and the others.
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        (self.slice(..n), self.slice(n..))
    }

    fn with(&self, change: impl Fn(&Samples) -> Samples) -> Self {
        Labelled { images: change(&self.images), labels: change(&self.labels), classes: self.classes.clone() }
    }
}
