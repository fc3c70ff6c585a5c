//! The samples of all fields of a network, in memory; and those of its inputs, for one call.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Bound, Range, RangeBounds};

use super::column::{IntoColumn, out_of_range};
use super::row::{Element, Row};
use crate::backend::Columns;
use crate::error::{Error, Result};
use crate::program::Field;

/// Samples of one field for one call, borrowed where they need no conversion.
#[derive(Debug)]
pub struct Input<'a> {
    /// All numbers.
    pub(crate) values: Cow<'a, [f32]>,
    /// How many samples they are.
    pub(crate) samples: usize,
    /// The largest class index, where they are class indices.
    largest: Option<u32>,
}

/// Samples for one call, from the user's arrays.
pub fn rows<T: Element, const N: usize, Nested, R: Row<T, N, Nested>>(rows: &[R]) -> Input<'_> {
    let flat = R::flat(rows);
    Input { values: T::floats(flat), samples: rows.len(), largest: flat.iter().filter_map(|v| v.class()).max() }
}

/// Room for samples in the user's arrays.
pub fn rows_mut<const N: usize, Nested, R: Row<f32, N, Nested>>(rows: &mut [R]) -> &mut [f32] {
    R::flat_mut(rows)
}

/// Room for so many samples of numbers.
///
/// # Errors
/// If there is not so much memory.
pub fn room<const N: usize, R: Row<f32, N, R>>(samples: usize) -> Result<Vec<R>> {
    let none = |_| Error::OutOfMemory { device: "CPU".into(), what: format!("an output of {samples} samples") };
    let mut all = Vec::new();
    all.try_reserve_exact(samples).map_err(none)?;
    R::nested(&[0.0; N]).first().into_iter().for_each(|zero| all.resize(samples, *zero));
    Ok(all)
}

/// Numbers as an array for each sample.
pub fn floats<const N: usize, R: Row<f32, N, R>>(values: &[f32]) -> Vec<R> {
    R::nested(values).to_vec()
}

/// Class indices as a number or an array for each sample.
pub fn classes<const N: usize, R: Row<u32, N, R>>(values: &[f32]) -> Vec<R> {
    let values: Vec<u32> = values.iter().map(|&v| u32::from_float(v)).collect();
    R::nested(&values).to_vec()
}

impl<'a> Input<'a> {
    /// Checks samples for `predict`: as many of each input, classes in range.
    pub(crate) fn check(inputs: &'a [Input<'a>], fields: &[Field]) -> Result<Columns<'a>> {
        let samples = Input::count(inputs, fields)?;
        Ok(Columns { fields: inputs.iter().map(|i| &*i.values).collect(), samples })
    }

    /// How many samples there are, after the same checks.
    pub(crate) fn count(inputs: &[Input<'_>], fields: &[Field]) -> Result<usize> {
        let samples = inputs.first().map_or(0, |i| i.samples);
        for (input, field) in inputs.iter().zip(fields) {
            if input.samples != samples {
                return Err(unequal(&fields[0], samples, field, input.samples));
            }
            if let (Some(classes), Some(largest)) = (field.classes, input.largest)
                && largest as usize >= classes
            {
                let at = input.values.iter().position(|&v| v as usize >= classes).unwrap_or_default();
                return Err(out_of_range(field, at, input.values[at] as u32, classes));
            }
        }
        Ok(samples)
    }
}

/// Whether these can be the weights of so many samples.
pub(crate) fn check_weights(what: &str, weights: &[f32], samples: usize) -> Result<()> {
    if weights.len() != samples {
        return Err(Error::Option(format!(
            "{what} has {} numbers, but there are {samples} samples: each needs one",
            weights.len()
        )));
    }
    match weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        Some(at) => {
            Err(Error::Option(format!("{what} has {} at {at}, but a weight is at least 0 and finite", weights[at])))
        }
        None => Ok(()),
    }
}

pub(super) fn unequal(first: &Field, expected: usize, field: &Field, found: usize) -> Error {
    Error::Data(format!(
        "`{}` has {expected} samples, but `{}` has {found}: each sample needs one of both",
        first.name, field.name
    ))
}

/// The range, as far as it lies within `0..samples`; never reversed.
pub(super) fn within(range: impl RangeBounds<usize>, samples: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(&n) => n,
        Bound::Excluded(&n) => n.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&n) => n.saturating_add(1),
        Bound::Excluded(&n) => n,
        Bound::Unbounded => samples,
    };
    let end = end.min(samples);
    start.min(end)..end
}

/// A data set: the samples of every field of a network. The generated `…Data` types are typed views of it.
#[derive(Clone)]
pub struct DataSet {
    fields: &'static [Field],
    values: Vec<Vec<f32>>,
    samples: usize,
    /// How many streams lie side by side, see [`DataSet::in_streams`].
    streams: Option<usize>,
}

impl DataSet {
    /// No samples yet; [`DataSet::with`] adds the fields, in order.
    pub fn new(fields: &'static [Field]) -> Self {
        DataSet { fields, values: Vec::with_capacity(fields.len()), samples: 0, streams: None }
    }

    /// From flat numbers, one vector for each field; for callers that know the shapes only while running.
    ///
    /// # Errors
    /// If the vectors are not one for each field, or if they hold different numbers of samples.
    pub fn from_flat(fields: &'static [Field], values: Vec<Vec<f32>>) -> Result<Self> {
        let size = |f: &Field| f.dims.iter().product::<usize>().max(1);
        let samples = fields.first().zip(values.first()).map_or(0, |(f, v)| v.len() / size(f));
        if values.len() != fields.len() || fields.iter().zip(&values).any(|(f, v)| v.len() != samples * size(f)) {
            return Err(Error::Data(format!("not {samples} samples for each of {} fields", fields.len())));
        }
        Ok(DataSet { fields, values, samples, streams: None })
    }

    /// The samples of a field, as one call's input.
    pub fn input(&self, field: usize) -> Input<'_> {
        Input { values: Cow::Borrowed(&self.values[field]), samples: self.samples, largest: None }
    }

    /// Adds the next field's samples.
    ///
    /// # Errors
    /// If there are more or fewer than of the first field, or if a class index is out of range.
    pub fn with<T: Element, const N: usize, Nested>(mut self, column: impl IntoColumn<T, N, Nested>) -> Result<Self> {
        let Some(field) = self.fields.get(self.values.len()) else { return Ok(self) };
        let column = column.into_column(field)?;
        if self.values.is_empty() {
            self.samples = column.len();
        } else if column.len() != self.samples {
            return Err(unequal(&self.fields[0], self.samples, field, column.len()));
        }
        self.values.push(T::into_floats(column.checked(field)?));
        Ok(self)
    }

    /// Each sample counts 1: for networks whose last field says how much it does.
    #[must_use]
    pub fn with_ones(mut self) -> Self {
        self.values.push(vec![1.0; self.samples]);
        self
    }

    /// How much each sample counts, in the last field.
    ///
    /// # Errors
    /// If there are not as many weights as samples, or if one of them is negative, infinite or no number.
    pub fn with_weights(mut self, weights: &[f32]) -> Result<Self> {
        check_weights("sample_weights", weights, self.samples)?;
        if let Some(last) = self.values.last_mut() {
            last.copy_from_slice(weights);
        }
        Ok(self)
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The samples of a field of floats.
    pub fn floats<const N: usize, R: Row<f32, N, R>>(&self, field: usize) -> &[R] {
        R::nested(&self.values[field])
    }

    /// The samples of a field of classes.
    pub fn classes<const N: usize, R: Row<u32, N, R>>(&self, field: usize) -> Vec<R> {
        classes(&self.values[field])
    }

    /// The samples in the range, as far as they exist.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let range = within(range, self.samples);
        let part = self.columns().slice(range.start, range.end);
        // Whole batches of streams are batches of these streams.
        let streams = self.streams.filter(|n| range.start.is_multiple_of(*n) && range.len().is_multiple_of(*n));
        let values = part.fields.iter().map(|f| f.to_vec()).collect();
        DataSet { fields: self.fields, values, samples: part.samples, streams }
    }

    /// Puts a sequence of samples into the order in which a network with stateful layers takes them: it is cut into `count` streams of
    /// equal length, and each batch of `count` samples is the next one of each stream. What is left over at the end is left out.
    /// Weights of samples come along if they are there already (`…Data::with_sample_weights`); those of a run ([`Fit::sample_weights`](crate::Fit::sample_weights)) count the
    /// samples in the new order.
    ///
    /// # Errors
    /// If there are no streams, or fewer samples than streams.
    pub fn in_streams(&self, count: usize) -> Result<Self> {
        if count == 0 || count > self.samples {
            return Err(Error::Data(format!(
                "in_streams: {} samples cannot be cut into {count} streams, which need at least one each",
                self.samples
            )));
        }
        let length = self.samples / count;
        let order = (0..length).flat_map(|time| (0..count).map(move |stream| stream * length + time));
        let of_field = |values: &Vec<f32>| {
            let size = values.len() / self.samples;
            order.clone().flat_map(|sample| &values[sample * size..(sample + 1) * size]).copied().collect()
        };
        let values = self.values.iter().map(of_field).collect();
        Ok(DataSet { fields: self.fields, values, samples: length * count, streams: Some(count) })
    }

    /// How many streams lie side by side, behind [`DataSet::in_streams`].
    pub(crate) fn streams(&self) -> Option<usize> {
        self.streams
    }

    /// The first `n` samples (all, if there are fewer), and the others.
    pub fn split_at(&self, n: usize) -> (Self, Self) {
        (self.slice(..n), self.slice(n..))
    }

    /// Borrowed.
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns { fields: self.values.iter().map(Vec::as_slice).collect(), samples: self.samples }
    }
}

/// Says how many samples there are, not their numbers.
impl fmt::Debug for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|f| f.name).collect();
        write!(f, "{} samples of {}", self.samples, names.join(", "))
    }
}

impl<'a> Columns<'a> {
    /// The samples from `start` to before `end`.
    pub(crate) fn slice(&self, start: usize, end: usize) -> Columns<'a> {
        let cut = |values: &&'a [f32]| {
            let size = values.len().checked_div(self.samples).unwrap_or_default();
            &values[start * size..end * size]
        };
        Columns { fields: self.fields.iter().map(cut).collect(), samples: end - start }
    }
}
