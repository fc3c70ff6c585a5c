//! Coloured shapes of random place, size, direction and colour, on light paper with noise: pictures for whoever has none.

use std::f32::consts::TAU;
use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// Red, green and blue, each from 0 to 1.
type Color = [f32; 3];

/// Points along one side of the grid on which a pixel's share of a shape is counted.
const GRID: usize = 3;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Everything near to the middle.
    Disc,
    /// A disc with a hole.
    Ring,
    /// One half of a disc.
    HalfDisc,
    /// A disc without another one.
    Crescent,
    /// Three equal sides.
    Triangle,
    /// Four equal sides.
    Square,
    /// Five points.
    Star,
    /// Two bars.
    Cross,
    /// Two lobes and a tip.
    Heart,
    /// A shaft and a head.
    Arrow,
}

impl Shape {
    /// All of them; the class of a picture is the index in this list.
    pub const ALL: [Self; 10] = [
        Self::Disc,
        Self::Ring,
        Self::HalfDisc,
        Self::Crescent,
        Self::Triangle,
        Self::Square,
        Self::Star,
        Self::Cross,
        Self::Heart,
        Self::Arrow,
    ];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Ring => "ring",
            Self::HalfDisc => "half disc",
            Self::Crescent => "crescent",
            Self::Triangle => "triangle",
            Self::Square => "square",
            Self::Star => "star",
            Self::Cross => "cross",
            Self::Heart => "heart",
            Self::Arrow => "arrow",
        }
    }

    /// Whether a point lies in the shape, which fills the disc around (0, 0) with radius 1; y runs downwards.
    fn contains(self, x: f32, y: f32) -> bool {
        let radius = x.hypot(y);
        match self {
            Self::Disc => radius < 0.9,
            Self::Ring => (0.5..1.0).contains(&radius),
            Self::HalfDisc => x.hypot(y + 0.4) < 1.0 && y > -0.4,
            Self::Crescent => radius < 1.0 && (x - 0.5).hypot(y) > 0.8,
            Self::Triangle => y < 0.5 && y > 3_f32.sqrt() * x.abs() - 1.0,
            Self::Square => x.abs().max(y.abs()) < 0.75,
            Self::Star => {
                // One of ten equal parts: between the direction of a tip and that of the notch beside it.
                let angle = (x.atan2(-y).rem_euclid(TAU / 5.0) - TAU / 10.0).abs();
                let (along, aside) = (radius * (TAU / 10.0 - angle).cos(), radius * (TAU / 10.0 - angle).sin());
                let notch = (0.42 * (TAU / 10.0).cos(), 0.42 * (TAU / 10.0).sin());
                (1.0 - along) * notch.1 > (1.0 - notch.0) * aside
            }
            Self::Cross => x.abs().min(y.abs()) < 0.28 && x.abs().max(y.abs()) < 0.95,
            Self::Heart => {
                let (x, y) = (1.25 * x, 0.1 - 1.25 * y);
                (x * x + y * y - 1.0).powi(3) < x * x * y.powi(3)
            }
            Self::Arrow if y < 0.0 => x.abs() < 0.75 * (y + 1.0),
            Self::Arrow => x.abs() < 0.25 && y < 0.95,
        }
    }
}

/// A shape in a picture.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    shape: Shape,
    center: (f32, f32),
    size: f32,
    turn: f32,
    color: Color,
}

impl Figure {
    /// Draws a size and a direction within ranges, and everything else about a figure that lies in a picture as a whole. Its
    /// colour is darker than every paper.
    pub fn random(shape: Shape, sizes: Range<f32>, turns: Range<f32>, side: usize, rng: &mut ChaCha8Rng) -> Self {
        let size = rng.random_range(sizes);
        let mut place = || rng.random_range(size..side as f32 - size);
        let center = (place(), place());
        Self { shape, center, size, turn: rng.random_range(turns), color: color(0.0..0.5, rng) }
    }

    /// The share of a pixel that is within the figure.
    pub fn coverage(&self, row: usize, column: usize) -> f32 {
        let (sin, cos) = self.turn.sin_cos();
        let inside = |i: usize| {
            let point = |pixel: usize, i: usize| pixel as f32 + (i as f32 + 0.5) / GRID as f32;
            let x = (point(column, i % GRID) - self.center.0) / self.size;
            let y = (point(row, i / GRID) - self.center.1) / self.size;
            self.shape.contains(x * cos + y * sin, y * cos - x * sin)
        };
        (0..GRID * GRID).filter(|&i| inside(i)).count() as f32 / (GRID * GRID) as f32
    }
}

/// What figures are drawn on: a colour that turns into another one, and noise.
#[derive(Clone, Debug)]
pub struct Paper {
    colors: [Color; 2],
    direction: f32,
    noise: Normal<f32>,
}

impl Paper {
    /// Draws all of it.
    pub fn random(rng: &mut ChaCha8Rng) -> Self {
        let colors = std::array::from_fn(|_| color(0.6..1.0, rng));
        let direction = rng.random_range(0.0..TAU);
        let deviation = rng.random_range(0.01..0.05);
        Self { colors, direction, noise: Normal::new(0.0, deviation).expect("a deviation is finite") }
    }

    /// Draws figures, each over those before it, on a picture of so many pixels a side: channel after channel, row after
    /// row. `figure_of_pixel` gets the figure that a pixel shows, where it is not the paper.
    pub fn draw(
        &self,
        figures: &[Figure],
        side: usize,
        picture: &mut [f32],
        mut figure_of_pixel: impl FnMut(usize, usize),
        rng: &mut ChaCha8Rng,
    ) {
        let (sin, cos) = self.direction.sin_cos();
        for pixel in 0..side * side {
            let (row, column) = (pixel / side, pixel % side);
            let place = |i: usize| (i as f32 + 0.5) / side as f32 - 0.5;
            let along = (place(column) * cos + place(row) * sin + 0.7) / 1.4;
            let mut color = mix(self.colors[0], self.colors[1], along);
            for (index, figure) in figures.iter().enumerate() {
                let share = figure.coverage(row, column);
                color = mix(color, figure.color, share);
                if share > 0.5 {
                    figure_of_pixel(pixel, index);
                }
            }
            for (channel, value) in color.into_iter().enumerate() {
                picture[channel * side * side + pixel] = (value + self.noise.sample(rng)).clamp(0.0, 1.0);
            }
        }
    }
}

fn color(channel: Range<f32>, rng: &mut ChaCha8Rng) -> Color {
    std::array::from_fn(|_| rng.random_range(channel.clone()))
}

/// From one colour to another one.
fn mix(from: Color, to: Color, share: f32) -> Color {
    std::array::from_fn(|c| from[c] + (to[c] - from[c]) * share)
}

/// The generator of one picture: pictures do not depend on how many are drawn before them.
fn generator(seed: u64, picture: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(picture as u64);
    rng
}

/// Pictures with one shape each.
pub mod single {
    use nn::data::{Labelled, Samples};

    use super::{ChaCha8Rng, Figure, Paper, RngExt, Shape, generator};

    /// Pixels along one side.
    pub const SIDE: usize = 32;
    /// Numbers of a picture.
    pub const NUMBERS: usize = 3 * SIDE * SIDE;

    /// Draws pictures with the shapes of [`Shape::ALL`]. The same seed draws the same pictures.
    pub fn draw(count: usize, seed: u64) -> nn::Result<Labelled> {
        let (pictures, classes) = draw_pictures(count, seed);
        let images = Samples::numbers([3, SIDE, SIDE], pictures.into_flattened())?;
        let labels = Samples::classes(Shape::ALL.len(), &classes)?;
        Ok(Labelled { images, labels, classes: Shape::ALL.map(|shape| shape.name().to_owned()).to_vec() })
    }

    pub(super) fn draw_pictures(count: usize, seed: u64) -> (Vec<[f32; NUMBERS]>, Vec<u32>) {
        (0..count).map(|picture| draw_one(&mut generator(seed, picture))).unzip()
    }

    fn draw_one(rng: &mut ChaCha8Rng) -> ([f32; NUMBERS], u32) {
        let class = rng.random_range(0..Shape::ALL.len());
        let paper = Paper::random(rng);
        let figure = Figure::random(Shape::ALL[class], 9.0..14.0, -0.3..0.3, SIDE, rng);
        let mut picture = [0.0; NUMBERS];
        paper.draw(&[figure], SIDE, &mut picture, |_, _| (), rng);
        (picture, class as u32)
    }
}

/// Pictures with several shapes, and the class of each of their pixels.
pub mod scene {
    use super::{ChaCha8Rng, Figure, Paper, RngExt, Shape, TAU, generator};

    /// Pixels along one side.
    pub const SIDE: usize = 48;
    /// Pixels of a picture.
    pub const PIXELS: usize = SIDE * SIDE;
    /// Numbers of a picture.
    pub const NUMBERS: usize = 3 * PIXELS;
    /// What scenes are made of. Class 0 is the paper, class `i + 1` is `SHAPES[i]`.
    pub const SHAPES: [Shape; 3] = [Shape::Disc, Shape::Square, Shape::Star];
    /// The paper, and each shape.
    pub const CLASSES: usize = SHAPES.len() + 1;

    /// Draws scenes, and the class of each pixel. The same seed draws the same scenes.
    pub fn draw(count: usize, seed: u64) -> (Vec<[f32; NUMBERS]>, Vec<[u32; PIXELS]>) {
        (0..count).map(|picture| draw_one(&mut generator(seed, picture))).unzip()
    }

    fn draw_one(rng: &mut ChaCha8Rng) -> ([f32; NUMBERS], [u32; PIXELS]) {
        let paper = Paper::random(rng);
        let count = rng.random_range(2..=4);
        let kinds = (0..count).map(|_| rng.random_range(0..SHAPES.len())).collect::<Vec<_>>();
        let figure = |&kind: &usize, rng: &mut ChaCha8Rng| Figure::random(SHAPES[kind], 7.0..13.0, 0.0..TAU, SIDE, rng);
        let figures = kinds.iter().map(|kind| figure(kind, rng)).collect::<Vec<_>>();
        let mut picture = [0.0; NUMBERS];
        let mut classes = [0; PIXELS];
        paper.draw(&figures, SIDE, &mut picture, |pixel, index| classes[pixel] = kinds[index] as u32 + 1, rng);
        (picture, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_pictures_whatever_their_number() {
        let (pictures, classes) = single::draw_pictures(20, 7);
        let (first_pictures, first_classes) = single::draw_pictures(10, 7);
        assert_eq!((&pictures[..10], &classes[..10]), (&first_pictures[..], &first_classes[..]));
        assert_ne!(pictures, single::draw_pictures(20, 8).0);
        assert_eq!(single::draw(20, 7).unwrap().images.read(19).unwrap(), pictures[19]);
        assert_eq!(scene::draw(3, 1), scene::draw(3, 1));
    }

    #[test]
    fn every_shape_has_a_fair_part_of_its_square_and_differs_from_all_others() {
        let places = (0..400).map(|i| ((i % 20) as f32 / 10.0 - 0.95, (i / 20) as f32 / 10.0 - 0.95));
        let masks = Shape::ALL.map(|shape| places.clone().map(|(x, y)| shape.contains(x, y)).collect::<Vec<_>>());
        for (mask, shape) in masks.iter().zip(Shape::ALL) {
            let area = mask.iter().filter(|&&inside| inside).count();
            assert!((80..280).contains(&area), "{} covers {area} of 400", shape.name());
            let differences = |other: &Vec<bool>| mask.iter().zip(other).filter(|(a, b)| a != b).count();
            assert_eq!(masks.iter().filter(|other| differences(other) < 40).count(), 1, "{}", shape.name());
        }
        assert!(Shape::ALL.iter().all(|shape| !shape.contains(1.2, 0.0) && !shape.contains(0.0, -1.2)));
    }

    #[test]
    fn pictures_show_every_class_in_colours() {
        let (pictures, classes) = single::draw_pictures(200, 3);
        assert!((0..10).all(|class| classes.contains(&class)));
        for picture in &pictures {
            assert!(picture.iter().all(|value| (0.0..=1.0).contains(value)));
            let mean = picture.iter().sum::<f32>() / single::NUMBERS as f32;
            let deviation = picture.iter().map(|value| (value - mean).abs()).sum::<f32>() / single::NUMBERS as f32;
            assert!(deviation > 0.03, "one colour: {deviation}");
        }
    }

    #[test]
    fn the_classes_of_pixels_are_those_of_the_figures_on_top() {
        let rng = &mut generator(0, 0);
        let paper = Paper::random(rng);
        let disc = Figure { shape: Shape::Disc, center: (8.0, 8.0), size: 6.0, turn: 0.0, color: [1.0; 3] };
        let square = Figure { shape: Shape::Square, center: (10.0, 8.0), ..disc };
        let (mut picture, mut shown) = ([0.0; 3 * 256], [9; 256]);
        paper.draw(&[disc, square], 16, &mut picture, |pixel, index| shown[pixel] = index, rng);
        assert_eq!([shown[0], shown[8 * 16 + 4], shown[8 * 16 + 8], shown[8 * 16 + 13]], [9, 0, 1, 1]);
        let (_, classes) = scene::draw(50, 5);
        assert!((0..scene::CLASSES as u32).all(|class| classes.iter().flatten().any(|&found| found == class)));
    }
}
