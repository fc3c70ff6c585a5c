//! What a network of two inputs says, over the plane.

use std::ops::Range;

use super::Picture;
use super::axes::{Axis, Plot, Scale, short};
use super::svg::{Anchor, Area, COLOURS, GREY, PAPER, SMALL, Svg, fitted, viridis, width};
use crate::error::Result;

/// Points along each side of the plane at which the network is asked.
const GRID: usize = 160;

/// Which class a network of two inputs gives each point of the plane, and samples with their classes over it. `classify` is asked
/// once, with 160 x 160 points:
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::pictures;
/// let classify = |points: &[[f32; 2]]| Ok(points.iter().map(|[x, y]| u32::from(x * x + y * y > 0.5)).collect());
/// let samples = [([0.1, 0.2], 0), ([0.9, 0.8], 1)];
/// let picture = pictures::regions(-1.0..1.0, -1.0..1.0, &samples, classify)?;
/// # let _ = picture.to_svg();
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of `classify`.
pub fn regions(
    x: Range<f32>,
    y: Range<f32>,
    samples: &[([f32; 2], u32)],
    classify: impl FnOnce(&[[f32; 2]]) -> Result<Vec<u32>>,
) -> Result<Picture> {
    let classes = classify(&points(&x, &y))?;
    let samples = samples.to_vec();
    let light = |class: u32| mixed(COLOURS[class as usize % COLOURS.len()]);
    Ok(Picture::new("Decision regions", (600.0, 590.0), move |svg, area| {
        let plot = plane(svg, area, &x, &y);
        paint(svg, &plot, &x, &y, &classes, |class| light(*class), |class| format!("class {class}"));
        for &([sx, sy], class) in &samples {
            if let Some(at) = plot.place((f64::from(sx), f64::from(sy))) {
                svg.dot(at, 4.2, PAPER, "");
                svg.dot(at, 3.2, COLOURS[class as usize % COLOURS.len()], &format!("({sx}, {sy}): class {class}"));
            }
        }
    }))
}

/// The number that a network of two inputs gives each point of the plane: the darker the smaller, with a scale beside it. `value` is
/// asked once, with 160 x 160 points.
///
/// # Errors
/// Those of `value`.
pub fn surface(x: Range<f32>, y: Range<f32>, value: impl FnOnce(&[[f32; 2]]) -> Result<Vec<f32>>) -> Result<Picture> {
    let values = value(&points(&x, &y))?;
    let finite = values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
    let (low, high) = (f64::from(low), f64::from(high));
    Ok(Picture::new("Values over the plane", (680.0, 590.0), move |svg, area| {
        let labels = [short(high), short((low + high) / 2.0), short(low)];
        let room = labels.iter().map(|l| width(l, SMALL)).fold(0.0, f64::max) + 44.0;
        let plot = plane(svg, area.inside(0.0, 0.0, room, 0.0), &x, &y);
        let fill = |value: &f32| match value.is_finite() {
            true => viridis((f64::from(*value) - low) / (high - low)),
            false => "#9a9a9a".to_owned(),
        };
        // What looks alike is one rectangle.
        let steps: Vec<f32> = values.iter().map(|v| ((v - low as f32) / (high - low) as f32 * 128.0).round()).collect();
        let steps: Vec<f32> = steps.iter().map(|s| s / 128.0 * (high - low) as f32 + low as f32).collect();
        paint(svg, &plot, &x, &y, &steps, fill, |_| String::new());
        let left = plot.area.right() + 20.0;
        for i in 0..64 {
            let height = plot.area.height / 64.0;
            let y = plot.area.bottom() - height * f64::from(i + 1);
            svg.rect(Area { x: left, y, width: 14.0, height: height + 0.3 }, &viridis(f64::from(i) / 63.0), "");
        }
        for (label, part) in labels.iter().zip([0.0, 0.5, 1.0]) {
            let y = plot.area.y + plot.area.height * part + SMALL * 0.36;
            svg.text((left + 19.0, y), Anchor::Start, SMALL, GREY, &fitted(label, SMALL, room - 39.0));
        }
    }))
}

fn points(x: &Range<f32>, y: &Range<f32>) -> Vec<[f32; 2]> {
    let along = |range: &Range<f32>, i: usize| range.start + (range.end - range.start) * (i as f32 + 0.5) / GRID as f32;
    (0..GRID * GRID).map(|i| [along(x, i % GRID), along(y, i / GRID)]).collect()
}

fn plane(svg: &mut Svg, area: Area, x: &Range<f32>, y: &Range<f32>) -> Plot {
    let axis =
        |label, range: &Range<f32>| Axis::new(label, f64::from(range.start), f64::from(range.end), Scale::Linear);
    Plot::new(svg, area, axis("first input", x), axis("second input", y))
}

/// Fills the plane, with one rectangle for each run of equal cells in a row.
fn paint<T: PartialEq>(
    svg: &mut Svg,
    plot: &Plot,
    x: &Range<f32>,
    y: &Range<f32>,
    cells: &[T],
    fill: impl Fn(&T) -> String,
    hint: impl Fn(&T) -> String,
) {
    let at = |range: &Range<f32>, i: usize| {
        f64::from(range.start) + f64::from(range.end - range.start) * i as f64 / GRID as f64
    };
    for (row, cells) in cells.chunks(GRID).enumerate() {
        let mut start = 0;
        for run in cells.chunk_by(|a, b| a == b) {
            let area = plot.between((at(x, start), at(y, row)), (at(x, start + run.len()), at(y, row + 1)));
            svg.rect(area.inside(0.0, -0.8, -0.5, 0.0), &fill(&run[0]), &hint(&run[0]));
            start += run.len();
        }
    }
}

/// A light tone of a colour.
fn mixed(colour: &str) -> String {
    let part = |i: usize| u8::from_str_radix(colour.get(i..i + 2).unwrap_or("00"), 16).unwrap_or(0);
    let light = |c: u8| 255 - (255 - c) / 3;
    format!("#{:02x}{:02x}{:02x}", light(part(1)), light(part(3)), light(part(5)))
}
