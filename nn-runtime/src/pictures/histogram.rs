//! How numbers are distributed: weights and gradients by layer.

use super::Picture;
use super::axes::{Axis, Plot, Scale, short};
use super::svg::{Anchor, COLOURS, GREY, INK, SMALL, TEXT, fitted};
use crate::checkpoint;
use crate::error::Result;
use crate::network::{Gradients, Net};

const BINS: usize = 40;

/// Counts in equal bins over the range of the finite values.
struct Bins {
    name: String,
    low: f64,
    high: f64,
    counts: Vec<usize>,
    note: String,
}

impl Bins {
    fn of(name: &str, values: &[f32]) -> Self {
        let finite = || values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v));
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let count = finite().count();
        let (low, high) = match (low, high) {
            _ if count == 0 => (-1.0, 1.0),
            (low, high) if low < high => (low, high),
            (low, _) => (low - low.abs().max(1e-6) * 0.5, low + low.abs().max(1e-6) * 0.5),
        };
        let mut counts = vec![0; BINS];
        for value in finite() {
            let bin = ((value - low) / (high - low) * BINS as f64) as usize;
            counts[bin.min(BINS - 1)] += 1;
        }
        let mean = finite().sum::<f64>() / count.max(1) as f64;
        let deviation = (finite().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count.max(1) as f64).sqrt();
        let mut note = format!("{} values, mean {}, deviation {}", values.len(), short(mean), short(deviation));
        if count < values.len() {
            note = format!("{note}; {} not finite", values.len() - count);
        }
        Bins { name: name.to_owned(), low, high, counts, note }
    }
}

/// How these numbers are distributed, in 40 equal bins over their range.
#[must_use]
pub fn histogram(name: &str, values: &[f32]) -> Picture {
    panels("Histogram", vec![Bins::of(name, values)])
}

/// A histogram for each of these named numbers.
fn panels(title: &str, bins: Vec<Bins>) -> Picture {
    let columns = bins.len().clamp(1, 3);
    let rows = bins.len().div_ceil(columns);
    let size =
        if bins.len() == 1 { (560.0, 360.0) } else { (28.0 + 320.0 * columns as f64, 60.0 + 200.0 * rows as f64) };
    Picture::new(title, size, move |svg, area| {
        if bins.is_empty() {
            svg.text((area.x, area.y + TEXT), Anchor::Start, TEXT, INK, "nothing to show");
        }
        for (bins, cell) in bins.iter().zip(area.cells(columns, rows, 18.0)) {
            svg.heading((cell.x, cell.y + TEXT), Anchor::Start, TEXT, &fitted(&bins.name, TEXT * 1.1, cell.width));
            let note = fitted(&bins.note, SMALL, cell.width);
            svg.text((cell.x, cell.y + TEXT + SMALL + 4.0), Anchor::Start, SMALL, GREY, &note);
            let highest = bins.counts.iter().copied().max().unwrap_or(0).max(1);
            let x = Axis::new("value", bins.low, bins.high, Scale::Linear);
            let y = Axis::new("count", 0.0, highest as f64 * 1.05, Scale::Whole);
            let plot = Plot::new(svg, cell.inside(0.0, TEXT + SMALL + 10.0, 0.0, 0.0), x, y);
            let width = (bins.high - bins.low) / BINS as f64;
            for (i, &count) in bins.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let left = bins.low + width * i as f64;
                let bar = plot.between((left, 0.0), (left + width, count as f64));
                let hint = format!("{} to {}: {count}", short(left), short(left + width));
                svg.rect(bar.inside(0.5, 0.0, 0.5, 0.0), COLOURS[0], &hint);
            }
        }
    })
}

/// A histogram of each parameter of a network, running statistics too, in order of declaration.
///
/// # Errors
/// If the device fails.
pub fn weights(net: &impl AsRef<Net>) -> Result<Picture> {
    let net = net.as_ref();
    let all = net.backend.parameters()?;
    let parameters = net.program.parameters.iter().map(|p| Bins::of(p.name, checkpoint::slice(p, &all)));
    Ok(panels("Weights by layer", parameters.collect()))
}

/// A histogram of the gradient of each parameter, in order of declaration.
#[must_use]
pub fn gradients(gradients: &Gradients) -> Picture {
    let bins = gradients.parameters().map(|(name, values)| Bins::of(name, values));
    panels("Gradients by layer", bins.collect())
}
