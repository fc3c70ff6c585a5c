//! Shapes: per-sample dimensions, and whether the batch stands in front of them.

use std::fmt;

/// The size of one dimension of a loop or of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// The number of samples, known at run time.
    Batch,
    /// A number known now.
    Size(usize),
}

impl Extent {
    /// The size for a batch of `batch` samples.
    pub fn at(self, batch: usize) -> usize {
        match self {
            Extent::Batch => batch,
            Extent::Size(n) => n,
        }
    }
}

/// A tensor's shape: `dims` for each sample, and whether there is one such block for each sample of the batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Whether the batch dimension stands in front.
    pub batch: bool,
    /// The dimensions of one sample; empty for a scalar. No dimension is 0.
    pub dims: Vec<usize>,
}

impl Shape {
    /// One block of `dims` for each sample.
    pub fn batched(dims: &[usize]) -> Self {
        Shape { batch: true, dims: dims.to_vec() }
    }

    /// One block of `dims`, whatever the batch.
    pub fn fixed(dims: &[usize]) -> Self {
        Shape { batch: false, dims: dims.to_vec() }
    }

    /// Numbers in one sample (in the whole tensor when there is no batch).
    pub fn size(&self) -> usize {
        self.dims.iter().product()
    }

    /// The dimensions of one sample, without the batch.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// All dimensions, the batch included.
    pub fn extents(&self) -> Vec<Extent> {
        let batch = self.batch.then_some(Extent::Batch);
        batch.into_iter().chain(self.dims.iter().map(|&d| Extent::Size(d))).collect()
    }
}

/// Where an axis stands behind a reshape that leaves it alone; of axes of one element, the first that fits.
pub(crate) fn same_axis(from: &[usize], axis: usize, to: &[usize]) -> Option<usize> {
    let before: usize = from[..axis].iter().product();
    (0..to.len()).find(|&i| to[i] == from[axis] && to[..i].iter().product::<usize>() == before)
}

/// As users write it: `[16, 14, 14]`, without the batch.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims)
    }
}
