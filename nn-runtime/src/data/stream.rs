//! Samples of all fields of a network that are read while they are needed.

use std::fmt;
use std::ops::{Range, RangeBounds};
use std::sync::{Arc, Mutex, PoisonError};

use super::ahead::Portion;
use super::column::IntoColumn;
use super::row::Element;
use super::samples::Samples;
use super::set::{DataSet, check_weights, unequal, within};
use super::source::Draw;
use crate::error::Result;
use crate::program::Field;
use crate::shuffle::shuffle;

/// Floats in a portion, unless a batch is larger: 4 MiB. The GPU gets this much at a time, and each thread reads ahead this
/// much.
const PORTION_FLOATS: usize = 1 << 20;

/// Floats in a portion, unless a batch is larger.
pub(crate) const fn portion_floats() -> usize {
    PORTION_FLOATS
}

/// The samples of every field of a network, read while they are needed. The generated `…Stream` types are typed views of
/// it. Cloning is cheap.
#[derive(Clone)]
pub struct Stream {
    fields: &'static [Field],
    columns: Vec<Samples>,
    range: Range<usize>,
}

impl Stream {
    /// No samples yet; [`Stream::with`] adds the fields, in order.
    pub fn new(fields: &'static [Field]) -> Self {
        Stream { fields, columns: Vec::with_capacity(fields.len()), range: 0..0 }
    }

    /// Adds the next field's samples.
    ///
    /// # Errors
    /// If they do not fit the field, or if there are more or fewer than of the first field.
    pub fn with<T: Element, const N: usize, Nested>(mut self, column: impl IntoColumn<T, N, Nested>) -> Result<Self> {
        let Some(field) = self.fields.get(self.columns.len()) else { return Ok(self) };
        let column = column.into_samples(field)?;
        if self.columns.is_empty() {
            self.range = 0..column.len();
        } else if column.len() != self.len() {
            return Err(unequal(&self.fields[0], self.len(), field, column.len()));
        }
        self.columns.push(column);
        Ok(self)
    }

    /// Each sample counts 1: for networks whose last field says how much it does.
    #[must_use]
    pub fn with_ones(mut self) -> Self {
        // There is nothing about the shape that could be wrong.
        self.columns.extend(Samples::numbers(vec![], vec![1.0; self.range.end]));
        self
    }

    /// How much each sample counts, in the last field.
    ///
    /// # Errors
    /// If there are not as many weights as samples, or if one of them is negative, infinite or no number.
    pub fn with_weights(mut self, weights: &[f32]) -> Result<Self> {
        check_weights("sample_weights", weights, self.len())?;
        let mut all = vec![1.0; self.range.end];
        all[self.range.clone()].copy_from_slice(weights);
        self.columns.pop();
        self.columns.push(Samples::numbers(vec![], all)?);
        Ok(self)
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// The samples in the range, as far as they exist.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let part = within(range, self.len());
        let range = self.range.start + part.start..self.range.start + part.end;
        Stream { fields: self.fields, columns: self.columns.clone(), range }
    }

    /// The first `n` samples (all, if there are fewer), and the others.
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        (self.slice(..n), self.slice(n..))
    }

    /// All samples in memory, without augmentation.
    ///
    /// # Errors
    /// If a sample cannot be read.
    pub fn read(&self) -> Result<DataSet> {
        let values = self.columns.iter().map(|c| c.slice(self.range.clone()).read_all()).collect::<Result<_>>()?;
        DataSet::from_flat(self.fields, values)
    }

    /// Floats in a sample of all fields.
    fn width(&self) -> usize {
        self.columns.iter().map(Samples::width).sum()
    }

    /// Reads these samples into the portion. `draw` holds the seed and the epoch of training.
    fn fill(
        &self,
        samples: impl ExactSizeIterator<Item = usize> + Clone,
        draw: Option<(u64, u64)>,
        portion: &mut Portion,
    ) -> Result<()> {
        portion.samples = samples.len();
        portion.fields.resize_with(self.columns.len(), Vec::new);
        for (column, values) in self.columns.iter().zip(&mut portion.fields) {
            let width = column.width();
            values.resize(samples.len() * width, 0.0);
            for (sample, values) in samples.clone().zip(values.chunks_exact_mut(width)) {
                let sample = self.range.start + sample;
                let draw = draw.map_or(Draw::NONE, |(seed, epoch)| Draw::new(seed, epoch, sample));
                column.read_into(sample, draw, values)?;
            }
        }
        Ok(())
    }
}

/// Says where the samples come from, not their numbers.
impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples", self.len())?;
        for (i, (field, column)) in self.fields.iter().zip(&self.columns).enumerate() {
            write!(f, "{} `{}`: {}", if i == 0 { " of" } else { "," }, field.name, column.name())?;
        }
        Ok(())
    }
}

/// How a stream is cut into portions of whole batches, over one or more epochs.
pub(crate) struct Passes<'a> {
    stream: &'a Stream,
    batch_size: usize,
    batches_per_portion: usize,
    /// Samples of an epoch: the first ones in its order.
    used: usize,
    training: Option<Training>,
}

/// What is random about an epoch.
pub(crate) struct Training {
    pub(crate) seed: u64,
    /// The number of the first epoch.
    pub(crate) first: u64,
    pub(crate) shuffle: bool,
    /// The last orders that were needed, and the epochs that they are of.
    orders: Mutex<Vec<(u64, Arc<Vec<u32>>)>>,
}

impl Training {
    /// Epochs that begin with the `first`.
    pub(crate) fn new(seed: u64, first: u64, shuffle: bool) -> Self {
        Training { seed, first, shuffle, orders: Mutex::default() }
    }

    /// The samples in the epoch's order.
    fn order(&self, epoch: u64, samples: usize) -> Arc<Vec<u32>> {
        // Threads that read the end of an epoch and the beginning of the next one are the usual case.
        const KEPT: usize = 2;
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, order)) = orders.iter().find(|(number, _)| *number == epoch) {
            return Arc::clone(order);
        }
        let order = Arc::new(order(samples, self.shuffle.then_some((self.seed, epoch))));
        if orders.len() == KEPT {
            orders.remove(0);
        }
        orders.push((epoch, Arc::clone(&order)));
        order
    }
}

/// All samples in the order of an epoch: shuffled by the seed and the epoch's number.
pub(crate) fn order(samples: usize, shuffled: Option<(u64, u64)>) -> Vec<u32> {
    let mut order: Vec<u32> = (0..samples as u32).collect();
    if let Some((seed, epoch)) = shuffled {
        shuffle(&mut order, seed, &epoch.to_string());
    }
    order
}

/// So many batches of a portion, rounded up to a multiple, but not beyond an epoch.
pub(crate) fn multiple(per_portion: usize, of: usize, epoch: usize) -> usize {
    let of = of.max(1);
    per_portion.div_ceil(of).saturating_mul(of).min(epoch.max(per_portion))
}

impl<'a> Passes<'a> {
    /// In batches of this size, over the first `used` samples of each epoch; without `training`, in order and without anything random.
    pub(crate) fn new(stream: &'a Stream, batch_size: usize, used: usize, training: Option<Training>) -> Self {
        let floats = batch_size.saturating_mul(stream.width()).max(1);
        Passes { stream, batch_size, batches_per_portion: (PORTION_FLOATS / floats).max(1), used, training }
    }

    /// The same, in portions of so many batches or a multiple of it; an epoch is never more than one.
    pub(crate) fn in_multiples_of(self, batches: usize) -> Self {
        let epoch = self.used.div_ceil(self.batch_size.max(1));
        Passes { batches_per_portion: multiple(self.batches_per_portion, batches, epoch), ..self }
    }

    /// Samples in a portion; the last one of an epoch may have fewer.
    pub(crate) fn portion(&self) -> usize {
        self.batch_size * self.batches_per_portion
    }

    /// Portions of one epoch.
    pub(crate) fn portions(&self) -> usize {
        self.used.div_ceil(self.portion())
    }

    /// Reads the portion of this number, counted over all epochs.
    pub(crate) fn fill(&self, number: usize, portion: &mut Portion) -> Result<()> {
        let first = number % self.portions() * self.portion();
        let range = first..self.used.min(first + self.portion());
        let Some(training) = &self.training else { return self.stream.fill(range, None, portion) };
        let epoch = training.first + (number / self.portions()) as u64;
        let order = training.order(epoch, self.stream.len());
        self.stream.fill(order[range].iter().map(|&s| s as usize), Some((training.seed, epoch)), portion)
    }
}
