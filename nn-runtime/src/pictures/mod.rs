//! Pictures of training and of networks, as SVG and PNG: the history of a run, confusion matrices, ROC and PR curves, histograms,
//! filters, decision regions, the network as a graph, the memory plan. With the feature `pictures`.
//!
//! Every function gives a [`Picture`], which is drawn when it is asked for:
//!
//! ```
//! # fn main() -> nn_runtime::Result<()> {
//! use nn_runtime::pictures;
//!
//! let picture = pictures::histogram("weights", &[0.1, -0.2, 0.4, 0.05]).title("Before training").size(480, 320);
//! let svg = picture.to_svg();
//! assert!(svg.starts_with("<svg"));
//! # let path = std::env::temp_dir().join(format!("nn-picture-{}.png", std::process::id()));
//! picture.save(&path)?; // `.svg` or `.png`
//! # std::fs::remove_file(&path).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! Colours are told apart by colour-blind people, backgrounds are white, and no font of the system is needed: SVG names the
//! usual ones, and PNG is drawn with an embedded DejaVu Sans.

mod axes;
mod confusion;
mod curves;
mod filters;
mod graph;
mod histogram;
mod history;
mod html;
mod layered;
mod memory;
mod png;
mod regions;
mod svg;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use self::svg::{Anchor, Area, GREY, Svg, TEXT, fitted};
use crate::error::{Error, Result};

pub use confusion::confusion_matrix;
pub use curves::{loss_over_learning_rate, precision_recall, roc};
pub use filters::filters;
pub use graph::graph;
pub use histogram::{gradients, histogram, weights};
pub use history::history;
pub use html::HtmlReport;
pub use memory::memory;
pub use regions::{regions, surface};

/// Air around everything.
const MARGIN: f64 = 14.0;
/// Sides of a picture, in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 64..=16_384;

type Draw = dyn Fn(&mut Svg, Area) + Send + Sync;

/// A picture, drawn at the size it is given when it is saved or turned into SVG.
#[derive(Clone)]
pub struct Picture {
    title: String,
    note: String,
    width: u32,
    height: u32,
    draw: Arc<Draw>,
}

impl Picture {
    fn new(
        title: impl Into<String>,
        (width, height): (f64, f64),
        draw: impl Fn(&mut Svg, Area) + Send + Sync + 'static,
    ) -> Self {
        let side = |length: f64| (length.ceil() as u32).clamp(*SIDES.start(), *SIDES.end());
        let (width, height) = (side(width), side(height));
        Picture { title: title.into(), note: String::new(), width, height, draw: Arc::new(draw) }
    }

    /// A line under the title, in grey.
    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Another title; none if empty.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Another size in pixels than the one that suits what is shown, 64 to 16,384 each way (what is outside is brought
    /// inside). PNG files have twice as many pixels each way, so that they are sharp on all screens.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) =
            (width.clamp(*SIDES.start(), *SIDES.end()), height.clamp(*SIDES.start(), *SIDES.end()));
        self
    }

    /// As the text of an SVG file.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let mut svg = Svg::default();
        let mut area = Area { x: 0.0, y: 0.0, width, height }.inside(MARGIN, MARGIN, MARGIN, MARGIN);
        let mut line = |size: f64, fill: Option<&str>, text: &str| {
            if !text.is_empty() {
                let text = fitted(text, size * 1.08, area.width);
                match fill {
                    Some(fill) => svg.text((area.x, area.y + size), Anchor::Start, size, fill, &text),
                    None => svg.heading((area.x, area.y + size), Anchor::Start, size, &text),
                }
                area = area.inside(0.0, size + 8.0, 0.0, 0.0);
            }
        };
        line(15.0, None, &self.title);
        line(TEXT, Some(GREY), &self.note);
        (self.draw)(&mut svg, area);
        svg.finish(width, height, &self.title)
    }

    /// As the bytes of a PNG file, with twice as many pixels each way as [`size`](Self::size) says.
    ///
    /// # Errors
    /// If there is no memory for so many pixels.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        png::encode(&self.to_svg())
    }

    /// Writes it to a file, in the format that the name ends with: `.svg` or `.png`.
    ///
    /// # Errors
    /// If the name ends otherwise, or if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("svg") => write(path, self.to_svg().as_bytes()),
            Some("png") => write(path, &self.to_png()?),
            other => Err(Error::Option(format!(
                "{}: a picture is saved as `.svg` or `.png`, but this name ends with {}",
                path.display(),
                other.map_or("neither".to_owned(), |other| format!("`.{other}`"))
            ))),
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|source| Error::File { path: path.display().to_string(), source })
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture {{ title: {:?}, {} x {} }}", self.title, self.width, self.height)
    }
}

#[cfg(test)]
mod tests;
