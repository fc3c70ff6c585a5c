//! Samples of one field, and what can be done to them before a network sees them. Nothing is read until it is needed.

mod sources;

use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;

use rayon::prelude::*;

pub(super) use sources::as_in;
use sources::{Declared, Joined, Mapped, Memory, Numbers, OneHot, Reshaped, Selection};

use super::augment::{Augment, Augmented};
use super::normalize::{Normalization, Normalized};
use super::set::within;
use super::source::{Draw, Kind, Source, wrong};
use crate::error::{Error, Result};
use crate::program::Field;
use crate::shuffle::shuffle;

/// Samples of one field: numbers or classes, in a file or in memory. Cloning is cheap.
///
/// The readers of this module make them, and the generated data types take them, in the place of arrays. What is done to
/// them here happens when a sample is read.
#[derive(Clone)]
pub struct Samples(Arc<dyn Source>);

impl Samples {
    /// Samples that come from there.
    pub fn new(source: impl Source + 'static) -> Self {
        Samples(Arc::new(source))
    }

    /// Numbers in memory: samples of these dimensions, one after another.
    ///
    /// # Errors
    /// If they are no whole number of samples.
    pub fn numbers(dims: impl Into<Vec<usize>>, values: impl Into<Vec<f32>>) -> Result<Self> {
        Memory::samples("numbers in memory", dims.into(), Kind::Numbers, values.into())
    }

    /// Class indices in memory, one for each sample.
    ///
    /// # Errors
    /// If one of them is not below `classes`.
    pub fn classes(classes: usize, indices: &[u32]) -> Result<Self> {
        if let Some(at) = indices.iter().position(|&c| c as usize >= classes) {
            return Err(wrong(format!("sample {at}"), one_of(classes), indices[at]));
        }
        let values = indices.iter().map(|&c| c as f32).collect();
        Memory::samples("classes in memory", vec![], Kind::Classes(classes), values)
    }

    /// Numbers in memory that are known to fit a field.
    pub(super) fn in_memory_of(field: &Field, values: Vec<f32>) -> Result<Self> {
        let kind = field.classes.map_or(Kind::Numbers, Kind::Classes);
        Memory::samples(field.name, field.dims.to_vec(), kind, values)
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.0.samples()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dimensions of one sample.
    pub fn dims(&self) -> &[usize] {
        self.0.dims()
    }

    /// What the numbers are.
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// Where they come from: the path of a file.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Where a sample comes from: the file, and the record.
    pub fn place(&self, sample: usize) -> String {
        match sample < self.len() {
            true => self.0.place(sample),
            false => format!("{}, which has no record {sample}", self.name()),
        }
    }

    /// Numbers in one sample.
    pub(super) fn width(&self) -> usize {
        self.dims().iter().product()
    }

    /// One sample, without augmentation.
    ///
    /// # Errors
    /// If there is no such sample, or if it cannot be read.
    pub fn read(&self, sample: usize) -> Result<Vec<f32>> {
        if sample >= self.len() {
            return Err(wrong(self.name(), format!("sample {sample}"), format!("{} samples", self.len())));
        }
        let mut values = vec![0.0; self.width()];
        self.read_into(sample, Draw::NONE, &mut values)?;
        Ok(values)
    }

    /// One sample; classes are checked.
    pub(super) fn read_into(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.0.read(sample, draw, values)?;
        let Kind::Classes(classes) = self.kind() else { return Ok(()) };
        let wrong_class = |&v: &f32| v < 0.0 || v >= classes as f32 || v.fract() != 0.0 || v.is_nan();
        match values.iter().copied().find(wrong_class) {
            Some(found) => Err(wrong(self.place(sample), one_of(classes), found)),
            None => Ok(()),
        }
    }

    /// All samples, one after another, without augmentation: read on all threads.
    ///
    /// # Errors
    /// If a sample cannot be read, or if there is no memory for all of them.
    pub fn read_all(&self) -> Result<Vec<f32>> {
        let width = self.width().max(1);
        let mut values = Vec::new();
        let floats = self.len().saturating_mul(width);
        let no_memory =
            |_| Error::Data(format!("{}: no memory for {floats} numbers: a stream needs less", self.name()));
        values.try_reserve_exact(floats).map_err(no_memory)?;
        values.resize(floats, 0.0);
        let read = |(sample, values): (usize, &mut [f32])| self.read_into(sample, Draw::NONE, values).err();
        let failed = match floats {
            // Not worth waking threads.
            ..4096 => values.chunks_mut(width).enumerate().find_map(read),
            _ => values.par_chunks_mut(width).enumerate().find_map_first(read),
        };
        failed.map_or(Ok(values), Err)
    }

    /// Reads every sample once, and gives the first error: what would otherwise show in the middle of training.
    ///
    /// # Errors
    /// If a sample cannot be read, or is not what it should be.
    pub fn check(&self) -> Result<()> {
        let read = |sample| {
            let mut values = vec![0.0; self.width()];
            self.read_into(sample, Draw::NONE, &mut values).err()
        };
        (0..self.len()).into_par_iter().find_map_first(read).map_or(Ok(()), Err)
    }

    /// Reads all samples once and keeps them in memory, as f32. What was random is not any more; augmentation belongs
    /// behind this.
    ///
    /// # Errors
    /// If a sample cannot be read.
    pub fn in_memory(&self) -> Result<Samples> {
        Memory::samples(&self.name(), self.dims().to_vec(), self.kind(), self.read_all()?)
    }

    /// The samples in the range, as far as they exist.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        Samples::new(Selection { of: self.clone(), numbers: Numbers::Range(within(range, self.len())) })
    }

    /// The first `n` samples (all, if there are fewer), and the others.
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        (self.slice(..n), self.slice(n..))
    }

    /// All samples in an order of their own; the same seed and number of samples give the same order, so that images and
    /// labels stay together.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut numbers: Vec<usize> = (0..self.len()).collect();
        shuffle(&mut numbers, seed, "samples");
        Samples::new(Selection { of: self.clone(), numbers: Numbers::Listed(numbers) })
    }

    /// The same numbers, in the same order, as samples of other dimensions.
    ///
    /// # Errors
    /// If the dimensions hold more or fewer numbers.
    pub fn reshaped(&self, dims: impl Into<Vec<usize>>) -> Result<Self> {
        let dims = dims.into();
        if size(&dims) != Some(self.width()) {
            return Err(wrong(self.name(), format!("{} numbers, as {dims:?} has", product(&dims)), self.shape()));
        }
        Ok(Samples::new(Reshaped { of: self.clone(), dims }))
    }

    /// Changes each sample in place when it is read. The [`Draw`] holds random numbers while training.
    #[must_use]
    pub fn map(&self, change: impl Fn(&mut [f32], Draw) + Send + Sync + 'static) -> Self {
        Samples::new(Mapped { of: self.clone(), change: Box::new(change) })
    }

    /// Classes as vectors with a 1 in the place of the class: a last dimension more.
    ///
    /// # Errors
    /// If these are no classes, or indices of another number of them.
    pub fn one_hot(&self, classes: usize) -> Result<Self> {
        let of = match self.kind() {
            Kind::Classes(n) if n == classes => self.clone(),
            Kind::AnyClasses => self.declared(classes, "one_hot")?,
            Kind::Classes(_) | Kind::Numbers => {
                return Err(wrong(self.name(), format!("{classes} classes"), self.shape()));
            }
        };
        let dims = self.dims().iter().copied().chain([classes]).collect();
        Ok(Samples::new(OneHot { of, classes, dims }))
    }

    /// The numbers of both, side by side in one sample.
    ///
    /// # Errors
    /// If one of them has several dimensions or holds classes, or if their numbers of samples differ.
    pub fn joined(&self, other: &Samples) -> Result<Self> {
        for part in [self, other] {
            if part.dims().len() > 1 || part.kind().is_classes() {
                return Err(wrong(part.name(), "numbers in at most one dimension, to join them", part.shape()));
            }
        }
        if self.len() != other.len() {
            let found = format!("{} in {}", other.len(), other.name());
            return Err(wrong(self.name(), format!("{} samples in what is joined", self.len()), found));
        }
        let dims = vec![self.width() + other.width()];
        Ok(Samples::new(Joined { parts: [self.clone(), other.clone()], dims }))
    }

    /// Less the mean, divided by the deviation.
    ///
    /// # Errors
    /// If these are classes, or if a sample cannot be divided evenly among the normalization's channels.
    pub fn normalized(&self, by: &Normalization) -> Result<Self> {
        let channels = by.mean().len();
        if self.kind().is_classes() || !self.width().is_multiple_of(channels) {
            return Err(wrong(self.name(), format!("numbers in {channels} channels, to normalize them"), self.shape()));
        }
        Ok(Samples::new(Normalized { of: self.clone(), by: by.clone() }))
    }

    /// Images that are shifted, flipped, cropped and rotated, otherwise in each epoch. Evaluation sees them as they
    /// are, or their middle where they are cropped.
    ///
    /// # Errors
    /// If these are no images, or too small ones.
    pub fn augmented(&self, by: &Augment) -> Result<Self> {
        Ok(Samples::new(Augmented::new(self, by)?))
    }

    /// `classes(10)`, or `numbers of shape [1, 28, 28]`.
    pub(super) fn shape(&self) -> String {
        match (self.kind(), self.dims()) {
            (Kind::Numbers, dims) => format!("numbers of shape {dims:?}"),
            (Kind::Classes(n), []) => format!("class({n})"),
            (Kind::Classes(n), dims) => format!("class({n}){dims:?}"),
            (Kind::AnyClasses, []) => "a class".into(),
            (Kind::AnyClasses, dims) => format!("classes of shape {dims:?}"),
        }
    }

    /// These samples, if they fit the field of a network; axes of length 1 make no difference, and one of the two may
    /// be flat.
    pub(super) fn fitted(self, field: &Field) -> Result<Self> {
        let refuse = |found: &dyn fmt::Display| {
            let declared = match (field.classes, field.dims) {
                (None, dims) => format!("numbers of shape {dims:?}"),
                (Some(n), []) => format!("class({n})"),
                (Some(n), dims) => format!("class({n}){dims:?}"),
            };
            Err(wrong(self.name(), format!("{declared} for `{}`", field.name), found))
        };
        let long = |dims: &[usize]| dims.iter().copied().filter(|&d| d != 1).collect::<Vec<_>>();
        let (ours, theirs) = (long(self.dims()), long(field.dims));
        let flat = ours.len().min(theirs.len()) <= 1 && size(&ours) == size(&theirs);
        if ours != theirs && !flat {
            return refuse(&self.shape());
        }
        match (self.kind(), field.classes) {
            (Kind::Numbers, None) => Ok(self),
            (Kind::Classes(n), Some(m)) if n == m => Ok(self),
            (Kind::AnyClasses, Some(m)) => self.declared(m, field.name),
            (Kind::Classes(_) | Kind::AnyClasses, None) => {
                refuse(&format!("{} (`one_hot` makes numbers of classes)", self.shape()))
            }
            _ => refuse(&self.shape()),
        }
    }

    /// These classes, of which there are so many: each is read once.
    fn declared(&self, classes: usize, what: &str) -> Result<Self> {
        let declared = Samples::new(Declared { of: self.clone(), classes });
        match declared.check() {
            Ok(()) => Ok(declared),
            Err(Error::Record { place, expected, found }) => {
                Err(Error::Record { place, expected: format!("{expected} for `{what}`"), found })
            }
            Err(error) => Err(error),
        }
    }
}

/// Says where they come from, not their numbers.
impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples, {}, of {}", self.len(), self.shape(), self.name())
    }
}

/// `a class from 0 to 9`.
fn one_of(classes: usize) -> String {
    format!("a class from 0 to {}", classes.saturating_sub(1))
}

/// How many numbers there are, where that is a number at all.
fn size(dims: &[usize]) -> Option<usize> {
    dims.iter().try_fold(1, |product: usize, &dim| product.checked_mul(dim))
}

fn product(dims: &[usize]) -> String {
    size(dims).map_or("too many".into(), |n| n.to_string())
}

#[cfg(test)]
mod tests;
