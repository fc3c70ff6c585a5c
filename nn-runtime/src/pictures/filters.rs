//! The filters of a convolution, as small images.

use super::Picture;
use super::axes::short;
use super::svg::{Anchor, Area, GREY, INK, SMALL, TEXT, diverging, width};
use crate::error::{Error, Result};
use crate::network::Net;

/// Most images of a picture; the others are counted under the title.
const MOST: usize = 1024;

/// The filters of a convolution's weight, `[filters, channels, height, width]` (or `[…, length]`), as a grid of images: a row for each
/// filter, a column for each channel; filters of one channel fill rows of 8. With three channels a filter is one picture in colour.
/// Orange is positive, blue negative, white 0; the scale is the same for all and stands beneath.
///
/// # Errors
/// If there is no such parameter, if it is not the weight of a convolution, or if the device fails.
pub fn filters(net: &impl AsRef<Net>, parameter: &str) -> Result<Picture> {
    let net = net.as_ref();
    let values = net.parameter(parameter)?;
    let dims = net.parameters().find(|p| p.name == parameter).map_or(&[][..], |p| p.dims);
    match *dims {
        [filters, channels, height, width] => Ok(grid(parameter, values, [filters, channels, height, width])),
        [filters, channels, length] => Ok(grid(parameter, values, [filters, channels, 1, length])),
        _ => Err(Error::Option(format!(
            "`{parameter}` has shape {dims:?}, but filters are the weight of a convolution: [filters, channels, height, width]"
        ))),
    }
}

fn grid(parameter: &str, values: Vec<f32>, [filters, channels, height, wide]: [usize; 4]) -> Picture {
    let colour = channels == 3 && height > 1;
    let images = if colour { filters } else { filters * channels };
    let columns = if channels == 1 || colour { filters.clamp(1, 8) } else { channels.min(32) };
    let (shown, images_all) = (images.min(MOST), images);
    let rows = shown.div_ceil(columns);
    let largest = values.iter().filter(|v| v.is_finite()).fold(0.0_f32, |l, v| l.max(v.abs()));
    let pixel = (480.0 / (columns * wide) as f64).clamp(3.0, 14.0);
    let size = (
        (columns as f64 * (pixel * wide as f64 + 4.0)).max(320.0) + 28.0,
        rows as f64 * (pixel * height as f64 + 4.0) + 110.0,
    );
    let mut note = format!("{filters} filters over {channels} channels, {height} x {wide}");
    if shown < images_all {
        note = format!("{note}; the first {shown} of {images_all} images");
    }
    Picture::new(parameter, size, move |svg, area| {
        let room = area.inside(0.0, 0.0, 0.0, 34.0);
        let fits =
            |room: f64, count: usize, across: usize| (room - 4.0 * (count - 1) as f64) / (count * across).max(1) as f64;
        let pixel = fits(room.width, columns.max(1), wide).min(fits(room.height, rows.max(1), height)).max(0.25);
        let scale = f64::from(largest.max(f32::MIN_POSITIVE));
        for image in 0..shown {
            let x0 = room.x + (image % columns) as f64 * (pixel * wide as f64 + 4.0);
            let y0 = room.y + (image / columns) as f64 * (pixel * height as f64 + 4.0);
            for i in 0..height * wide {
                let at =
                    |channel: usize| values.get(channel * height * wide + i).map_or(0.0, |v| f64::from(*v) / scale);
                let fill = if colour {
                    let [r, g, b] = [0, 1, 2].map(|c| ((at(image * 3 + c) + 1.0) * 127.5).clamp(0.0, 255.0) as u8);
                    format!("#{r:02x}{g:02x}{b:02x}")
                } else {
                    diverging(at(image))
                };
                // A little overlap, so that no seams show.
                let cell = Area {
                    x: x0 + (i % wide) as f64 * pixel,
                    y: y0 + (i / wide) as f64 * pixel,
                    width: pixel + 0.3,
                    height: pixel + 0.3,
                };
                svg.rect(cell, &fill, "");
            }
            let frame = Area { x: x0, y: y0, width: pixel * wide as f64, height: pixel * height as f64 };
            svg.outlined(frame, "none", "#c8ccd0", "");
        }
        let y = area.bottom() - 16.0;
        let (low, high) = (format!("-{}", short(scale)), short(scale));
        if largest == 0.0 {
            return svg.text((area.x, y + 10.0), Anchor::Start, TEXT, INK, "all weights are 0");
        }
        svg.text((area.x, y + 10.0), Anchor::Start, SMALL, GREY, &low);
        let start = area.x + width(&low, SMALL) + 8.0;
        if colour {
            let text = "each colour: its channel's weight";
            svg.text((start, y + 10.0), Anchor::Start, SMALL, GREY, &format!("to {high}; {text}"));
        } else {
            let bar = (area.right() - start - width(&high, SMALL) - 8.0).clamp(20.0, 160.0);
            for i in 0..40 {
                let x = start + bar * f64::from(i) / 40.0;
                let cell = Area { x, y, width: bar / 40.0 + 0.3, height: 12.0 };
                svg.rect(cell, &diverging(f64::from(i) / 19.5 - 1.0), "");
            }
            svg.text((start + bar + 8.0, y + 10.0), Anchor::Start, SMALL, GREY, &high);
        }
    })
    .note(note)
}
