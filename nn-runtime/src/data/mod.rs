//! Data: samples in memory or in files, typed where the user hands them over, flat and checked behind that.
//!
//! # One field, all fields
//!
//! The samples of *one field* (an input or a target) are a [`Column`] of typed arrays in memory, or
//! [`Samples`] that are read when they are needed. Readers make `Samples`; so does everything that implements [`Source`].
//! The samples of *all fields* are one of the two types that the macro generates for a network `Digits`: `DigitsData` holds
//! them in memory, `DigitsStream` reads them while they are needed, for sets larger than memory and for images that look
//! different in each epoch. Both are made of one argument for each field, arrays or `Samples`, and both are what `fit`,
//! `evaluate` and `validation_data` take.
//!
//! ```text
//! use nn::data::{Augment, Normalization, idx};
//!
//! let train = idx::train("mnist")?;                       // images and labels, plain or gzipped files
//! let test  = idx::test("mnist")?;
//!
//! // Either in memory:
//! net.fit(&DigitsData::new(train.images, train.labels)?, Fit::default().epochs(5))?;
//!
//! // Or as a stream: read, augmented and normalized by threads of its own, beside the training.
//! let seen   = Normalization::learn(&train.images)?;      // of the training part alone
//! let images = train.images.augmented(&Augment::new().shift(2).rotate(10.0))?.normalized(&seen)?;
//! let train  = DigitsStream::new(images, train.labels)?;
//! let test   = DigitsStream::new(test.images.normalized(&seen)?, test.labels)?;
//! net.fit(&train, Fit::default().epochs(5).validation_data(&test))?;
//! ```
//!
//! # What is promised
//!
//! - A file is checked before anything of it is used: what is truncated, mislabelled, empty or of another size is an
//!   error with the file, the record, what was expected and what was found. Image files are decoded when they are read;
//!   [`Samples::check`] reads everything once, before a long run.
//! - Shapes and numbers of classes are checked against the network's fields where `…Data` or `…Stream` is made. Axes of length 1
//!   make no difference, so that images of shape `[28, 28]` fit a field `[1, 28, 28]`; flat samples fit every shape of their
//!   size.
//! - What is random about a sample is a function of the network's seed, the epoch and the sample's number. So neither the
//!   number of threads nor the machine changes what a network sees, and a stream gives the losses that the same data
//!   in memory gives, bit for bit.
//! - Reading ahead takes bounded memory: see [`Fit::workers`](crate::Fit::workers).
//!
//! # The files
//!
//! From the user's side inwards: `column` and `row` are typed samples, `set` and `stream` all fields of them; `samples` is one
//! field, made of a `source`, with `normalize` and `augment` on its way; `ahead` reads portions beside the training.

mod ahead;
mod augment;
pub mod cifar;
mod column;
#[cfg(feature = "csv")]
pub mod csv;
mod file;
pub mod idx;
#[cfg(feature = "images")]
pub mod images;
mod labelled;
mod normalize;
#[cfg(feature = "npy")]
pub mod npy;
mod records;
mod row;
mod samples;
mod set;
mod source;
mod stream;
#[cfg(test)]
mod testing;

pub use augment::Augment;
pub use column::{Column, IntoColumn};
pub use labelled::Labelled;
pub use normalize::Normalization;
pub use row::Row;
pub use samples::Samples;
pub use source::{Draw, Kind, Source};

pub(crate) use ahead::{Ahead, Portion, ahead};
pub(crate) use set::check_weights;
#[doc(hidden)]
pub use set::{DataSet, Input, classes, floats, room, rows, rows_mut};
#[doc(hidden)]
pub use stream::Stream;
pub(crate) use stream::{Passes, Training, multiple, order, portion_floats};

#[cfg(test)]
mod tests;
