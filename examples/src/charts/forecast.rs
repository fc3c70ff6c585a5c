//! A series: what a network has seen of it, what it forecasts, and what came.

use std::path::Path;

use plotters::prelude::*;

const TRUTH: RGBColor = RGBColor(170, 170, 170);
const SEEN: RGBColor = RGBColor(90, 90, 90);
const FORECAST: RGBColor = RGBColor(214, 69, 65);

/// What to draw. Steps are counted from the first one that the network has seen.
#[derive(Clone, Debug)]
pub struct ForecastChart<'a> {
    /// Stands above the picture.
    pub title: &'a str,
    /// The series without its noise, over all steps.
    pub truth: &'a [f64],
    /// What the network has seen.
    pub seen: &'a [f64],
    /// What came after that.
    pub came: &'a [f64],
    /// What the network said would come.
    pub forecast: &'a [f64],
}

impl ForecastChart<'_> {
    /// Draws the chart and writes it to a file.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (1000, 420)).into_drawing_area();
            root.fill(&WHITE)?;
            let all = || [self.truth, self.seen, self.came, self.forecast].into_iter().flatten().copied();
            let finite = || all().filter(|y| y.is_finite());
            let (low, high) = (finite().fold(-1.0, f64::min), finite().fold(1.0, f64::max));
            let margin = 0.08 * (high - low);
            let now = self.seen.len() as f64 - 0.5;
            let steps = self.truth.len().max(self.seen.len() + self.came.len().max(self.forecast.len())) as f64;
            // Room for the legend above the curves.
            let mut chart = ChartBuilder::on(&root)
                .caption(self.title, ("sans-serif", 18))
                .margin(14)
                .x_label_area_size(34)
                .y_label_area_size(48)
                .build_cartesian_2d(0.0..steps, low - margin..high + 4.0 * margin)?;
            chart.configure_mesh().light_line_style(TRANSPARENT).x_desc("step").draw()?;
            let from = |first: usize, values: &[f64]| -> Vec<(f64, f64)> {
                values.iter().enumerate().map(|(t, &y)| ((first + t) as f64, y)).collect()
            };
            chart.draw_series(LineSeries::new(vec![(now, low - margin), (now, high + margin)], BLACK.mix(0.5)))?;
            let line = |color: RGBColor, width: u32| {
                move |(x, y): (i32, i32)| PathElement::new(vec![(x, y), (x + 22, y)], color.stroke_width(width))
            };
            chart
                .draw_series(LineSeries::new(from(0, self.truth), TRUTH.stroke_width(5)))?
                .label("truth without noise")
                .legend(line(TRUTH, 5));
            chart
                .draw_series(LineSeries::new(from(0, self.seen), SEEN.stroke_width(1)))?
                .label("what the network sees")
                .legend(line(SEEN, 1));
            let dots = from(self.seen.len(), self.came);
            chart
                .draw_series(dots.into_iter().map(|point| Circle::new(point, 2, SEEN.filled())))?
                .label("what came")
                .legend(|(x, y)| Circle::new((x + 11, y), 2, SEEN.filled()));
            chart
                .draw_series(LineSeries::new(from(self.seen.len(), self.forecast), FORECAST.stroke_width(2)))?
                .label("forecast")
                .legend(line(FORECAST, 2));
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.85))
                .border_style(BLACK.mix(0.2))
                .label_font(("sans-serif", 13))
                .draw()?;
            root.present()?;
        }
        super::write(path, svg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_drawn() {
        let path = std::env::temp_dir().join(format!("nn-forecast-{}.svg", std::process::id()));
        let wave: Vec<f64> = (0..30).map(|t| f64::from(t).sin()).collect();
        let chart = ForecastChart {
            title: "a title",
            truth: &wave,
            seen: &wave[..20],
            came: &wave[20..],
            forecast: &[f64::NAN; 10],
        };
        chart.save(&path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for text in ["a title", "truth without noise", "what the network sees", "what came", "forecast"] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("<circle").count(), 10 + 1);
    }
}
