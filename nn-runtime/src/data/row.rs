//! The types that samples can have in the user's hands: numbers, nested arrays, flat arrays.

use std::borrow::Cow;

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
    /// The inverse of [`Element::into_floats`].
    #[doc(hidden)]
    fn from_floats(values: Vec<f32>) -> Vec<Self> {
        values.into_iter().map(Self::from_float).collect()
    }
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

    fn from_floats(values: Vec<f32>) -> Vec<Self> {
        values
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
    /// The same, to be written.
    #[doc(hidden)]
    fn flat_mut(rows: &mut [Self]) -> &mut [T];
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
            fn flat_mut(rows: &mut [Self]) -> &mut [T] {
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
    fn flat_mut(rows: &mut [Self]) -> &mut [T] {
        rows.as_flattened_mut()
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
    ([$($dim:ident)+] $array:ty; $($flat:ident)+; $($written:ident)+; $($owned:ident)+; $($chunks:ident)+) => {
        impl<T: Element, const N: usize, $(const $dim: usize),+> Row<T, N, $array> for $array {
            fn flat(rows: &[Self]) -> &[T] {
                rows$(.$flat())+
            }
            fn flat_mut(rows: &mut [Self]) -> &mut [T] {
                rows$(.$written())+
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
nested_row!([A B] [[T; A]; B];
    as_flattened as_flattened;
    as_flattened_mut as_flattened_mut;
    into_flattened into_flattened;
    as_chunks as_chunks);
nested_row!([A B C] [[[T; A]; B]; C];
    as_flattened as_flattened as_flattened;
    as_flattened_mut as_flattened_mut as_flattened_mut;
    into_flattened into_flattened into_flattened;
    as_chunks as_chunks as_chunks);
nested_row!([A B C D] [[[[T; A]; B]; C]; D];
    as_flattened as_flattened as_flattened as_flattened;
    as_flattened_mut as_flattened_mut as_flattened_mut as_flattened_mut;
    into_flattened into_flattened into_flattened into_flattened;
    as_chunks as_chunks as_chunks as_chunks);
nested_row!([A B C D E] [[[[[T; A]; B]; C]; D]; E];
    as_flattened as_flattened as_flattened as_flattened as_flattened;
    as_flattened_mut as_flattened_mut as_flattened_mut as_flattened_mut as_flattened_mut;
    into_flattened into_flattened into_flattened into_flattened into_flattened;
    as_chunks as_chunks as_chunks as_chunks as_chunks);
nested_row!([A B C D E F] [[[[[[T; A]; B]; C]; D]; E]; F];
    as_flattened as_flattened as_flattened as_flattened as_flattened as_flattened;
    as_flattened_mut as_flattened_mut as_flattened_mut as_flattened_mut as_flattened_mut as_flattened_mut;
    into_flattened into_flattened into_flattened into_flattened into_flattened into_flattened;
    as_chunks as_chunks as_chunks as_chunks as_chunks as_chunks);
