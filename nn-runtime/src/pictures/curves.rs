//! ROC and precision-recall curves, and the loss over the learning rate.

use super::Picture;
use super::axes::{Axis, Plot, Scale, legend, short};
use super::svg::{COLOURS, GREY};
use crate::fit::RangeTest;

/// Points of a named curve.
type Curve = (String, Vec<(f64, f64)>);

/// Receiver operating characteristics: for each curve a name and its points (false-positive rate, true-positive rate), in order
/// of the threshold. The area under each curve (by trapezoids) stands beside its name; the grey diagonal is guessing.
#[must_use]
pub fn roc<N: Into<String>>(curves: impl IntoIterator<Item = (N, Vec<(f64, f64)>)>) -> Picture {
    let curves: Vec<Curve> = curves.into_iter().map(|(name, points)| (name.into(), points)).collect();
    let names = curves.iter().map(|(name, points)| format!("{name} (area {})", short(area_under(points))));
    let names = names.collect();
    unit("ROC curve", ["false-positive rate", "true-positive rate"], curves, names, Some([(0.0, 0.0), (1.0, 1.0)]))
}

/// Precision over recall: for each curve a name and its points (recall, precision), in order of the threshold.
#[must_use]
pub fn precision_recall<N: Into<String>>(curves: impl IntoIterator<Item = (N, Vec<(f64, f64)>)>) -> Picture {
    let curves: Vec<Curve> = curves.into_iter().map(|(name, points)| (name.into(), points)).collect();
    let names = curves.iter().map(|(name, _)| name.clone()).collect();
    unit("Precision-recall curve", ["recall", "precision"], curves, names, None)
}

/// A picture whose axes go from 0 to 1.
fn unit(
    title: &str,
    [x, y]: [&'static str; 2],
    curves: Vec<Curve>,
    names: Vec<String>,
    guess: Option<[(f64, f64); 2]>,
) -> Picture {
    let entries: Vec<(String, usize, bool)> =
        names.into_iter().enumerate().map(|(i, name)| (name, i, i >= COLOURS.len())).collect();
    Picture::new(title, (560.0, 540.0 + 18.0 * (entries.len() as f64 / 2.0)), move |svg, area| {
        let taken = legend(svg, area, &entries);
        let axis = |label| Axis::new(label, 0.0, 1.0, Scale::Linear);
        let plot = Plot::new(svg, area.inside(0.0, taken, 0.0, 0.0), axis(x), axis(y));
        if let Some(ends) = guess {
            let ends: Vec<_> = ends.into_iter().filter_map(|end| plot.place(end)).collect();
            svg.curve(&ends, GREY, 1.0, true);
        }
        for ((_, points), (_, colour, dashed)) in curves.iter().zip(&entries) {
            plot.curve(svg, points, *colour, *dashed);
        }
    })
}

/// The area under a curve by trapezoids.
fn area_under(points: &[(f64, f64)]) -> f64 {
    points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[1].1 + pair[0].1) / 2.0).sum::<f64>().abs()
}

/// The loss over the learning rate, as [`range_test`](crate::RangeTest) measured it, with a line where the loss falls most steeply. The
/// learning rate's axis is logarithmic; the loss's ends at four times where it began, since what comes behind only blows up.
#[must_use]
pub fn loss_over_learning_rate(test: &RangeTest) -> Picture {
    let points: Vec<(f64, f64)> = test.points.iter().map(|&(rate, loss)| (rate, f64::from(loss))).collect();
    let steepest = test.steepest();
    let picture = Picture::new("Loss over learning rate", (640.0, 420.0), move |svg, area| {
        let x = Axis::around("learning rate", points.iter().map(|p| p.0), Scale::Log);
        let first = points.iter().map(|p| p.1).find(|v| v.is_finite()).unwrap_or(1.0);
        let largest = if first > 0.0 { 4.0 * first } else { f64::INFINITY };
        let y = Axis::around("loss", points.iter().map(|p| p.1).filter(|v| *v <= largest), Scale::Linear);
        let (low, high) = (y.low, y.high);
        let plot = Plot::new(svg, area, x, y);
        let line: Vec<_> =
            steepest.iter().flat_map(|&x| [plot.place((x, low)), plot.place((x, high))]).flatten().collect();
        svg.curve(&line, COLOURS[1], 1.5, true);
        plot.curve(svg, &points, 0, false);
    });
    match steepest {
        Some(rate) => picture.note(format!("falls most steeply at {}", short(rate))),
        None => picture,
    }
}
