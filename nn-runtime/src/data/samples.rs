//! Samples of one field, and what can be done to them before a network sees them. Nothing is read until it is needed.

use std::fmt;
use std::ops::{Range, RangeBounds};
use std::sync::Arc;

use rayon::prelude::*;

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

/// What a source made of another one shares with it.
macro_rules! as_in {
    ($field:ident) => {
        fn name(&self) -> String {
            self.$field.name()
        }
        fn samples(&self) -> usize {
            self.$field.len()
        }
        fn place(&self, sample: usize) -> String {
            self.$field.place(sample)
        }
    };
}
pub(super) use as_in;

/// Numbers in memory.
struct Memory {
    name: String,
    dims: Vec<usize>,
    kind: Kind,
    values: Vec<f32>,
}

impl Memory {
    fn samples(name: &str, dims: Vec<usize>, kind: Kind, values: Vec<f32>) -> Result<Samples> {
        match size(&dims) {
            Some(width) if width > 0 && values.len().is_multiple_of(width) => {
                Ok(Samples::new(Memory { name: name.to_owned(), dims, kind, values }))
            }
            _ => {
                let expected =
                    format!("a whole number of samples of shape {dims:?}, with {} numbers each", product(&dims));
                Err(wrong(name, expected, format!("{} numbers", values.len())))
            }
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers in memory", self.values.len())
    }
}

impl Source for Memory {
    fn name(&self) -> String {
        self.name.clone()
    }
    fn samples(&self) -> usize {
        self.values.len() / self.dims.iter().product::<usize>()
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        values.copy_from_slice(&self.values[sample * values.len()..][..values.len()]);
        Ok(())
    }
}

/// Some of the samples, or all in another order.
#[derive(Debug)]
struct Selection {
    of: Samples,
    numbers: Numbers,
}

#[derive(Debug)]
enum Numbers {
    Range(Range<usize>),
    Listed(Vec<usize>),
}

impl Selection {
    fn number(&self, sample: usize) -> usize {
        match &self.numbers {
            Numbers::Range(range) => range.start + sample,
            Numbers::Listed(numbers) => numbers[sample],
        }
    }
}

impl Source for Selection {
    fn name(&self) -> String {
        self.of.name()
    }
    fn samples(&self) -> usize {
        match &self.numbers {
            Numbers::Range(range) => range.len(),
            Numbers::Listed(numbers) => numbers.len(),
        }
    }
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn place(&self, sample: usize) -> String {
        self.of.place(self.number(sample))
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.0.read(self.number(sample), draw, values)
    }
}

/// Other dimensions.
#[derive(Debug)]
struct Reshaped {
    of: Samples,
    dims: Vec<usize>,
}

impl Source for Reshaped {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.0.read(sample, draw, values)
    }
}

/// A user's function.
struct Mapped {
    of: Samples,
    change: Change,
}

type Change = Box<dyn Fn(&mut [f32], Draw) + Send + Sync>;

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a function of {:?}", self.of)
    }
}

impl Source for Mapped {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.read_into(sample, draw, values)?;
        (self.change)(values, draw);
        Ok(())
    }
}

/// Classes as vectors.
#[derive(Debug)]
struct OneHot {
    of: Samples,
    classes: usize,
    dims: Vec<usize>,
}

impl Source for OneHot {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        let mut classes = vec![0.0; self.of.width()];
        self.of.read_into(sample, draw, &mut classes)?;
        values.fill(0.0);
        for (vector, class) in values.chunks_exact_mut(self.classes).zip(classes) {
            if let Some(place) = vector.get_mut(class as usize) {
                *place = 1.0;
            }
        }
        Ok(())
    }
}

/// Numbers side by side.
#[derive(Debug)]
struct Joined {
    parts: [Samples; 2],
    dims: Vec<usize>,
}

impl Source for Joined {
    fn name(&self) -> String {
        self.parts[0].name()
    }
    fn samples(&self) -> usize {
        self.parts[0].len()
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn place(&self, sample: usize) -> String {
        self.parts[0].place(sample)
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        let (first, second) = values.split_at_mut(self.parts[0].width());
        self.parts[0].read_into(sample, draw, first)?;
        self.parts[1].read_into(sample, draw, second)
    }
}

/// Classes whose number a field has declared.
#[derive(Debug)]
struct Declared {
    of: Samples,
    classes: usize,
}

impl Source for Declared {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn kind(&self) -> Kind {
        Kind::Classes(self.classes)
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.0.read(sample, draw, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::says;

    fn counted(samples: usize, dims: &[usize]) -> Samples {
        let width = dims.iter().product::<usize>();
        Samples::numbers(dims, (0..samples * width).map(|i| i as f32).collect::<Vec<_>>()).unwrap()
    }

    fn field(dims: &'static [usize], classes: Option<usize>) -> Field {
        Field { name: "image", dims, classes }
    }

    #[test]
    fn parts_and_orders_say_where_their_samples_are_from() {
        let all = counted(10, &[2]);
        let (front, back) = all.split_at(7);
        assert_eq!((front.len(), back.len()), (7, 3));
        assert_eq!(back.read(1).unwrap(), [16.0, 17.0]);
        assert_eq!(back.slice(1..).place(1), "numbers in memory, record 9");
        assert!(all.slice(20..).is_empty() && all.split_at(99).1.is_empty());
        let (a, b) = (all.shuffled(3), counted(10, &[]).shuffled(3));
        for i in 0..10 {
            assert_eq!(a.read(i).unwrap()[0], 2.0 * b.read(i).unwrap()[0], "the same seed is the same order");
        }
        let mut order = b.read_all().unwrap();
        assert!(order != counted(10, &[]).read_all().unwrap() && order != all.shuffled(4).read_all().unwrap());
        order.sort_by(f32::total_cmp);
        assert_eq!(order, counted(10, &[]).read_all().unwrap());
        says(all.read(10), &["sample 10", "found 10 samples"]);
        assert_eq!(all.shuffled(3).place(10), "numbers in memory, which has no record 10");
    }

    #[test]
    fn classes_become_vectors() {
        let labels = Samples::classes(3, &[2, 0]).unwrap();
        assert_eq!(labels.one_hot(3).unwrap().read_all().unwrap(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        says(labels.one_hot(4), &["expected 4 classes, found class(3)"]);
        says(counted(1, &[2]).one_hot(2), &["expected 2 classes, found numbers of shape [2]"]);
        says(Samples::classes(3, &[1, 3]), &["sample 1: expected a class from 0 to 2, found 3"]);
    }

    #[test]
    fn numbers_are_reshaped_joined_and_changed() {
        let x = counted(2, &[2, 3]);
        assert_eq!(x.reshaped([3, 2]).unwrap().dims(), [3, 2]);
        says(x.reshaped([4]), &["expected 4 numbers, as [4] has, found numbers of shape [2, 3]"]);
        says(x.reshaped([usize::MAX, 2]), &["too many"]);
        let both = counted(2, &[]).joined(&counted(2, &[2])).unwrap();
        assert_eq!(both.read_all().unwrap(), [0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
        says(counted(2, &[]).joined(&counted(3, &[])), &["2 samples in what is joined", "found 3"]);
        says(x.joined(&x), &["at most one dimension", "[2, 3]"]);
        let doubled = x.map(|values, _| values.iter_mut().for_each(|v| *v *= 2.0));
        assert_eq!(doubled.read(1).unwrap(), [12.0, 14.0, 16.0, 18.0, 20.0, 22.0]);
        assert_eq!(doubled.in_memory().unwrap().read_all().unwrap(), doubled.read_all().unwrap());
        says(Samples::numbers([2], [1.0]), &["a whole number of samples of shape [2]", "found 1 numbers"]);
        says(Samples::numbers([0], []), &["a whole number of samples"]);
    }

    #[test]
    fn axes_of_length_1_make_no_difference_and_others_do() {
        let fits = |dims: &[usize], declared: &'static [usize]| counted(1, dims).fitted(&field(declared, None)).is_ok();
        for (dims, declared) in
            [(&[2, 3][..], &[1, 2, 3][..]), (&[1, 2, 3], &[2, 3]), (&[6], &[2, 3]), (&[2, 3], &[6]), (&[], &[1])]
        {
            assert!(fits(dims, declared), "{dims:?} {declared:?}");
        }
        for (dims, declared) in [(&[3, 2][..], &[2, 3][..]), (&[5], &[6]), (&[2, 2, 3], &[4, 3])] {
            assert!(!fits(dims, declared), "{dims:?} {declared:?}");
        }
        let text = counted(1, &[32, 32]).fitted(&field(&[1, 28, 28], None)).unwrap_err().to_string();
        let expected =
            "numbers in memory: expected numbers of shape [1, 28, 28] for `image`, found numbers of shape [32, 32]";
        assert_eq!(text, expected);
    }

    #[test]
    fn classes_and_numbers_are_not_mixed_up() {
        let labels = Samples::classes(10, &[1]).unwrap();
        assert!(labels.clone().fitted(&field(&[], Some(10))).is_ok());
        says(labels.clone().fitted(&field(&[], Some(100))), &["expected class(100) for `image`, found class(10)"]);
        says(labels.fitted(&field(&[], None)), &["found class(10) (`one_hot` makes numbers of classes)"]);
        says(
            counted(1, &[]).fitted(&field(&[], Some(3))),
            &["expected class(3) for `image`, found numbers of shape []"],
        );
    }

    /// The first error is the same one whatever the threads do, and so is what is read.
    #[test]
    fn errors_come_in_the_order_of_the_samples() {
        #[derive(Debug)]
        struct Broken;
        impl Source for Broken {
            fn name(&self) -> String {
                "broken".into()
            }
            fn samples(&self) -> usize {
                10_000
            }
            fn dims(&self) -> &[usize] {
                &[]
            }
            fn kind(&self) -> Kind {
                Kind::Classes(7)
            }
            fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
                values[0] = if sample % 1000 == 777 { 7.5 } else { (sample % 7) as f32 };
                Ok(())
            }
        }
        let broken = Samples::new(Broken);
        for result in [broken.check(), broken.read_all().map(|_| ()), broken.in_memory().map(|_| ())] {
            says(result, &["broken, record 777: expected a class from 0 to 6, found 7.5"]);
        }
        assert!(broken.slice(..777).check().is_ok());
    }
}
