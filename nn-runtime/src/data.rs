//! Samples on the host: typed where the user hands them over, flat and checked behind that.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use crate::backend::Columns;
use crate::error::{Error, Result};
use crate::program::Field;

/// A number that fields are made of: f32, or u32 for class indices.
pub trait Element: Copy + Send + Sync + 'static {
    /// The numbers as devices see them: f32, class indices as whole numbers.
    #[doc(hidden)]
    fn floats(values: &[Self]) -> Cow<'_, [f32]>;
    /// As [`Element::floats`], of owned numbers.
    #[doc(hidden)]
    fn into_floats(values: Vec<Self>) -> Vec<f32>;
    /// The inverse of [`Element::floats`].
    #[doc(hidden)]
    fn from_float(value: f32) -> Self;
    /// From four bytes, little-endian.
    #[doc(hidden)]
    fn from_bytes(bytes: [u8; 4]) -> Self;
    /// The class that this number says, if it is a class.
    #[doc(hidden)]
    fn class(self) -> Option<u32>;
}

impl Element for f32 {
    fn floats(values: &[Self]) -> Cow<'_, [f32]> {
        Cow::Borrowed(values)
    }

    fn into_floats(values: Vec<Self>) -> Vec<f32> {
        values
    }

    fn from_float(value: f32) -> Self {
        value
    }

    fn from_bytes(bytes: [u8; 4]) -> Self {
        f32::from_le_bytes(bytes)
    }

    fn class(self) -> Option<u32> {
        None
    }
}

impl Element for u32 {
    fn floats(values: &[Self]) -> Cow<'_, [f32]> {
        Cow::Owned(values.iter().map(|&v| v as f32).collect())
    }

    fn into_floats(values: Vec<Self>) -> Vec<f32> {
        values.into_iter().map(|v| v as f32).collect()
    }

    fn from_float(value: f32) -> Self {
        value as u32
    }

    fn from_bytes(bytes: [u8; 4]) -> Self {
        u32::from_le_bytes(bytes)
    }

    fn class(self) -> Option<u32> {
        Some(self)
    }
}

/// One sample of a field with `N` numbers of type `T`: the array `Nested`, or the flat `[T; N]`.
///
/// A field of shape `[1, 28, 28]` takes `[[[f32; 28]; 28]; 1]` and `[f32; 784]`, one of shape `[]` takes `f32`, one of
/// shape `[1]` takes `[f32; 1]` and `f32`, and a `class(10)` takes `u32`. Up to six dimensions nest; beyond, there is
/// only the flat form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one sample of this field, which is `{Nested}`",
    label = "a sample is `{Nested}`, or flat `[{T}; {N}]`"
)]
pub trait Row<T, const N: usize, Nested>: Copy {
    /// All numbers of all samples.
    #[doc(hidden)]
    fn flat(rows: &[Self]) -> &[T];
    /// All numbers of all samples, without a copy.
    #[doc(hidden)]
    fn into_flat(rows: Vec<Self>) -> Vec<T>;
    /// The inverse of [`Row::flat`]; an incomplete sample at the end is left out.
    #[doc(hidden)]
    fn nested(values: &[T]) -> &[Self];
}

/// The sample itself is the number.
macro_rules! scalar_row {
    ($nested:ty) => {
        impl<T: Element> Row<T, 1, $nested> for T {
            fn flat(rows: &[Self]) -> &[T] {
                rows
            }
            fn into_flat(rows: Vec<Self>) -> Vec<T> {
                rows
            }
            fn nested(values: &[T]) -> &[Self] {
                values
            }
        }
    };
}
scalar_row!(T);
scalar_row!([T; 1]);

impl<T: Element, Nested, const N: usize> Row<T, N, Nested> for [T; N] {
    fn flat(rows: &[Self]) -> &[T] {
        rows.as_flattened()
    }
    fn into_flat(rows: Vec<Self>) -> Vec<T> {
        rows.into_flattened()
    }
    fn nested(values: &[T]) -> &[Self] {
        values.as_chunks().0
    }
}

/// A nested array: its dimensions from the innermost to the outermost, and one repetition for each level.
macro_rules! nested_row {
    ([$($dim:ident)+] $array:ty; $($flat:ident)+; $($owned:ident)+; $($chunks:ident)+) => {
        impl<T: Element, const N: usize, $(const $dim: usize),+> Row<T, N, $array> for $array {
            fn flat(rows: &[Self]) -> &[T] {
                rows$(.$flat())+
            }
            fn into_flat(rows: Vec<Self>) -> Vec<T> {
                rows$(.$owned())+
            }
            fn nested(values: &[T]) -> &[Self] {
                values$(.$chunks().0)+
            }
        }
    };
}
nested_row!([A B] [[T; A]; B]; as_flattened as_flattened; into_flattened into_flattened; as_chunks as_chunks);
nested_row!([A B C] [[[T; A]; B]; C]; as_flattened as_flattened as_flattened;
    into_flattened into_flattened into_flattened; as_chunks as_chunks as_chunks);
nested_row!([A B C D] [[[[T; A]; B]; C]; D]; as_flattened as_flattened as_flattened as_flattened;
    into_flattened into_flattened into_flattened into_flattened; as_chunks as_chunks as_chunks as_chunks);
nested_row!([A B C D E] [[[[[T; A]; B]; C]; D]; E]; as_flattened as_flattened as_flattened as_flattened as_flattened;
    into_flattened into_flattened into_flattened into_flattened into_flattened;
    as_chunks as_chunks as_chunks as_chunks as_chunks);
nested_row!([A B C D E F] [[[[[[T; A]; B]; C]; D]; E]; F];
    as_flattened as_flattened as_flattened as_flattened as_flattened as_flattened;
    into_flattened into_flattened into_flattened into_flattened into_flattened into_flattened;
    as_chunks as_chunks as_chunks as_chunks as_chunks as_chunks);

/// All samples of one field, flat: `N` numbers of type `T` for each sample, row-major.
///
/// Typed arrays turn into columns by themselves ([`IntoColumn`]). Flat numbers are checked here:
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// # use nn_runtime::Column;
/// // The shape comes from where the column is used.
/// let image: Column<f32, 4, [[f32; 2]; 2]> = Column::from_flat(vec![0.0; 8])?;
/// assert_eq!(image.len(), 2);
/// assert!(Column::<f32, 4, [[f32; 2]; 2]>::from_flat(vec![0.0; 7]).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct Column<T, const N: usize, Nested> {
    values: Vec<T>,
    nested: PhantomData<fn() -> Nested>,
}

impl<T: Element, const N: usize, Nested> Column<T, N, Nested> {
    /// From numbers one after another, `N` for each sample.
    ///
    /// # Errors
    /// If they are no whole number of samples.
    pub fn from_flat(values: impl Into<Vec<T>>) -> Result<Self> {
        let values = values.into();
        if N == 0 || values.len() % N != 0 {
            return Err(Error::Data(format!(
                "{} numbers are no whole number of samples: one sample has {N}, and {} are left over",
                values.len(),
                values.len().checked_rem(N).unwrap_or_default(),
            )));
        }
        Ok(Column { values, nested: PhantomData })
    }

    /// From everything that the reader gives: four bytes for each number, little-endian.
    ///
    /// # Errors
    /// If reading fails, or if the bytes are no whole number of samples.
    pub fn from_reader(mut reader: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|e| Error::Data(format!("the data cannot be read: {e}")))?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Error::Data(format!(
                "{} bytes are no whole number of f32 or u32: {} are left over",
                bytes.len(),
                rest.len()
            )));
        }
        Self::from_flat(numbers.iter().map(|&b| T::from_bytes(b)).collect::<Vec<_>>())
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(N).unwrap_or_default()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<const N: usize, Nested> Column<f32, N, Nested> {
    /// From bytes, each times `scale`: pixels with 1/255.
    ///
    /// # Errors
    /// If they are no whole number of samples.
    pub fn from_u8(bytes: &[u8], scale: f32) -> Result<Self> {
        Self::from_flat(bytes.iter().map(|&b| f32::from(b) * scale).collect::<Vec<_>>())
    }
}

/// Says how many samples there are, not their numbers.
impl<T, const N: usize, Nested> fmt::Debug for Column<T, N, Nested> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({} numbers, {N} for each sample)", self.values.len())
    }
}

/// What the samples of a field can be made of: a `Vec`, slice, boxed slice or array of [`Row`]s, or a [`Column`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold samples of this field, which are `{Nested}`",
    label = "expected `Vec<{Nested}>`, a slice of them, or an `nn::Column`"
)]
pub trait IntoColumn<T, const N: usize, Nested> {
    /// The samples, flat.
    fn into_column(self) -> Column<T, N, Nested>;
}

impl<T, const N: usize, Nested> IntoColumn<T, N, Nested> for Column<T, N, Nested> {
    fn into_column(self) -> Column<T, N, Nested> {
        self
    }
}

impl<T, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for Vec<R> {
    fn into_column(self) -> Column<T, N, Nested> {
        Column { values: R::into_flat(self), nested: PhantomData }
    }
}

impl<T, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for Box<[R]> {
    fn into_column(self) -> Column<T, N, Nested> {
        self.into_vec().into_column()
    }
}

impl<T: Clone, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for &[R] {
    fn into_column(self) -> Column<T, N, Nested> {
        Column { values: R::flat(self).to_vec(), nested: PhantomData }
    }
}

impl<T: Clone, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for &Vec<R> {
    fn into_column(self) -> Column<T, N, Nested> {
        self.as_slice().into_column()
    }
}

impl<T: Clone, const N: usize, const L: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for &[R; L] {
    fn into_column(self) -> Column<T, N, Nested> {
        self.as_slice().into_column()
    }
}

impl<T, const N: usize, const L: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for [R; L] {
    fn into_column(self) -> Column<T, N, Nested> {
        Vec::from(self).into_column()
    }
}

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
        Ok(Columns { fields: inputs.iter().map(|i| &*i.values).collect(), samples })
    }
}

fn unequal(first: &Field, expected: usize, field: &Field, found: usize) -> Error {
    Error::Data(format!(
        "`{}` has {expected} samples, but `{}` has {found}: each sample needs one of both",
        first.name, field.name
    ))
}

fn out_of_range(field: &Field, position: usize, value: u32, classes: usize) -> Error {
    let size = field.dims.iter().product::<usize>().max(1);
    let place = match field.dims {
        [] => String::new(),
        _ => format!(", element {}", position % size),
    };
    Error::Data(format!(
        "`{}` of sample {}{place} is {value}, but its {classes} classes are numbered 0 to {}",
        field.name,
        position / size,
        classes.saturating_sub(1),
    ))
}

/// A data set: the samples of every field of a network. The generated `…Data` types are typed views of it.
#[derive(Clone)]
pub struct DataSet {
    fields: &'static [Field],
    values: Vec<Vec<f32>>,
    samples: usize,
}

impl DataSet {
    /// No samples yet; [`DataSet::with`] adds the fields, in order.
    pub fn new(fields: &'static [Field]) -> Self {
        DataSet { fields, values: Vec::with_capacity(fields.len()), samples: 0 }
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
        Ok(DataSet { fields, values, samples })
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
        let column = column.into_column();
        let Some(field) = self.fields.get(self.values.len()) else { return Ok(self) };
        if self.values.is_empty() {
            self.samples = column.len();
        } else if column.len() != self.samples {
            return Err(unequal(&self.fields[0], self.samples, field, column.len()));
        }
        if let Some(classes) = field.classes {
            let wrong = column.values.iter().position(|v| v.class().is_some_and(|c| c as usize >= classes));
            if let Some(at) = wrong {
                let class = column.values[at].class().unwrap_or_default();
                return Err(out_of_range(field, at, class, classes));
            }
        }
        self.values.push(T::into_floats(column.values));
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
        let start = match range.start_bound() {
            Bound::Included(&n) => n,
            Bound::Excluded(&n) => n.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&n) => n.saturating_add(1),
            Bound::Excluded(&n) => n,
            Bound::Unbounded => self.samples,
        };
        let end = end.min(self.samples);
        let part = self.columns().slice(start.min(end), end);
        DataSet { fields: self.fields, values: part.fields.iter().map(|f| f.to_vec()).collect(), samples: part.samples }
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

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Field = Field { name: "image", dims: &[2, 3], classes: None };
    const LABEL: Field = Field { name: "label", dims: &[], classes: Some(10) };
    const TOKENS: Field = Field { name: "tokens", dims: &[2], classes: Some(5) };

    type Image = [[f32; 3]; 2];

    fn digits(images: &[Image], labels: &[u32]) -> Result<DataSet> {
        DataSet::new(&[IMAGE, LABEL]).with::<f32, 6, Image>(images)?.with::<u32, 1, u32>(labels)
    }

    #[test]
    fn nested_and_flat_samples_are_the_same() {
        let nested = vec![[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]; 2];
        let flat = vec![[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]; 2];
        let a: Column<f32, 6, Image> = nested.clone().into_column();
        let b: Column<f32, 6, Image> = flat.into_column();
        assert_eq!(a, b);
        assert_eq!(<Image as Row<f32, 6, Image>>::nested(&a.values), &nested[..]);
    }

    #[test]
    fn a_vector_becomes_a_column_without_a_copy() {
        let rows = vec![[0.5f32; 6]; 3];
        let address = rows.as_ptr().cast::<f32>();
        let column: Column<f32, 6, Image> = rows.into_column();
        assert_eq!(column.values.as_ptr(), address);
    }

    #[test]
    fn every_source_gives_the_same_column() {
        let rows = [[1.0f32, 2.0], [3.0, 4.0]];
        let expected: Column<f32, 2, [f32; 2]> = Column::from_flat([1.0, 2.0, 3.0, 4.0]).unwrap();
        let bytes: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let columns: [Column<f32, 2, [f32; 2]>; 8] = [
            rows.into_column(),
            rows.to_vec().into_column(),
            (&rows).into_column(),
            rows.as_slice().into_column(),
            (&rows.to_vec()).into_column(),
            Box::<[[f32; 2]]>::from(rows).into_column(),
            Column::from_reader(&bytes[..]).unwrap(),
            Column::from_u8(&[2, 4, 6, 8], 0.5).unwrap(),
        ];
        assert!(columns.iter().all(|c| *c == expected && c.len() == 2));
    }

    #[test]
    fn six_dimensions_nest() {
        type Deep = [[[[[[f32; 1]; 2]; 1]; 3]; 1]; 2];
        let values: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let rows = <Deep as Row<f32, 12, Deep>>::nested(&values);
        assert_eq!((rows.len(), rows[1][1][0][2][0][1][0]), (2, 23.0));
        assert_eq!(<Deep as Row<f32, 12, Deep>>::flat(rows), &values[..]);
    }

    #[test]
    fn incomplete_samples_are_refused() {
        let error = Column::<f32, 6, Image>::from_flat(vec![0.0; 13]).unwrap_err().to_string();
        assert_eq!(error, "13 numbers are no whole number of samples: one sample has 6, and 1 are left over");
        let error = Column::<u32, 1, u32>::from_reader(&[0u8; 6][..]).unwrap_err().to_string();
        assert_eq!(error, "6 bytes are no whole number of f32 or u32: 2 are left over");
    }

    #[test]
    fn unequal_lengths_are_refused() {
        let error = digits(&[[[0.0; 3]; 2]; 3], &[0, 1]).unwrap_err().to_string();
        assert_eq!(error, "`image` has 3 samples, but `label` has 2: each sample needs one of both");
    }

    #[test]
    fn classes_are_checked_with_field_sample_and_bound() {
        let error = digits(&[[[0.0; 3]; 2]; 3], &[0, 9, 10]).unwrap_err().to_string();
        assert_eq!(error, "`label` of sample 2 is 10, but its 10 classes are numbered 0 to 9");
        let error = DataSet::new(&[TOKENS]).with::<u32, 2, [u32; 2]>(vec![[1, 2], [3, u32::MAX]]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`tokens` of sample 1, element 1 is 4294967295, but its 5 classes are numbered 0 to 4"
        );
    }

    #[test]
    fn inputs_of_predict_are_checked_too() {
        let fields = [TOKENS, LABEL];
        let inputs = [rows::<u32, 2, [u32; 2], _>(&[[0u32, 7]]), rows::<u32, 1, u32, _>(&[3u32])];
        let error = Input::check(&inputs, &fields).unwrap_err().to_string();
        assert_eq!(error, "`tokens` of sample 0, element 1 is 7, but its 5 classes are numbered 0 to 4");
        let inputs = [rows::<u32, 2, [u32; 2], _>(&[[0u32, 4]; 2]), rows::<u32, 1, u32, _>(&[3u32])];
        let error = Input::check(&inputs, &fields).unwrap_err().to_string();
        assert_eq!(error, "`tokens` has 2 samples, but `label` has 1: each sample needs one of both");
    }

    #[test]
    fn parts_hold_their_samples_and_never_panic() {
        let images: Vec<Image> = (0..5).map(|i| [[i as f32; 3]; 2]).collect();
        let data = digits(&images, &[0, 1, 2, 3, 4]).unwrap();
        let (front, back) = data.split_at(2);
        assert_eq!(front.classes::<1, u32>(1), [0, 1]);
        assert_eq!(back.floats::<6, Image>(0), &images[2..]);
        assert_eq!(data.slice(1..=2).classes::<1, u32>(1), [1, 2]);
        let (all, none) = data.split_at(9);
        assert_eq!((all.len(), none.len()), (5, 0));
        #[allow(clippy::reversed_empty_ranges)]
        let reversed = data.slice(4..2);
        assert!(reversed.is_empty());
    }
}
