//! Data made from a seed.

use nn::Result;

use crate::Noise;
use crate::networks::{BranchesData, CnnData, DigitsData, PlainData};

/// Data for [`crate::networks::Plain`]: a smooth function and some noise.
pub fn plain(samples: usize, seed: u64) -> Result<PlainData> {
    let mut noise = Noise::new(seed);
    let x: Vec<[f32; 5]> = (0..samples).map(|_| noise.array()).collect();
    let y: Vec<[f32; 3]> = x.iter().map(|x| [x[0] * x[1], x[2].sin() + x[3], 0.1 * noise.next() - x[4]]).collect();
    PlainData::new(&x, &y)
}

/// Data for [`crate::networks::Branches`].
pub fn branches(samples: usize, seed: u64) -> Result<BranchesData> {
    let mut noise = Noise::new(seed);
    let left: Vec<[f32; 6]> = (0..samples).map(|_| noise.array()).collect();
    let right: Vec<[[f32; 4]; 2]> = (0..samples).map(|_| [noise.array(), noise.array()]).collect();
    let label: Vec<u32> = left.iter().map(|l| u32::from(l[0] > 0.0) + u32::from(l[1] > 0.0)).collect();
    let value: Vec<[f32; 2]> = right.iter().map(|r| [r[0][0] + r[1][1], r[0][2] * r[1][3]]).collect();
    BranchesData::new(&left, &right, &label, &value)
}

/// Data for [`crate::networks::Digits`]: ten patterns, shifted in brightness, with noise.
pub fn digits(samples: usize, seed: u64) -> Result<DigitsData> {
    let (image, label) = patterns(samples, seed);
    DigitsData::new(&image, &label)
}

/// The same for [`crate::networks::Cnn`].
pub fn cnn(samples: usize, seed: u64) -> Result<CnnData> {
    let (image, label) = patterns(samples, seed);
    CnnData::new(&image, &label)
}

fn patterns(samples: usize, seed: u64) -> (Vec<[f32; 64]>, Vec<u32>) {
    let mut patterns = Noise::new(77);
    let patterns: Vec<[f32; 64]> = (0..10).map(|_| patterns.array()).collect();
    let mut noise = Noise::new(seed);
    let label: Vec<u32> = (0..samples).map(|_| noise.below(10)).collect();
    let image = (label.iter()).map(|&l| {
        let brightness = 0.6 + 0.4 * noise.next();
        std::array::from_fn(|i| (brightness * patterns[l as usize][i] + 0.8 * noise.next()).clamp(0.0, 1.0))
    });
    (image.collect(), label)
}
