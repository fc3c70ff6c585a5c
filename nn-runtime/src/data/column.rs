//! All samples of one field, in memory: what users hand over becomes a [`Column`].

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

use super::row::{Element, Row};
use super::samples::Samples;
use crate::error::{Error, Result};
use crate::program::Field;

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
    pub(super) values: Vec<T>,
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

impl<T: Element, const N: usize, Nested> Column<T, N, Nested> {
    /// The numbers, if all class indices are in the field's range.
    pub(super) fn checked(self, field: &Field) -> Result<Vec<T>> {
        let Some(classes) = field.classes else { return Ok(self.values) };
        match self.values.iter().position(|v| v.class().is_some_and(|c| c as usize >= classes)) {
            Some(at) => Err(out_of_range(field, at, self.values[at].class().unwrap_or_default(), classes)),
            None => Ok(self.values),
        }
    }
}

/// A class index that is none of the field's classes; `position` counts all numbers of all samples.
pub(super) fn out_of_range(field: &Field, position: usize, value: u32, classes: usize) -> Error {
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

/// Says how many samples there are, not their numbers.
impl<T, const N: usize, Nested> fmt::Debug for Column<T, N, Nested> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({} numbers, {N} for each sample)", self.values.len())
    }
}

/// What the samples of a field can be made of: a `Vec`, slice, boxed slice or array of [`Row`]s, a [`Column`], or
/// [`Samples`] that are read from files.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold samples of this field, which are `{Nested}`",
    label = "expected `Vec<{Nested}>`, a slice of them, an `nn::Column`, or `nn::data::Samples`"
)]
pub trait IntoColumn<T: Element, const N: usize, Nested>: Sized {
    /// The samples, flat, in memory.
    ///
    /// # Errors
    /// If samples from files do not fit the field, or if reading them fails.
    #[doc(hidden)]
    fn into_column(self, field: &Field) -> Result<Column<T, N, Nested>>;

    /// The samples, to be read one after another.
    ///
    /// # Errors
    /// If samples from files do not fit the field, or if a class index is out of range.
    #[doc(hidden)]
    fn into_samples(self, field: &Field) -> Result<Samples> {
        let values = self.into_column(field)?.checked(field)?;
        Samples::in_memory_of(field, T::into_floats(values))
    }
}

impl<T: Element, const N: usize, Nested> IntoColumn<T, N, Nested> for Column<T, N, Nested> {
    fn into_column(self, _: &Field) -> Result<Column<T, N, Nested>> {
        Ok(self)
    }
}

impl<T: Element, const N: usize, Nested> IntoColumn<T, N, Nested> for Samples {
    fn into_column(self, field: &Field) -> Result<Column<T, N, Nested>> {
        Column::from_flat(T::from_floats(self.fitted(field)?.read_all()?))
    }

    fn into_samples(self, field: &Field) -> Result<Samples> {
        self.fitted(field)
    }
}

impl<T: Element, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for Vec<R> {
    fn into_column(self, _: &Field) -> Result<Column<T, N, Nested>> {
        Ok(Column { values: R::into_flat(self), nested: PhantomData })
    }
}

impl<T: Element, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for Box<[R]> {
    fn into_column(self, field: &Field) -> Result<Column<T, N, Nested>> {
        self.into_vec().into_column(field)
    }
}

impl<T: Element, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for &[R] {
    fn into_column(self, _: &Field) -> Result<Column<T, N, Nested>> {
        Ok(Column { values: R::flat(self).to_vec(), nested: PhantomData })
    }
}

impl<T: Element, const N: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for &Vec<R> {
    fn into_column(self, field: &Field) -> Result<Column<T, N, Nested>> {
        self.as_slice().into_column(field)
    }
}

impl<T: Element, const N: usize, const L: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for &[R; L] {
    fn into_column(self, field: &Field) -> Result<Column<T, N, Nested>> {
        self.as_slice().into_column(field)
    }
}

impl<T: Element, const N: usize, const L: usize, Nested, R: Row<T, N, Nested>> IntoColumn<T, N, Nested> for [R; L] {
    fn into_column(self, field: &Field) -> Result<Column<T, N, Nested>> {
        Vec::from(self).into_column(field)
    }
}
