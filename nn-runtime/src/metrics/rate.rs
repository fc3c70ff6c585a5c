//! Rates of decisions: precision, recall and their relatives.

use super::{Figure, Value};
use crate::program::{Average, Rate};

/// Decisions about one class.
#[derive(Clone, Copy)]
struct Counts {
    /// Rightly for it.
    right: f64,
    /// For it.
    predicted: f64,
    /// It should have been.
    actual: f64,
    all: f64,
}

impl Counts {
    /// The same decisions, seen from the class "not this one".
    fn opposite(self) -> Self {
        let Counts { right, predicted, actual, all } = self;
        Counts { right: all - predicted - actual + right, predicted: all - predicted, actual: all - actual, all }
    }

    fn rate(self, rate: Rate) -> f64 {
        let Counts { right, predicted, actual, all } = self;
        let negatives = all - actual;
        let wrongly = predicted - right;
        match rate {
            Rate::Precision => over(right, predicted),
            Rate::Recall => over(right, actual),
            Rate::FBeta(beta) => {
                let weight = beta * beta;
                over((1.0 + weight) * right, weight * actual + predicted)
            }
            Rate::Specificity => over(negatives - wrongly, negatives),
            Rate::FalsePositiveRate => over(wrongly, negatives),
        }
    }
}

/// A fraction; 0 where there is no case.
fn over(part: f64, all: f64) -> f64 {
    if all == 0.0 { 0.0 } else { part / all }
}

/// Of counts of each class: rightly for it, for it, should be for it; there are `all` decisions about each, or as many as a fourth count
/// says.
pub(super) fn value(rate: Rate, average: Average, counts: &[f64], all: Option<f64>) -> Value {
    let classes = counts.len() / if all.is_some() { 3 } else { 4 };
    let of_class = |class: usize| {
        let [right, predicted, actual] = [0, 1, 2].map(|k| counts[k * classes + class]);
        Counts { right, predicted, actual, all: all.unwrap_or_else(|| counts[3 * classes + class]) }
    };
    let mut all_classes: Vec<Counts> = (0..classes).map(of_class).collect();
    if let ([yes], true) = (&all_classes[..], average != Average::Binary) {
        all_classes.insert(0, yes.opposite());
    }
    let rates = || all_classes.iter().map(|c| c.rate(rate));
    let sum = |of: fn(&Counts) -> f64| all_classes.iter().map(of).sum::<f64>();
    Value::Number(match average {
        Average::None => return Value::Figure(Figure::PerClass(rates().collect())),
        Average::Binary => rates().next_back().unwrap_or(0.0),
        Average::Macro => over(rates().sum(), all_classes.len() as f64),
        Average::Weighted => {
            let weighted = rates().zip(&all_classes).map(|(rate, class)| rate * class.actual);
            over(weighted.sum(), sum(|c| c.actual))
        }
        Average::Micro => {
            let (right, predicted) = (sum(|c| c.right), sum(|c| c.predicted));
            Counts { right, predicted, actual: sum(|c| c.actual), all: sum(|c| c.all) }.rate(rate)
        }
    })
}
