//! What reads samples one after another: the trait, and the random numbers that a sample may draw.

use std::fmt::{Debug, Display};

use crate::error::{Error, Result};

/// Samples of one field that are read when they are needed: a file, a folder, a formula.
///
/// [`Samples::new`](super::Samples::new) makes it something that data types take. Many threads read at once, and training
/// reads ahead on threads of its own.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::data::{Draw, Samples, Source};
///
/// /// Points on a sine curve.
/// #[derive(Debug)]
/// struct Sine(usize);
///
/// impl Source for Sine {
///     fn name(&self) -> String {
///         "a sine".into()
///     }
///     fn samples(&self) -> usize {
///         self.0
///     }
///     fn dims(&self) -> &[usize] {
///         &[2]
///     }
///     fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> nn_runtime::Result<()> {
///         let x = sample as f32 / 100.0;
///         values.copy_from_slice(&[x, x.sin()]);
///         Ok(())
///     }
/// }
///
/// let points = Samples::new(Sine(1000));
/// assert_eq!(points.read(50)?, [0.5, 0.5_f32.sin()]);
/// # Ok(())
/// # }
/// ```
pub trait Source: Debug + Send + Sync {
    /// Where samples come from, as errors say it: the path of a file.
    fn name(&self) -> String;

    /// How many samples there are.
    fn samples(&self) -> usize;

    /// The dimensions of one sample.
    fn dims(&self) -> &[usize];

    /// What the numbers are.
    fn kind(&self) -> Kind {
        Kind::Numbers
    }

    /// Where a sample comes from, as errors say it: the file, and the record.
    fn place(&self, sample: usize) -> String {
        format!("{}, record {sample}", self.name())
    }

    /// Reads a sample into `values`, which has one number for each element, row-major; class indices as whole numbers.
    ///
    /// Training hands over a [`Draw`] with random numbers for this sample in this epoch; everything else is to be a
    /// function of `sample` alone.
    ///
    /// # Errors
    /// If the sample cannot be read; [`Error::Record`] says what was expected and found.
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()>;
}

/// What the numbers of a [`Source`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Numbers,
    /// Indices of this many classes.
    Classes(usize),
    /// Indices of as many classes as the network's field declares; they are all read once when they meet it.
    AnyClasses,
}

impl Kind {
    /// Whether they are class indices.
    pub fn is_classes(self) -> bool {
        self != Kind::Numbers
    }
}

/// The random numbers of one sample in one epoch: a function of the network's seed, the epoch and the sample's number, so
/// that neither the order of reading nor the number of threads changes them.
///
/// All fields of a sample draw the same numbers: an image and its mask are shifted alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw(Option<u64>);

impl Draw {
    /// No randomness: evaluation.
    pub const NONE: Draw = Draw(None);

    /// That of a sample in an epoch.
    pub(crate) fn new(seed: u64, epoch: u64, sample: usize) -> Self {
        Draw(Some(mix(mix(mix(seed).wrapping_add(epoch)).wrapping_add(sample as u64))))
    }

    /// The `n`th random number of the sample, at least 0 and less than 1; `None` where nothing is to be random.
    pub fn unit(self, n: u64) -> Option<f32> {
        let bits = mix(self.0?.wrapping_add(mix(n))) >> 40;
        Some(bits as f32 / (1 << 24) as f32)
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014), of the state after `x`.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// An error about a place in a file.
pub(super) fn wrong(place: impl Display, expected: impl Display, found: impl Display) -> Error {
    Error::Record { place: place.to_string(), expected: expected.to_string(), found: found.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_everything_and_fill_the_interval() {
        let first = |seed, epoch, sample, n| Draw::new(seed, epoch, sample).unit(n).unwrap();
        assert_eq!(first(1, 2, 3, 4), first(1, 2, 3, 4));
        for other in [first(2, 2, 3, 4), first(1, 3, 3, 4), first(1, 2, 4, 4), first(1, 2, 3, 5)] {
            assert_ne!(first(1, 2, 3, 4), other);
        }
        let values: Vec<f32> = (0..10_000).map(|i| first(7, i / 100, i as usize % 100, i % 3)).collect();
        let mean = values.iter().sum::<f32>() / 1e4;
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)) && (mean - 0.5).abs() < 0.01, "{mean}");
        assert_eq!(Draw::NONE.unit(0), None);
    }
}
