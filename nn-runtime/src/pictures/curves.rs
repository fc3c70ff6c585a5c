//! ROC and precision-recall curves, and the loss over the learning rate.

use super::Picture;
use super::axes::{Axis, Plot, Scale, legend, short};
use super::svg::{COLOURS, GREY};
use crate::fit::RangeTest;
use crate::metrics::{PrCurve, RocCurve};

/// Points of a named curve.
type Curve = (String, Vec<(f64, f64)>);

/// Receiver operating characteristics, a curve for each name. The area under each curve stands beside its name; the grey diagonal is
/// guessing. With a metric `roc = roc_curve(…)`, `pictures::roc([("digits", &report.roc)])`.
#[must_use]
pub fn roc<'a, N: Into<String>>(curves: impl IntoIterator<Item = (N, &'a RocCurve)>) -> Picture {
    let curves = curves.into_iter().map(|(name, curve)| {
        let points = curve.fpr.iter().copied().zip(curve.tpr.iter().copied()).collect();
        (format!("{} (area {})", name.into(), short(curve.auc())), points)
    });
    let guess = Some([(0.0, 0.0), (1.0, 1.0)]);
    unit("ROC curve", ["false-positive rate", "true-positive rate"], curves.collect(), guess)
}

/// Precision over recall, a curve for each name. The average precision of each curve stands beside its name.
#[must_use]
pub fn precision_recall<'a, N: Into<String>>(curves: impl IntoIterator<Item = (N, &'a PrCurve)>) -> Picture {
    let curves = curves.into_iter().map(|(name, curve)| {
        let points = curve.recall.iter().copied().zip(curve.precision.iter().copied()).collect();
        (format!("{} (average {})", name.into(), short(curve.average_precision())), points)
    });
    unit("Precision-recall curve", ["recall", "precision"], curves.collect(), None)
}

/// A picture whose axes go from 0 to 1.
fn unit(title: &str, [x, y]: [&'static str; 2], curves: Vec<Curve>, guess: Option<[(f64, f64); 2]>) -> Picture {
    let entries: Vec<(String, usize, bool)> =
        curves.iter().enumerate().map(|(i, (name, _))| (name.clone(), i, i >= COLOURS.len())).collect();
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
