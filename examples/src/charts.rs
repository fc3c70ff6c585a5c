//! The pictures that examples write, as SVG.

mod curve;
mod regions;

use std::path::Path;

use anyhow::Context;

pub use curve::CurveChart;
pub use regions::RegionChart;

/// Writes a picture's text, all of it or an error that names the file.
fn write(path: &Path, svg: &str) -> anyhow::Result<()> {
    std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}
