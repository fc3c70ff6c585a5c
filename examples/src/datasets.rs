//! The data that examples train on: files in a folder, or what they draw themselves.

use std::path::PathBuf;

use clap::Args;
use nn::data::{Augment, Labelled, Normalization, cifar, idx};

use crate::drawn_digits;
use crate::drawn_shapes::single;

/// How many digits are drawn for training and for the test.
const DIGITS: [usize; 2] = [6000, 1000];
/// How many pictures of shapes are drawn for training and for the test.
const PICTURES: [usize; 2] = [3000, 1000];
/// How far pictures are shifted.
const SHIFT: usize = 4;

/// Handwritten digits.
#[derive(Args, Clone, Debug)]
pub struct Digits {
    /// A folder with MNIST's four files, gzipped or not: train-images-idx3-ubyte, train-labels-idx1-ubyte,
    /// t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; without it, digits are drawn
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Digits {
    /// Those for training, and those for the test; the seed counts where they are drawn.
    pub fn load(&self, seed: u64) -> nn::Result<[Labelled; 2]> {
        match &self.data {
            Some(folder) => Ok([idx::train(folder)?, idx::test(folder)?]),
            None => {
                println!("no --data: drawing {} digits", DIGITS[0] + DIGITS[1]);
                let [train, test] = seeds(seed);
                Ok([drawn_digits::draw(DIGITS[0], train)?, drawn_digits::draw(DIGITS[1], test)?])
            }
        }
    }
}

/// Pictures of 32 x 32 pixels in ten classes.
#[derive(Args, Clone, Debug)]
pub struct Pictures {
    /// A folder with CIFAR-10's binary files: data_batch_1.bin to data_batch_5.bin and test_batch.bin; without it, coloured
    /// shapes are drawn
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Pictures {
    /// Those for training, which are shifted and flipped anew in each epoch, and those for the test; the seed counts where they
    /// are drawn. Each channel of the former has the mean 0 and the deviation 1.
    pub fn load(&self, seed: u64) -> nn::Result<[Labelled; 2]> {
        let [mut training, mut test] = match &self.data {
            Some(folder) => [cifar::cifar10_train(folder)?, cifar::cifar10_test(folder)?],
            None => {
                println!("no --data: drawing {} pictures of shapes", PICTURES[0] + PICTURES[1]);
                let [train, test] = seeds(seed);
                [single::draw(PICTURES[0], train)?, single::draw(PICTURES[1], test)?]
            }
        };
        let normalization = Normalization::learn(&training.images)?;
        let augment = Augment::new().flip().pad(SHIFT).crop(single::SIDE, single::SIDE);
        training.images = training.images.normalized(&normalization)?.augmented(&augment)?;
        test.images = test.images.normalized(&normalization)?;
        Ok([training, test])
    }
}

/// Seeds for training data and for test data, which nobody else has.
fn seeds(seed: u64) -> [u64; 2] {
    [0, 1].map(|part| seed.wrapping_mul(2) + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_for_the_test_is_not_trained_on() {
        let [training, test] = Digits { data: None }.load(3).unwrap();
        assert_eq!([training.len(), test.len()], DIGITS);
        let first = test.images.read(0).unwrap();
        assert!((0..training.len()).all(|i| training.images.read(i).unwrap() != first));
    }

    #[test]
    fn pictures_are_normalized_and_classes_have_names() {
        let [training, test] = Pictures { data: None }.load(5).unwrap();
        assert_eq!([training.len(), test.len()], PICTURES);
        assert_eq!(training.classes[0], "disc");
        let values = (0..training.len()).flat_map(|i| training.images.read(i).unwrap()).map(f64::from);
        let (sum, squares) = values.clone().fold((0.0, 0.0), |(sum, squares), v| (sum + v, squares + v * v));
        let count = (PICTURES[0] * single::NUMBERS) as f64;
        assert!((sum / count).abs() < 1e-3 && (squares / count - 1.0).abs() < 1e-3);
        assert_eq!(test.images.dims(), [3, 32, 32]);
    }

    #[test]
    fn a_folder_without_the_files_is_named() {
        let nowhere = || Some("no-such-folder".into());
        let [digits, pictures] = [Digits { data: nowhere() }.load(0), Pictures { data: nowhere() }.load(0)];
        for message in [digits.unwrap_err().to_string(), pictures.unwrap_err().to_string()] {
            assert!(message.contains("no-such-folder"), "{message}");
        }
    }
}
