//! Curves over all thresholds, from the scores of all samples.

use std::fmt;

use super::text::short;
use super::{Figure, Value};
use crate::program::{Average, Summary};

/// The true positive rate (recall) over the false positive rate, for thresholds from the largest to the smallest: scores at or above
/// a threshold are decided for. It is scikit-learn's `roc_curve`: the first threshold is infinite, and points on a straight line
/// between their neighbours are left out.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RocCurve {
    /// False positives over all that are not true; not a number where there are none.
    pub fpr: Vec<f64>,
    /// True positives over all that are true; not a number where there are none.
    pub tpr: Vec<f64>,
    /// The thresholds, descending.
    pub thresholds: Vec<f64>,
}

impl RocCurve {
    /// The area under the curve: the probability that what is true has a larger score than what is not, where equal scores
    /// count half. Not a number where all samples are of one kind.
    pub fn auc(&self) -> f64 {
        let points = self.fpr.iter().zip(&self.tpr);
        let next = points.clone().skip(1);
        let areas = points.zip(next).map(|((x0, y0), (x1, y1))| (x1 - x0) * (y0 + y1) / 2.0);
        // One point is that of no samples.
        if self.fpr.len() < 2 { f64::NAN } else { areas.sum() }
    }
}

impl fmt::Display for RocCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ROC curve of {} points, AUC {}", self.fpr.len(), short(self.auc()))
    }
}

/// Precision over recall, for thresholds from the smallest to the largest: scores at or above a threshold are decided for. It is
/// scikit-learn's `precision_recall_curve`: behind the last threshold follows the point with precision 1 and recall 0.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct PrCurve {
    /// True positives over all that are decided for; one more than there are thresholds.
    pub precision: Vec<f64>,
    /// True positives over all that are true; 1 where there are none. One more than there are thresholds.
    pub recall: Vec<f64>,
    /// The thresholds, ascending.
    pub thresholds: Vec<f64>,
}

impl PrCurve {
    /// The mean precision, weighted by what each threshold adds to the recall: the area under the curve in steps, without
    /// interpolation (scikit-learn's `average_precision_score`). 0 where nothing is true.
    pub fn average_precision(&self) -> f64 {
        let steps = self.recall.windows(2).zip(&self.precision);
        steps.map(|(recall, precision)| (recall[0] - recall[1]) * precision).sum()
    }
}

impl fmt::Display for PrCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let average = short(self.average_precision());
        write!(f, "PR curve of {} points, average precision {average}", self.precision.len())
    }
}

/// Scores and truths of one class.
#[derive(Default)]
struct Scored(Vec<(f32, bool)>);

/// How many decisions there are at a threshold or above it.
#[derive(Clone, Copy)]
struct Above {
    threshold: f64,
    right: f64,
    wrong: f64,
}

impl Scored {
    fn count(&self, truth: bool) -> f64 {
        self.0.iter().filter(|(_, t)| *t == truth).count() as f64
    }

    /// At each score that there is, from the largest to the smallest.
    fn above(mut self) -> Vec<Above> {
        self.0.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        let (mut right, mut wrong) = (0.0, 0.0);
        let groups = self.0.chunk_by(|(a, _), (b, _)| a == b);
        let above = groups.map(|group| {
            let yes = group.iter().filter(|(_, truth)| *truth).count();
            (right, wrong) = (right + yes as f64, wrong + (group.len() - yes) as f64);
            Above { threshold: f64::from(group[0].0), right, wrong }
        });
        above.collect()
    }

    fn roc(self) -> RocCurve {
        let (positives, negatives) = (self.count(true), self.count(false));
        let all = self.above();
        let bends = |i: usize| {
            // The first and the last point, and those where a step differs from the one before.
            let (Some(before), Some(after)) = (i.checked_sub(1).and_then(|b| all.get(b)), all.get(i + 1)) else {
                return true;
            };
            let here = all[i];
            (after.right - here.right, after.wrong - here.wrong)
                != (here.right - before.right, here.wrong - before.wrong)
        };
        let start = Above { threshold: f64::INFINITY, right: 0.0, wrong: 0.0 };
        let kept = (0..all.len()).filter(|&i| bends(i)).map(|i| all[i]);
        let points: Vec<Above> = std::iter::once(start).chain(kept).collect();
        RocCurve {
            fpr: points.iter().map(|p| p.wrong / negatives).collect(),
            tpr: points.iter().map(|p| p.right / positives).collect(),
            thresholds: points.iter().map(|p| p.threshold).collect(),
        }
    }

    fn pr(self) -> PrCurve {
        let positives = self.count(true);
        let points = self.above();
        let recall = |p: &Above| if positives == 0.0 { 1.0 } else { p.right / positives };
        PrCurve {
            precision: points.iter().rev().map(|p| p.right / (p.right + p.wrong)).chain([1.0]).collect(),
            recall: points.iter().rev().map(recall).chain([0.0]).collect(),
            thresholds: points.iter().rev().map(|p| p.threshold).collect(),
        }
    }

    fn auc(self) -> f64 {
        self.roc().auc()
    }

    /// 0 where nothing is true, as everywhere where there is no case.
    fn average_precision(self) -> f64 {
        if self.count(true) == 0.0 { 0.0 } else { self.pr().average_precision() }
    }
}

/// A truth that is not above this belongs to a position that does not count: -1e30 stands for it.
const NO_TRUTH: f32 = -1e29;

/// Of the numbers of all samples: scores by position and class, then truths.
pub(super) fn value(summary: Summary, numbers: &[f32], classes: usize, positions: usize, indexed: bool) -> Value {
    let truths = if indexed { positions } else { positions * classes };
    let samples = || numbers.chunks_exact((positions * classes + truths).max(1));
    let pairs = move |class: usize| {
        samples().flat_map(move |sample| {
            let (scores, truths) = sample.split_at(positions * classes);
            (0..positions).filter_map(move |position| {
                let at = position * classes + class;
                let truth = if indexed { truths[position] } else { truths[at] };
                let yes = if indexed { truth as usize == class } else { truth > 0.5 };
                (truth > NO_TRUTH || truth.is_nan()).then_some((scores[at], yes))
            })
        })
    };
    let of = |class: usize| Scored(pairs(class).collect());
    let all = || (0..classes).map(of);
    Value::Figure(match summary {
        Summary::RocCurve if classes == 1 => Figure::RocCurve(of(0).roc()),
        Summary::RocCurve => Figure::RocCurves(all().map(Scored::roc).collect()),
        Summary::PrCurve if classes == 1 => Figure::PrCurve(of(0).pr()),
        Summary::PrCurve => Figure::PrCurves(all().map(Scored::pr).collect()),
        Summary::Auc(average) | Summary::AveragePrecision(average) => {
            let area = |scored: Scored| match summary {
                Summary::Auc(_) => scored.auc(),
                _ => scored.average_precision(),
            };
            let areas = || all().map(area).filter(|area| !area.is_nan());
            return Value::Number(match average {
                Average::None => return Value::Figure(Figure::PerClass(all().map(area).collect())),
                Average::Micro => area(Scored((0..classes).flat_map(pairs).collect())),
                _ if classes == 1 => area(of(0)),
                Average::Weighted => {
                    let weighted = all().map(|scored| (scored.count(true), area(scored))).filter(|(_, a)| !a.is_nan());
                    let (sum, weights) = weighted.fold((0.0, 0.0), |(s, w), (n, a)| (s + n * a, w + n));
                    sum / weights
                }
                Average::Binary | Average::Macro => areas().sum::<f64>() / areas().count() as f64,
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::Scored;

    #[test]
    fn equal_scores_are_one_point_and_count_half() {
        let scored = || Scored(vec![(0.5, true), (0.5, false), (0.1, false), (0.9, true)]);
        assert_eq!(scored().auc(), 0.875);
        let curve = scored().roc();
        assert_eq!(curve.thresholds, [f64::INFINITY, f64::from(0.9_f32), 0.5, f64::from(0.1_f32)]);
        assert_eq!((curve.fpr, curve.tpr), (vec![0.0, 0.0, 0.5, 1.0], vec![0.0, 0.5, 1.0, 1.0]));
        let curve = scored().pr();
        assert_eq!(curve.precision, [0.5, 2.0 / 3.0, 1.0, 1.0]);
        assert_eq!(curve.recall, [1.0, 1.0, 0.5, 0.0]);
        assert_eq!(Scored(vec![(f32::INFINITY, true), (f32::NEG_INFINITY, false)]).auc(), 1.0);
    }

    #[test]
    fn samples_of_one_kind_have_no_area() {
        let scored = || Scored(vec![(0.5, true), (0.6, true)]);
        assert!(scored().auc().is_nan());
        assert_eq!(scored().average_precision(), 1.0);
        let none = || Scored(vec![(0.5, false)]);
        assert!(none().auc().is_nan() && none().average_precision() == 0.0);
        assert!(Scored::default().auc().is_nan());
    }
}
