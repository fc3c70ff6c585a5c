//! Small images in rows and columns, as PNG.

use std::path::Path;

use anyhow::Context;
use image::{Rgb, RgbImage};

/// Pixels of the picture along one side of an image's pixel.
const ZOOM: usize = 3;
/// Pixels between images.
const GAP: usize = 6;

/// What to draw.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Pixels along one side of each image.
    side: usize,
    rows: Vec<Vec<Vec<Rgb<u8>>>>,
}

impl Sheet {
    /// Nothing yet; for images of so many pixels a side.
    pub fn new(side: usize) -> Self {
        Self { side, rows: Vec::new() }
    }

    /// Adds a row of images, each the colours of its pixels, row after row. What an image has too little is white.
    pub fn row(&mut self, images: impl IntoIterator<Item = Vec<Rgb<u8>>>) {
        self.rows.push(images.into_iter().collect());
    }

    /// Draws the rows and writes them to a file.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let cell = self.side * ZOOM + GAP;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let [width, height] = [columns, self.rows.len()].map(|cells| (GAP + cells * cell) as u32);
        let white = Rgb([255; 3]);
        let picture = RgbImage::from_fn(width, height, |x, y| {
            // Which image, and which of its pixels; there is a gap before each.
            let place = |at: u32| Some((at as usize / cell, (at as usize % cell).checked_sub(GAP)? / ZOOM));
            let (Some((column, x)), Some((row, y))) = (place(x), place(y)) else { return white };
            let image = self.rows.get(row).and_then(|images| images.get(column));
            image.and_then(|pixels| pixels.get(y * self.side + x)).copied().unwrap_or(white)
        });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).context("cannot draw the picture")?;
        super::write(path, png.into_inner())
    }
}

/// The pixels of an image that has a channel for each of red, green and blue, from 0 to 1.
pub fn colored(image: &[f32]) -> Vec<Rgb<u8>> {
    let size = image.len() / 3;
    (0..size).map(|i| Rgb([0, size, 2 * size].map(|channel| byte(image[channel + i])))).collect()
}

/// The pixels of an image from 0 (paper) to 1 (ink).
pub fn inked(image: &[f32]) -> Vec<Rgb<u8>> {
    image.iter().map(|ink| Rgb([byte(1.0 - ink); 3])).collect()
}

fn byte(share: f32) -> u8 {
    (share * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stand_in_their_cells_with_gaps_around() {
        let path = std::env::temp_dir().join(format!("nn-sheet-{}.png", std::process::id()));
        let mut sheet = Sheet::new(2);
        sheet.row([inked(&[1.0, 0.0, 0.0, 1.0]), colored(&[1.0; 12])]);
        sheet.row([colored(&[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5])]);
        sheet.save(&path).unwrap();
        let picture = image::load_from_memory(&std::fs::read(&path).unwrap()).unwrap().into_rgb8();
        std::fs::remove_file(&path).unwrap();
        let (cell, gap, zoom) = ((2 * ZOOM + GAP) as u32, GAP as u32, ZOOM as u32);
        assert_eq!(picture.dimensions(), (gap + 2 * cell, gap + 2 * cell));
        assert_eq!(picture.get_pixel(gap, gap).0, [0; 3]);
        assert_eq!(picture.get_pixel(gap + zoom, gap).0, [255; 3]);
        assert_eq!(picture.get_pixel(gap - 1, gap).0, [255; 3]);
        assert_eq!(picture.get_pixel(gap + zoom, cell + gap + zoom).0, [255, 0, 128]);
        assert_eq!(picture.get_pixel(cell + gap, cell + gap).0, [255; 3]);
    }
}
