//! Images that look different in each epoch.

use super::samples::{Samples, as_in};
use super::source::{Draw, Kind, Source, wrong};
use crate::error::{Error, Result};

/// How images are changed while a network trains on them: `Augment::new().flip().pad(4).crop(32, 32)`. Nothing is changed
/// by default, and nothing outside of training, where [`Augment::crop`] takes the middle.
///
/// The order is fixed: images are rotated, shifted, flipped, padded, cropped. All channels of an image are changed alike, and
/// so are all fields of a sample: an image and its mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Augment {
    shift: usize,
    flip: bool,
    flip_vertically: bool,
    pad: usize,
    crop: Option<(usize, usize)>,
    rotate: f32,
    fill: f32,
}

/// Which of a sample's random numbers decides about what.
mod number {
    pub(super) const SHIFT: [u64; 2] = [0, 1];
    pub(super) const FLIP: [u64; 2] = [2, 3];
    pub(super) const CROP: [u64; 2] = [4, 5];
    pub(super) const ROTATE: u64 = 6;
}

impl Augment {
    /// Changes nothing yet.
    pub fn new() -> Self {
        let (shift, pad, crop, rotate, fill) = (0, 0, None, 0.0, 0.0);
        Augment { shift, flip: false, flip_vertically: false, pad, crop, rotate, fill }
    }

    /// Shifts by up to so many whole pixels in each direction.
    #[must_use]
    pub fn shift(mut self, pixels: usize) -> Self {
        self.shift = pixels;
        self
    }

    /// Swaps left and right in half of the cases.
    #[must_use]
    pub fn flip(mut self) -> Self {
        self.flip = true;
        self
    }

    /// Swaps top and bottom in half of the cases.
    #[must_use]
    pub fn flip_vertically(mut self) -> Self {
        self.flip_vertically = true;
        self
    }

    /// Adds so many pixels on each side before cropping.
    #[must_use]
    pub fn pad(mut self, pixels: usize) -> Self {
        self.pad = pixels;
        self
    }

    /// Takes a part of this size, from a random place: the usual `pad(4).crop(32, 32)` for images of 32 x 32 pixels.
    #[must_use]
    pub fn crop(mut self, height: usize, width: usize) -> Self {
        self.crop = Some((height, width));
        self
    }

    /// Rotates about the middle by up to so many degrees in both directions; pixels are interpolated, classes are not.
    #[must_use]
    pub fn rotate(mut self, degrees: f32) -> Self {
        self.rotate = degrees;
        self
    }

    /// What stands where the image does not reach. Default: 0, which is also a class.
    #[must_use]
    pub fn fill(mut self, value: f32) -> Self {
        self.fill = value;
        self
    }
}

impl Default for Augment {
    fn default() -> Self {
        Self::new()
    }
}

/// Images, changed when they are read.
#[derive(Debug)]
pub(super) struct Augmented {
    of: Samples,
    by: Augment,
    /// Before: channels, height, width.
    size: [usize; 3],
    /// After.
    dims: Vec<usize>,
}

impl Augmented {
    pub(super) fn new(of: &Samples, by: &Augment) -> Result<Self> {
        let size = match *of.dims() {
            [height, width] => [1, height, width],
            [channels, height, width] => [channels, height, width],
            _ => {
                let expected = "images of shape [height, width] or [channels, height, width], to augment them";
                return Err(wrong(of.name(), expected, of.shape()));
            }
        };
        let [_, height, width] = size;
        let most = |length: usize| length.saturating_add(by.pad.saturating_mul(2));
        let (rows, columns) = by.crop.unwrap_or((most(height), most(width)));
        if rows == 0 || columns == 0 || rows > most(height) || columns > most(width) {
            let expected = format!("images of at least {rows} x {columns} pixels, padded by {}, to crop them", by.pad);
            return Err(wrong(of.name(), expected, of.shape()));
        }
        if !(0.0..=180.0).contains(&by.rotate) || !by.fill.is_finite() {
            return Err(Error::Option(format!(
                "an augmentation that rotates by up to {} degrees and fills with {}: expected 0 to 180 degrees and a \
                 finite number",
                by.rotate, by.fill
            )));
        }
        let largest = isize::MAX as usize / 4;
        if by.pad > largest || by.shift > largest {
            return Err(Error::Option(format!("an augmentation by {} pixels is too much", by.pad.max(by.shift))));
        }
        let mut dims = of.dims().to_vec();
        let rank = dims.len();
        dims[rank - 2..].copy_from_slice(&[rows, columns]);
        Ok(Augmented { of: of.clone(), by: by.clone(), size, dims })
    }

    /// What this sample is to become in this epoch.
    fn change(&self, draw: Draw) -> Change {
        let [_, height, width] = self.size;
        let before = [height, width];
        let after = [self.dims[self.dims.len() - 2], self.dims[self.dims.len() - 1]];
        // A whole number from 0 to `last`: a random one, or the middle.
        let whole = |number, last: usize| match draw.unit(number) {
            Some(unit) => ((f64::from(unit) * (last as f64 + 1.0)) as usize).min(last) as isize,
            None => (last / 2) as isize,
        };
        let flips = [self.by.flip_vertically, self.by.flip];
        let axis = |axis: usize| {
            let room = before[axis] + 2 * self.by.pad - after[axis];
            let corner = whole(number::CROP[axis], room) - self.by.pad as isize;
            let shift = whole(number::SHIFT[axis], 2 * self.by.shift) - self.by.shift as isize;
            let flip = flips[axis] && draw.unit(number::FLIP[axis]).is_some_and(|unit| unit < 0.5);
            match flip {
                // From the right end of the image to its left.
                true => Axis { start: before[axis] as isize - 1 - corner - shift, step: -1 },
                false => Axis { start: corner - shift, step: 1 },
            }
        };
        let turn = draw.unit(number::ROTATE).map_or(0.0, |unit| (2.0 * unit - 1.0) * self.by.rotate);
        let whole = self.of.kind().is_classes();
        Change { rows: axis(0), columns: axis(1), turn: turn.to_radians(), whole, fill: self.by.fill }
    }
}

/// Which pixel of the image stands where in the result.
struct Change {
    rows: Axis,
    columns: Axis,
    /// In radians.
    turn: f32,
    /// Whether there is nothing between pixels, as between classes.
    whole: bool,
    /// What stands around the image.
    fill: f32,
}

/// The `i`th pixel of the result is pixel `start + i * step` of the rotated image; the step is 1 or -1.
#[derive(Clone, Copy)]
struct Axis {
    start: isize,
    step: isize,
}

impl Axis {
    fn at(&self, i: usize) -> isize {
        self.start + i as isize * self.step
    }
}

impl Change {
    /// One channel.
    fn apply(&self, size: [usize; 2], image: &[f32], columns: usize, result: &mut [f32]) {
        for (i, row) in result.chunks_exact_mut(columns).enumerate() {
            match self.turn == 0.0 {
                true => self.copy(size, image, self.rows.at(i), row),
                false => self.rotate(size, image, self.rows.at(i), row),
            }
        }
    }

    /// A row of the result, which is a part of row `y` of the image.
    fn copy(&self, [height, width]: [usize; 2], image: &[f32], y: isize, row: &mut [f32]) {
        row.fill(self.fill);
        let Some(y) = usize::try_from(y).ok().filter(|&y| y < height) else { return };
        let image = &image[y * width..][..width];
        let Axis { start, step } = self.columns;
        // Columns of the result before the image begins.
        let skipped = if step == 1 { -start } else { start - (width as isize - 1) };
        let skipped = usize::try_from(skipped).unwrap_or(0);
        if skipped >= row.len() {
            return;
        }
        let row = &mut row[skipped..];
        let Ok(first) = usize::try_from(self.columns.at(skipped)) else { return };
        if first >= width {
            return;
        }
        if step == 1 {
            row.iter_mut().zip(&image[first..]).for_each(|(value, pixel)| *value = *pixel);
        } else {
            row.iter_mut().zip(image[..=first].iter().rev()).for_each(|(value, pixel)| *value = *pixel);
        }
    }

    /// A row of the result, which is row `y` of the image after the turn.
    fn rotate(&self, size: [usize; 2], image: &[f32], y: isize, row: &mut [f32]) {
        let [height, width] = size;
        let at = |row: isize, column: isize| match (usize::try_from(row), usize::try_from(column)) {
            (Ok(row), Ok(column)) if row < height && column < width => image[row * width + column],
            _ => self.fill,
        };
        let (sin, cos) = self.turn.sin_cos();
        let [middle_row, middle_column] = size.map(|length| (length as f32 - 1.0) / 2.0);
        for (j, value) in row.iter_mut().enumerate() {
            let (y, x) = (y as f32 - middle_row, self.columns.at(j) as f32 - middle_column);
            let (y, x) = (middle_row + y * cos - x * sin, middle_column + y * sin + x * cos);
            if self.whole {
                *value = at(y.round() as isize, x.round() as isize);
                continue;
            }
            let (top, left) = (y.floor(), x.floor());
            let (down, right) = (y - top, x - left);
            let (top, left) = (top as isize, left as isize);
            let above = at(top, left) * (1.0 - right) + at(top, left + 1) * right;
            let below = at(top + 1, left) * (1.0 - right) + at(top + 1, left + 1) * right;
            *value = above * (1.0 - down) + below * down;
        }
    }
}

impl Source for Augmented {
    as_in!(of);
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        self.of.kind()
    }
    fn read(&self, sample: usize, draw: Draw, values: &mut [f32]) -> Result<()> {
        let [channels, height, width] = self.size;
        let mut image = vec![0.0; channels * height * width];
        self.of.read_into(sample, draw, &mut image)?;
        let change = self.change(draw);
        let columns = self.dims[self.dims.len() - 1];
        let size = values.len() / channels;
        for (image, result) in image.chunks_exact(height * width).zip(values.chunks_exact_mut(size)) {
            change.apply([height, width], image, columns, result);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::says;

    /// An image whose pixels say where they are: 10 * row + column + 1.
    fn image(height: usize, width: usize) -> Samples {
        let pixels: Vec<f32> = (0..height * width).map(|i| (10 * (i / width) + i % width + 1) as f32).collect();
        Samples::numbers([height, width], pixels).unwrap()
    }

    fn read(samples: &Samples, draw: Draw) -> Vec<f32> {
        let mut values = vec![f32::NAN; samples.width()];
        samples.read_into(0, draw, &mut values).unwrap();
        values
    }

    /// What comes of the image in many epochs, without repetitions.
    fn seen(samples: &Samples) -> Vec<Vec<f32>> {
        let mut seen: Vec<Vec<f32>> = (0..500).map(|epoch| read(samples, Draw::new(1, epoch, 0))).collect();
        seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
        seen.dedup();
        seen
    }

    #[test]
    fn nothing_changes_outside_of_training_but_the_size() {
        let all = Augment::new().shift(1).flip().flip_vertically().rotate(90.0).pad(2);
        let image = image(3, 4);
        assert_eq!(image.augmented(&all.clone().crop(3, 4)).unwrap().read(0).unwrap(), image.read(0).unwrap());
        let middle = image.augmented(&Augment::new().crop(1, 2)).unwrap();
        assert_eq!((middle.dims(), middle.read(0).unwrap()), (&[1, 2][..], vec![12.0, 13.0]));
        let padded = image.augmented(&all).unwrap();
        assert_eq!(padded.dims(), [7, 8]);
        assert_eq!(padded.read(0).unwrap()[2 * 8..][..8], [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
        assert_eq!(seen(&image.augmented(&Augment::new()).unwrap()), [image.read(0).unwrap()]);
    }

    #[test]
    fn shifts_go_as_far_in_each_direction() {
        let shifted = seen(&image(2, 2).augmented(&Augment::new().shift(1).fill(-1.0)).unwrap());
        assert_eq!(shifted.len(), 9, "three places in each direction");
        for expected in
            [[1.0, 2.0, 11.0, 12.0], [-1.0, 1.0, -1.0, 11.0], [11.0, 12.0, -1.0, -1.0], [12.0, -1.0, -1.0, -1.0]]
        {
            assert!(shifted.contains(&expected.to_vec()), "{expected:?}");
        }
    }

    #[test]
    fn flips_swap_sides() {
        assert_eq!(seen(&image(1, 3).augmented(&Augment::new().flip()).unwrap()), [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]);
        let both = seen(&image(2, 2).augmented(&Augment::new().flip().flip_vertically()).unwrap());
        assert_eq!(both.len(), 4);
        assert!(both.contains(&vec![12.0, 11.0, 2.0, 1.0]));
    }

    #[test]
    fn crops_come_from_everywhere_in_the_padded_image() {
        let cropped = seen(&image(2, 2).augmented(&Augment::new().pad(1).crop(2, 2)).unwrap());
        assert_eq!(cropped.len(), 9);
        assert!(cropped.contains(&vec![0.0, 0.0, 0.0, 1.0]) && cropped.contains(&vec![12.0, 0.0, 0.0, 0.0]));
        let smaller = seen(&image(3, 3).augmented(&Augment::new().crop(2, 2)).unwrap());
        assert_eq!(smaller, [[1., 2., 11., 12.], [2., 3., 12., 13.], [11., 12., 21., 22.], [12., 13., 22., 23.]]);
        let flipped = seen(&image(1, 3).augmented(&Augment::new().crop(1, 2).flip()).unwrap());
        assert_eq!(flipped, [[1.0, 2.0], [2.0, 1.0], [2.0, 3.0], [3.0, 2.0]]);
    }

    /// Rows are copied in whole; pixel by pixel they are the same.
    #[test]
    fn every_pixel_comes_from_its_place() {
        let samples = image(3, 5);
        let pixels = samples.read(0).unwrap();
        for by in [
            Augment::new().shift(7).flip().flip_vertically().fill(-1.0),
            Augment::new().shift(2).flip().pad(3).crop(4, 9).fill(-1.0),
            Augment::new().flip().crop(2, 3),
        ] {
            let augmented = Augmented::new(&samples, &by).unwrap();
            for epoch in 0..300 {
                let change = augmented.change(Draw::new(2, epoch, 0));
                let mut values = vec![f32::NAN; augmented.dims.iter().product()];
                augmented.read(0, Draw::new(2, epoch, 0), &mut values).unwrap();
                for (i, value) in values.into_iter().enumerate() {
                    let (y, x) = (change.rows.at(i / augmented.dims[1]), change.columns.at(i % augmented.dims[1]));
                    let inside = (0..3).contains(&y) && (0..5).contains(&x);
                    assert_eq!(value, if inside { pixels[(5 * y + x) as usize] } else { by.fill });
                }
            }
        }
    }

    #[test]
    fn rotations_turn_about_the_middle() {
        // A quarter turn, by hand: rows become columns.
        let samples = image(3, 3);
        let by = Augmented::new(&samples, &Augment::new()).unwrap();
        let turned = |turn: f32, whole: bool| {
            let change = Change { turn, whole, ..by.change(Draw::NONE) };
            let mut result = vec![0.0; 9];
            change.apply([3, 3], &samples.read(0).unwrap(), 3, &mut result);
            result
        };
        let quarter = turned(std::f32::consts::FRAC_PI_2, false);
        let expected = [21.0, 11.0, 1.0, 22.0, 12.0, 2.0, 23.0, 13.0, 3.0];
        let opposite: Vec<f32> = expected.iter().rev().copied().collect();
        let close = |expected: &[f32]| quarter.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(close(&expected) || close(&opposite), "{quarter:?}");
        assert_eq!(turned(0.3, false)[4], 12.0, "the middle stays");
        assert!(turned(0.3, true).iter().all(|v| v.fract() == 0.0), "classes are not interpolated");
        // Small turns are small: no pixel of a smooth image changes much.
        let smooth = Samples::numbers([9, 9], (0..81).map(|i| (i / 9 + i % 9) as f32).collect::<Vec<_>>()).unwrap();
        let turned = smooth.augmented(&Augment::new().rotate(5.0)).unwrap();
        for epoch in 0..50 {
            let (before, after) = (smooth.read(0).unwrap(), read(&turned, Draw::new(3, epoch, 0)));
            let inner = |i: &usize| (2..7).contains(&(i / 9)) && (2..7).contains(&(i % 9));
            assert!((0..81).filter(inner).all(|i| (before[i] - after[i]).abs() < 0.8));
            assert_ne!(before, after);
        }
    }

    #[test]
    fn all_channels_and_all_fields_change_alike() {
        let by = Augment::new().shift(2).flip().rotate(30.0).pad(1).crop(5, 6);
        let pixels: Vec<f32> = (0..30).map(|i| (i % 7) as f32).collect();
        let image = Samples::numbers([2, 5, 6], [&pixels[..], &pixels].concat()).unwrap().augmented(&by).unwrap();
        let grey = Samples::numbers([5, 6], pixels).unwrap().augmented(&by).unwrap();
        for epoch in 0..100 {
            let draw = Draw::new(9, epoch, 4);
            let (image, grey) = (read(&image, draw), read(&grey, draw));
            assert_eq!((&image[..30], &image[30..]), (&grey[..], &grey[..]));
        }
    }

    #[test]
    fn what_cannot_be_augmented_is_refused() {
        let table = Samples::numbers([6], [0.0; 6]).unwrap();
        says(
            table.augmented(&Augment::new()),
            &["expected images of shape [height, width]", "found numbers of shape [6]"],
        );
        says(image(3, 4).augmented(&Augment::new().crop(3, 5)), &["at least 3 x 5 pixels, padded by 0", "[3, 4]"]);
        says(image(3, 4).augmented(&Augment::new().crop(0, 1)), &["at least 0 x 1"]);
        for (by, word) in [
            (Augment::new().rotate(f32::NAN), "NaN degrees"),
            (Augment::new().rotate(181.0), "181 degrees"),
            (Augment::new().fill(f32::INFINITY), "fills with inf"),
            (Augment::new().shift(usize::MAX), "too much"),
            (Augment::new().pad(usize::MAX).crop(1, 1), "too much"),
        ] {
            says(image(3, 4).augmented(&by), &[word]);
        }
    }
}
