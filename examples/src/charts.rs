//! The pictures that examples write: charts as SVG, images as PNG.

mod curve;
mod forecast;
mod learnt;
mod regions;
pub mod sheet;

use std::path::Path;

use anyhow::Context;
use plotters::style::RGBColor;

pub use curve::CurveChart;
pub use forecast::ForecastChart;
pub use learnt::LearntChart;
pub use regions::RegionChart;
pub use sheet::Sheet;

/// Writes a picture, all of it or an error that names the file.
fn write(path: &Path, picture: impl AsRef<[u8]>) -> anyhow::Result<()> {
    std::fs::write(path, picture).with_context(|| format!("cannot write {}", path.display()))
}

/// A colour on white paper. Opaque, so that neighbouring rectangles show no seams.
fn blend(color: RGBColor, amount: f64) -> RGBColor {
    let mix = |channel: u8| (255.0 + (f64::from(channel) - 255.0) * amount) as u8;
    RGBColor(mix(color.0), mix(color.1), mix(color.2))
}
