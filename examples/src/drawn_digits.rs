//! Digits drawn with a pen of random slant, size and thickness, on paper with noise: data for whoever has none.

use std::f32::consts::{FRAC_PI_2, PI};

use nn::data::{Labelled, Samples};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Digits run from 0 to 9.
pub const CLASSES: usize = 10;
/// Pixels along one side of an image.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// A point; x runs to the right, y downwards. Glyphs are designed in the square from (-1, -1) to (1, 1).
type Point = (f32, f32);
/// A line that the pen draws without leaving the paper.
type Stroke = Vec<Point>;

/// Draws `count` digits, each class about equally often. The same seed draws the same digits.
pub fn draw(count: usize, seed: u64) -> nn::Result<Labelled> {
    let (images, labels) = draw_images(count, seed);
    let images = Samples::numbers([SIDE, SIDE], images.into_flattened())?;
    let labels = Samples::classes(CLASSES, &labels)?;
    Ok(Labelled { images, labels, classes: (0..CLASSES).map(|digit| digit.to_string()).collect() })
}

fn draw_images(count: usize, seed: u64) -> (Vec<[f32; PIXELS]>, Vec<u32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let labels = (0..count).map(|_| rng.random_range(0..CLASSES as u32)).collect::<Vec<_>>();
    (labels.iter().map(|&label| draw_one(label, &mut rng)).collect(), labels)
}

/// Draws one digit in a hand of its own.
fn draw_one(digit: u32, rng: &mut ChaCha8Rng) -> [f32; PIXELS] {
    let pen = Pen::random(rng);
    let strokes = glyph(digit, rng);
    let strokes = strokes.iter().map(|stroke| stroke.iter().map(|&point| pen.place(point)).collect::<Stroke>());
    let segments = strokes.flat_map(|stroke| stroke.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>());
    let mut distances = [f32::INFINITY; PIXELS];
    for (from, to) in segments {
        for row in reach(from.1, to.1, pen.thickness) {
            for column in reach(from.0, to.0, pen.thickness) {
                let distance = distance_to_segment((column as f32, row as f32), from, to);
                let nearest = &mut distances[row * SIDE + column];
                *nearest = nearest.min(distance);
            }
        }
    }
    distances.map(|distance| {
        let ink = (pen.thickness / 2.0 + 0.5 - distance).clamp(0.0, 1.0);
        let noise = pen.noise * rng.random_range(-1.0..1.0f32);
        (ink * pen.darkness + noise).clamp(0.0, 1.0)
    })
}

/// How one digit is drawn.
struct Pen {
    center: Point,
    width: f32,
    height: f32,
    slant: f32,
    turn: f32,
    thickness: f32,
    darkness: f32,
    noise: f32,
}

impl Pen {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let middle = (SIDE as f32 - 1.0) / 2.0;
        Self {
            center: (middle + rng.random_range(-1.5..1.5), middle + rng.random_range(-1.5..1.5)),
            width: rng.random_range(4.5..7.5),
            height: rng.random_range(7.5..10.0),
            slant: rng.random_range(-0.2..0.4),
            turn: rng.random_range(-0.2..0.2),
            thickness: rng.random_range(1.4..3.6),
            darkness: rng.random_range(0.75..1.0),
            noise: rng.random_range(0.0..0.15),
        }
    }

    /// From the square in which glyphs are designed to pixels: slanted, scaled, turned, moved.
    fn place(&self, (x, y): Point) -> Point {
        let (x, y) = ((x - self.slant * y) * self.width, y * self.height);
        let (sin, cos) = self.turn.sin_cos();
        (self.center.0 + x * cos - y * sin, self.center.1 + x * sin + y * cos)
    }
}

/// The pixels along one axis that a segment with this thickness can touch.
fn reach(from: f32, to: f32, thickness: f32) -> std::ops::Range<usize> {
    let margin = thickness / 2.0 + 0.5;
    let first = (from.min(to) - margin).ceil().max(0.0) as usize;
    let last = (from.max(to) + margin).floor().max(-1.0) + 1.0;
    first..(last as usize).min(SIDE)
}

fn distance_to_segment(point: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    let along = ((px * dx + py * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
    (px - along * dx).hypot(py - along * dy)
}

/// Part of an ellipse, from one angle to another; 0 points right and pi / 2 down.
fn arc(center: Point, radii: Point, from: f32, to: f32) -> Stroke {
    let steps = ((to - from).abs() * 4.0).ceil().max(2.0) as usize;
    let angles = (0..=steps).map(|i| from + (to - from) * i as f32 / steps as f32);
    angles.map(|angle| (center.0 + radii.0 * angle.cos(), center.1 + radii.1 * angle.sin())).collect()
}

/// The strokes of a digit, in one of the ways in which people write it, each point a little off its place.
fn glyph(digit: u32, rng: &mut ChaCha8Rng) -> Vec<Stroke> {
    let often = rng.random_bool(0.6);
    let top = rng.random_range(-0.15..0.15f32);
    let mut strokes = match digit {
        0 => vec![arc((0.0, 0.0), (0.85 + top, 1.0), -FRAC_PI_2, 1.5 * PI)],
        1 if often => vec![vec![(0.1, -1.0), (0.1, 1.0)]],
        1 => vec![vec![(-0.5, -0.55), (0.1, -1.0), (0.1, 1.0)], vec![(-0.45, 1.0), (0.65, 1.0)]],
        2 => {
            vec![[arc((0.0, -0.45), (0.8, 0.55), -PI, 0.25 * PI), vec![(-0.85, 1.0), (0.9, 1.0 + top / 2.0)]].concat()]
        }
        3 => vec![
            [
                arc((-0.05, -0.5), (0.75, 0.5 + top / 2.0), -0.8 * PI, 0.5 * PI),
                arc((-0.05, 0.5), (0.85, 0.5), -0.5 * PI, 0.8 * PI),
            ]
            .concat(),
        ],
        4 if often => vec![vec![(-0.55 + top, -1.0), (-0.8, 0.2 + top), (0.85, 0.2)], vec![(0.45, -0.6), (0.35, 1.0)]],
        4 => vec![vec![(0.4, 1.0), (0.4, -1.0), (-0.85, 0.35 + top), (0.9, 0.35)]],
        5 => vec![
            vec![(0.75, -1.0), (-0.6, -1.0)],
            [vec![(-0.6, -1.0), (-0.7, -0.15)], arc((-0.05, 0.35), (0.85, 0.65), -0.75 * PI, 0.8 * PI)].concat(),
        ],
        6 => vec![[vec![(0.5 + top, -1.0), (-0.45, -0.3)], arc((0.0, 0.45), (0.7, 0.55), -PI, PI)].concat()],
        7 if often => vec![vec![(-0.8, -1.0 + top / 2.0), (0.8, -1.0), (-0.2, 1.0)]],
        7 => vec![vec![(-0.8, -1.0), (0.8, -1.0), (-0.1, 1.0)], vec![(-0.35, 0.05), (0.65, 0.0)]],
        8 => vec![
            arc((0.0, -0.5), (0.6 + top, 0.5), -FRAC_PI_2, 1.5 * PI),
            arc((0.0, 0.5), (0.75, 0.5), -FRAC_PI_2, 1.5 * PI),
        ],
        _ => vec![
            arc((0.0, -0.45), (0.7, 0.55), 0.0, 2.0 * PI),
            if often { vec![(0.7, -0.45), (0.5 + top, 1.0)] } else { arc((-0.3, -0.3), (1.0, 1.3), 0.0, 0.6 * PI) },
        ],
    };
    for (x, y) in strokes.iter_mut().flatten() {
        *x += rng.random_range(-0.06..0.06);
        *y += rng.random_range(-0.06..0.06);
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_digits() {
        assert_eq!(draw_images(20, 7), draw_images(20, 7));
        assert_ne!(draw_images(20, 7), draw_images(20, 8));
    }

    #[test]
    fn every_digit_has_ink_and_paper() {
        let (images, labels) = draw_images(500, 1);
        for (image, label) in images.iter().zip(&labels) {
            let ink = image.iter().filter(|&&pixel| pixel > 0.5).count();
            assert!((20..400).contains(&ink), "a {label} with {ink} dark pixels");
            assert!(image.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        }
        assert!((0..10).all(|digit| labels.contains(&digit)));
        assert_eq!(draw(500, 1).unwrap().images.read(499).unwrap(), images[499]);
    }
}
