//! Two charts side by side: a curve with the one that was fitted to it, and the loss over epochs.

use std::ops::Range;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

/// Points of the true curve and of the fitted one.
const TRUTH: RGBColor = RGBColor(120, 120, 120);
const FITTED: RGBColor = RGBColor(214, 69, 65);
const LOSS: RGBColor = RGBColor(41, 98, 168);

/// What to draw.
#[derive(Clone, Debug)]
pub struct CurveChart<'a> {
    /// Stands above the curves.
    pub title: &'a str,
    /// The true curve, by ascending x.
    pub truth: &'a [(f64, f64)],
    /// The fitted curve, by ascending x.
    pub fitted: &'a [(f64, f64)],
    /// The mean loss of each epoch.
    pub losses: &'a [f64],
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

impl CurveChart<'_> {
    /// Draws the chart and writes it to a file.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (1000, 420)).into_drawing_area();
            root.fill(&WHITE)?;
            let (left, right) = root.split_horizontally(520);
            self.draw_curves(&left)?;
            self.draw_losses(&right)?;
            root.present()?;
        }
        super::write(path, svg)
    }

    fn draw_curves<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        let points = || self.truth.iter().chain(self.fitted);
        let x_range = range(points().map(|point| point.0));
        let y_range = range(points().map(|point| point.1));
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(34)
            .y_label_area_size(56)
            .build_cartesian_2d(x_range, y_range)?;
        chart.configure_mesh().light_line_style(TRANSPARENT).x_desc("x").y_desc("y").draw()?;
        let sample = |x: i32, y: i32, color: RGBColor, width| {
            PathElement::new(vec![(x, y), (x + 22, y)], color.stroke_width(width))
        };
        chart
            .draw_series(LineSeries::new(self.truth.iter().copied(), TRUTH.stroke_width(7)))?
            .label("true curve")
            .legend(move |(x, y)| sample(x, y, TRUTH, 7));
        chart
            .draw_series(LineSeries::new(self.fitted.iter().copied(), FITTED.stroke_width(2)))?
            .label("fitted by the network")
            .legend(move |(x, y)| sample(x, y, FITTED, 2));
        chart
            .configure_series_labels()
            .position(self.legend_position())
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .label_font(("sans-serif", 14))
            .draw()
    }

    /// Above the middle of a curve that is open above, else below.
    fn legend_position(&self) -> SeriesLabelPosition {
        let y = |i: usize| self.truth.get(i).map_or(0.0, |point| point.1);
        let last = self.truth.len().saturating_sub(1);
        if 2.0 * y(last / 2) <= y(0) + y(last) {
            SeriesLabelPosition::UpperMiddle
        } else {
            SeriesLabelPosition::LowerMiddle
        }
    }

    fn draw_losses<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        // A logarithmic axis has no place for zero or for what is not a number.
        let points = self.losses.iter().enumerate().map(|(epoch, &loss)| ((epoch + 1) as f64, loss));
        let points = points.filter(|&(_, loss)| loss.is_finite() && loss > 0.0).collect::<Vec<_>>();
        let low = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|point| point.1).fold(0.0, f64::max);
        let y_range = if points.is_empty() { 0.1..1.0 } else { low / 1.5..high * 1.5 };
        let mut chart = ChartBuilder::on(area)
            .caption("loss over epochs", ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(34)
            .y_label_area_size(62)
            .build_cartesian_2d(1.0..(self.losses.len() as f64).max(2.0), y_range.log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("epoch")
            .y_desc("mean squared error")
            .x_label_formatter(&|epoch| format!("{epoch:.0}"))
            .y_label_formatter(&|loss| format!("{loss:.0e}"))
            .draw()?;
        chart.draw_series(LineSeries::new(points, LOSS.stroke_width(2)))?;
        Ok(())
    }
}

/// From the lowest to the highest value, with a margin; never empty.
fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return -1.0..1.0;
    }
    let margin = ((high - low) * 0.05).max(1e-3);
    low - margin..high + margin
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws a chart and gives its text.
    fn draw(name: &str, truth: &[(f64, f64)], fitted: &[(f64, f64)], losses: &[f64]) -> String {
        let path = std::env::temp_dir().join(format!("nn-{name}-{}.svg", std::process::id()));
        CurveChart { title: "a title", truth, fitted, losses }.save(&path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        svg
    }

    #[test]
    fn both_curves_and_the_losses_are_drawn() {
        let curve = (-10..=10).map(|i| (f64::from(i) / 10.0, f64::from(i * i))).collect::<Vec<_>>();
        let svg = draw("curve", &curve, &curve, &[3.0, 1.0, 0.01]);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        for text in ["a title", "true curve", "fitted by the network", "loss over epochs"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.matches("<polyline").count() >= 3);
    }

    #[test]
    fn nothing_to_draw_is_no_error() {
        draw("empty", &[], &[], &[]);
        draw("nan", &[(0.0, 1.0)], &[(0.0, f64::NAN)], &[f64::NAN, 0.0]);
    }
}
