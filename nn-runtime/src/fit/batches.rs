//! Batches that come one after another, from an iterator.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{Data, Dataset};
use crate::data::{DataSet, Portion, multiple, portion_floats};
use crate::error::{Error, Result};
use crate::program::Program;

/// Batches from an iterator, for data that does not fit into memory and cannot be read at any place: what comes over a network,
/// what a simulation makes. `fit` and `evaluate` take it like a generated `…Data`; where samples can be read by their number, a generated
/// `…Stream` shuffles them, too.
///
/// An iterator is made for each epoch, whose number (counted from 0, over all runs of the network) it can make its random choices by: then
/// a resumed run sees the same batches. A thread takes batches from it ahead of the training, a few megabytes at a time.
/// Each has as many samples as [`Fit::batch_size`](crate::Fit::batch_size) says.
///
/// ```
/// # use nn_runtime::private::{Data, Report};
/// # use nn_runtime::{Dataset, Result};
/// # struct DigitsReport;
/// # impl Report for DigitsReport {
/// #     fn from_measured(_: &nn_runtime::private::Measured) -> Self { DigitsReport }
/// #     fn scalars(&self) -> Vec<(&'static str, f64)> { vec![] }
/// # }
/// # struct DigitsData;
/// # impl DigitsData { fn new(_: Vec<[f32; 784]>, _: Vec<u32>) -> Result<Self> { Ok(DigitsData) } }
/// # impl Dataset for DigitsData {
/// #     type Report = DigitsReport;
/// #     fn data(&self) -> Data<'_> { unimplemented!() }
/// # }
/// # fn receive(_: u64, _: u64) -> (Vec<[f32; 784]>, Vec<u32>) { unimplemented!() }
/// use nn_runtime::Batches;
///
/// // 500 batches an epoch; each a `DigitsData` of as many samples as `batch_size` says.
/// let train = Batches::new(500, |epoch| {
///     (0..).map(move |number| {
///         let (images, labels) = receive(epoch, number);
///         DigitsData::new(images, labels)
///     })
/// });
/// // net.fit(&train, nn::Fit::default().epochs(10).batch_size(64))?;
/// ```
pub struct Batches<'a, D> {
    steps: usize,
    begin: Box<Begin<'a, D>>,
}

/// Makes an epoch's iterator.
type Begin<'a, D> = dyn Fn(u64) -> Box<dyn Iterator<Item = Result<D>> + Send + 'a> + Send + Sync + 'a;

/// Batches of one epoch: hands the next one to the closure, if there is one.
pub(crate) type Pull<'a> = Box<dyn FnMut(&mut dyn FnMut(&DataSet) -> Result<()>) -> Result<bool> + Send + 'a>;

/// [`Batches`] of whatever network.
#[doc(hidden)]
pub trait BatchSource: Send + Sync {
    /// Batches in an epoch.
    fn steps(&self) -> usize;
    /// Those of this epoch.
    fn pull(&self, epoch: u64) -> Pull<'_>;
}

impl<'a, D: Dataset> Batches<'a, D> {
    /// So many batches an epoch, from the iterator that the closure makes for it.
    pub fn new<I>(steps: usize, begin: impl Fn(u64) -> I + Send + Sync + 'a) -> Self
    where
        I: Iterator<Item = Result<D>> + Send + 'a,
    {
        Batches { steps, begin: Box::new(move |epoch| Box::new(begin(epoch))) }
    }
}

impl<D: Dataset> BatchSource for Batches<'_, D> {
    fn steps(&self) -> usize {
        self.steps
    }

    fn pull(&self, epoch: u64) -> Pull<'_> {
        let mut batches = (self.begin)(epoch);
        Box::new(move |take| {
            let Some(batch) = batches.next() else { return Ok(false) };
            match batch?.data() {
                Data::Memory(set) => take(set).map(|()| true),
                _ => Err(Error::Data("a batch has to be data in memory: a generated `…Data`".into())),
            }
        })
    }
}

impl<D: Dataset> Dataset for Batches<'_, D> {
    type Report = D::Report;
    fn data(&self) -> Data<'_> {
        Data::Batches(self)
    }
}

impl<D> fmt::Debug for Batches<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} batches an epoch", self.steps)
    }
}

impl fmt::Debug for dyn BatchSource + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} batches an epoch", self.steps())
    }
}

/// Fills portions with batches of a run.
pub(super) struct Filling<'a> {
    source: &'a dyn BatchSource,
    batch_size: usize,
    /// Batches of an epoch that are used.
    steps: usize,
    /// Batches in a portion, but for the last one of an epoch.
    per_portion: usize,
    first_epoch: u64,
    /// The portion that comes next, and where its batches come from.
    next: Mutex<Option<(usize, Pull<'a>)>>,
}

impl<'a> Filling<'a> {
    /// Epochs of so many steps, from this one on, in portions of a multiple of so many batches.
    pub(super) fn new(
        source: &'a dyn BatchSource,
        program: &Program,
        batch_size: usize,
        steps: usize,
        first_epoch: u64,
        together: usize,
    ) -> Self {
        let width: usize = program.fields.iter().map(|field| field.dims.iter().product::<usize>()).sum();
        let per_portion = (portion_floats() / batch_size.saturating_mul(width).max(1)).max(1);
        let per_portion = multiple(per_portion, together, steps);
        Filling { source, batch_size, steps, per_portion, first_epoch, next: Mutex::default() }
    }

    pub(super) fn per_portion(&self) -> usize {
        self.per_portion
    }

    /// Portions of an epoch.
    pub(super) fn portions(&self) -> usize {
        self.steps.div_ceil(self.per_portion)
    }

    /// Fills the portion of this number, counted over all epochs; in order, if it is to be quick.
    pub(super) fn fill(&self, number: usize, portion: &mut Portion) -> Result<()> {
        let (epoch, first) = (number / self.portions(), number % self.portions() * self.per_portion);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pull = match next.take() {
            Some((there, pull)) if there == number && first > 0 => pull,
            _ => {
                let mut pull = self.source.pull(self.first_epoch + epoch as u64);
                for batch in 0..first {
                    self.one(&mut pull, epoch, batch, &mut |_| Ok(()))?;
                }
                pull
            }
        };
        portion.samples = 0;
        portion.fields.iter_mut().for_each(Vec::clear);
        for batch in first..self.steps.min(first + self.per_portion) {
            self.one(&mut pull, epoch, batch, &mut |set| {
                if set.len() != self.batch_size {
                    let (found, wanted) = (set.len(), self.batch_size);
                    return Err(Error::Data(format!(
                        "batch {} of its epoch has {found} samples, but batch_size is {wanted}",
                        batch + 1
                    )));
                }
                let columns = set.columns();
                portion.fields.resize_with(columns.fields.len(), Vec::new);
                portion.fields.iter_mut().zip(columns.fields).for_each(|(all, new)| all.extend_from_slice(new));
                portion.samples += set.len();
                Ok(())
            })?;
        }
        *next = Some((number + 1, pull));
        Ok(())
    }

    /// Takes one batch.
    fn one(
        &self,
        pull: &mut Pull<'_>,
        epoch: usize,
        batch: usize,
        take: &mut dyn FnMut(&DataSet) -> Result<()>,
    ) -> Result<()> {
        if pull(take)? {
            return Ok(());
        }
        Err(Error::Data(format!(
            "the batches of epoch {} ended after {batch} of {}",
            self.first_epoch + epoch as u64 + 1,
            self.steps
        )))
    }
}
