//! Normalization by mean and deviation.

use rayon::prelude::*;

use super::samples::{Samples, as_in};
use super::source::{Draw, Source, wrong};
use crate::error::{Error, Result};

/// Samples that one piece of work measures.
const PIECE: usize = 256;

/// Mean and deviation of each channel, learnt on the training part alone and applied to every other part as well:
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::data::{Normalization, Samples};
///
/// let table = Samples::numbers([2], [1.0, 10.0, 3.0, 10.0, 100.0, 100.0])?;
/// let (train, test) = table.split_at(2);
/// let normalization = Normalization::learn(&train)?;
/// assert_eq!((normalization.mean(), normalization.deviation()), (&[2.0, 10.0][..], &[1.0, 1.0][..]));
/// let (train, test) = (train.normalized(&normalization)?, test.normalized(&normalization)?);
/// assert_eq!(test.read(0)?, [98.0, 90.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Normalization {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Normalization {
    /// Reads all samples once and measures them: each column of a table (samples of one dimension), the whole of a grey
    /// image (two dimensions), each channel of others (the first of three or more dimensions). A channel that is
    /// constant gets the deviation 1.
    ///
    /// # Errors
    /// If there are no samples, if they are classes, if one cannot be read, or if a number is not finite.
    pub fn learn(samples: &Samples) -> Result<Self> {
        if samples.is_empty() || samples.width() == 0 || samples.kind().is_classes() {
            return Err(wrong(samples.name(), "at least one sample of numbers, to learn from", format!("{samples:?}")));
        }
        let width = samples.width();
        let channels = match *samples.dims() {
            [] | [_, _] => 1,
            [channels, ..] => channels,
        };
        let pieces = samples.len().div_ceil(PIECE);
        let measured: Vec<Result<Vec<Moments>>> = (0..pieces)
            .into_par_iter()
            .map(|piece| {
                let mut moments = vec![Moments::default(); channels];
                let mut values = vec![0.0; width];
                for sample in piece * PIECE..samples.len().min((piece + 1) * PIECE) {
                    samples.read_into(sample, Draw::NONE, &mut values)?;
                    if let Some(found) = values.iter().find(|v| !v.is_finite()) {
                        return Err(wrong(samples.place(sample), "finite numbers, to normalize them", found));
                    }
                    for (moments, values) in moments.iter_mut().zip(values.chunks_exact(width / channels)) {
                        moments.merge(&Moments::of(values));
                    }
                }
                Ok(moments)
            })
            .collect();
        let mut all = vec![Moments::default(); channels];
        for piece in measured {
            all.iter_mut().zip(&piece?).for_each(|(all, piece)| all.merge(piece));
        }
        Ok(Normalization {
            mean: all.iter().map(|m| m.mean as f32).collect(),
            deviation: all.iter().map(Moments::deviation).collect(),
        })
    }

    /// From numbers that are known: one mean and one deviation for each channel.
    ///
    /// # Errors
    /// If there are none, if there are more of one than of the other, if one is not finite, or if a deviation is not
    /// positive.
    pub fn new(mean: impl Into<Vec<f32>>, deviation: impl Into<Vec<f32>>) -> Result<Self> {
        let (mean, deviation) = (mean.into(), deviation.into());
        let finite = mean.iter().chain(&deviation).all(|v| v.is_finite());
        if mean.is_empty() || mean.len() != deviation.len() || !finite || deviation.iter().any(|&d| d <= 0.0) {
            return Err(Error::Option(format!(
                "a normalization by the means {mean:?} and the deviations {deviation:?}: expected as many of both, at \
                 least one, all finite, and the deviations positive"
            )));
        }
        Ok(Normalization { mean, deviation })
    }

    /// The mean of each channel.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The deviation of each channel: the root of the mean squared distance from the mean.
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// Normalizes one sample in place: what `predict` is given must be treated as what `fit` was.
    pub fn apply(&self, sample: &mut [f32]) {
        let size = (sample.len() / self.mean.len()).max(1);
        for ((values, mean), deviation) in sample.chunks_mut(size).zip(&self.mean).zip(&self.deviation) {
            values.iter_mut().for_each(|v| *v = (*v - mean) / deviation);
        }
    }
}

/// Count, mean, and the sum of squared distances from the mean.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn of(values: &[f32]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
        Moments { count, mean, squares }
    }

    /// Chan, Golub and LeVeque.
    fn merge(&mut self, other: &Moments) {
        let count = self.count + other.count;
        if count > 0.0 {
            let delta = other.mean - self.mean;
            self.squares += other.squares + delta * delta * self.count * other.count / count;
            self.mean += delta * other.count / count;
            self.count = count;
        }
    }

    fn deviation(&self) -> f32 {
        let deviation = (self.squares / self.count).sqrt() as f32;
        // What is left of a constant after rounding is no deviation.
        if f64::from(deviation) > 1e-7 * self.mean.abs() && deviation > 0.0 { deviation } else { 1.0 }
    }
}

/// Samples, normalized when they are read.
#[derive(Debug)]
pub(super) struct Normalized {
    pub(super) of: Samples,
    pub(super) by: Normalization,
}

impl Source for Normalized {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        self.of.dims()
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        self.of.read_into(sample, draw, values)?;
        self.by.apply(values);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(dims: &[usize], values: &[f32]) -> Normalization {
        Normalization::learn(&Samples::numbers(dims, values).unwrap()).unwrap()
    }

    #[test]
    fn each_kind_of_sample_has_its_channels() {
        assert_eq!(learnt(&[], &[1.0, 3.0]).mean(), [2.0]);
        assert_eq!(learnt(&[2], &[1.0, 10.0, 3.0, 30.0]).mean(), [2.0, 20.0]);
        assert_eq!(learnt(&[2, 2], &[1.0, 2.0, 3.0, 6.0]).mean(), [3.0]);
        let image = learnt(&[2, 1, 2], &[0.0, 4.0, 1.0, 1.0]);
        assert_eq!((image.mean(), image.deviation()), (&[2.0, 1.0][..], &[2.0, 1.0][..]));
    }

    #[test]
    fn many_samples_far_from_zero_are_measured_exactly() {
        // 1000 + 0, 1, …, 9: the deviation is sqrt(8.25), whatever the pieces.
        let values: Vec<f32> = (0..5000).map(|i| 1000.0 + (i % 10) as f32).collect();
        let found = learnt(&[], &values);
        assert_eq!(found.mean(), [1004.5]);
        assert!((found.deviation()[0] - 8.25_f32.sqrt()).abs() < 1e-5);
        let constant = learnt(&[1], &[0.1; 5000]);
        assert_eq!((constant.mean(), constant.deviation()), (&[0.1][..], &[1.0][..]));
    }

    #[test]
    fn normalized_samples_have_mean_0_and_deviation_1() {
        let values: Vec<f32> = (0..600).map(|i| (i * 7 % 13) as f32 * if i % 2 == 0 { 1.0 } else { 50.0 }).collect();
        let table = Samples::numbers([2], values).unwrap();
        let normalized = table.normalized(&Normalization::learn(&table).unwrap()).unwrap();
        let again = Normalization::learn(&normalized).unwrap();
        assert!(again.mean().iter().all(|m| m.abs() < 1e-6), "{again:?}");
        assert!(again.deviation().iter().all(|d| (d - 1.0).abs() < 1e-6), "{again:?}");
    }

    #[test]
    fn what_cannot_be_normalized_is_refused() {
        let none = Samples::numbers([2], []).unwrap();
        let text = Normalization::learn(&none).unwrap_err().to_string();
        assert!(text.contains("at least one sample") && text.contains("0 samples"), "{text}");
        let holes = Samples::numbers([2], [1.0, 2.0, f32::NAN, 4.0]).unwrap();
        let text = Normalization::learn(&holes).unwrap_err().to_string();
        assert_eq!(text, "numbers in memory, record 1: expected finite numbers, to normalize them, found NaN");
        let classes = Samples::classes(3, &[0, 1]).unwrap();
        assert!(Normalization::learn(&classes).is_err());
        let two = Normalization::new([0.0, 0.0], [1.0, 1.0]).unwrap();
        assert!(classes.normalized(&two).is_err());
        let text = Samples::numbers([3], [0.0; 3]).unwrap().normalized(&two).unwrap_err().to_string();
        assert!(text.contains("2 channels") && text.contains("shape [3]"), "{text}");
        for (mean, deviation) in [(vec![], vec![]), (vec![0.0], vec![0.0]), (vec![0.0], vec![1.0; 2])] {
            assert!(Normalization::new(mean, deviation).is_err());
        }
    }
}
