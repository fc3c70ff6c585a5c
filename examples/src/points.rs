//! Labelled points in the square from (-1, -1) to (1, 1): three classes that no straight line separates.

use std::f32::consts::{PI, TAU};

use clap::ValueEnum;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// How many classes each pattern has.
pub const CLASSES: usize = 3;

/// How the classes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Pattern {
    /// Rings around one another.
    Rings,
    /// Six petals of a flower; petals that face each other belong together.
    Petals,
    /// Three arms that wind around one another.
    Spirals,
}

impl Pattern {
    /// Its name, as in the names of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rings => "rings",
            Self::Petals => "petals",
            Self::Spirals => "spirals",
        }
    }

    /// Draws points, equally many of each class (give or take one), and their classes.
    pub fn draw(self, count: usize, seed: u64) -> (Vec<[f32; 2]>, Vec<u32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|i| i % CLASSES).map(|class| (self.point(class, &mut rng), class as u32)).unzip()
    }

    fn point(self, class: usize, rng: &mut ChaCha8Rng) -> [f32; 2] {
        let part = class as f32;
        let (radius, angle) = match self {
            Self::Rings => (normal(0.2 + 0.3 * part, 0.04, rng), rng.random_range(0.0..TAU)),
            Self::Petals => {
                let petal = class + CLASSES * rng.random_range(0..2);
                let along = rng.random_range(-1.0..1.0f32);
                let length = 0.95 * (along * PI / 2.0).cos();
                let radius = length * rng.random_range(0.03..1.0f32).sqrt();
                (radius, TAU / 6.0 * (petal as f32 + 0.4 * along))
            }
            Self::Spirals => {
                let along = rng.random_range(0.0..1.0f32);
                (0.12 + 0.8 * along, TAU / 3.0 * part + 4.0 * along + normal(0.0, 0.12, rng))
            }
        };
        [radius * angle.cos(), radius * angle.sin()]
    }
}

fn normal(mean: f32, deviation: f32, rng: &mut ChaCha8Rng) -> f32 {
    // A deviation that is finite and not negative is always accepted.
    Normal::new(mean, deviation).map_or(mean, |distribution| distribution.sample(rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_in_the_square_and_classes_are_balanced() {
        for pattern in Pattern::value_variants() {
            let (points, classes) = pattern.draw(999, 3);
            assert!(points.iter().flatten().all(|c| c.abs() <= 1.05), "{pattern:?}");
            for class in 0..CLASSES as u32 {
                assert_eq!(classes.iter().filter(|&&c| c == class).count(), 333);
            }
            assert_eq!((points, classes), pattern.draw(999, 3));
        }
    }
}
