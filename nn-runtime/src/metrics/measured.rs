//! What was measured over all samples.

use super::{ConfusionMatrix, PrCurve, RocCurve};
use crate::program::{Metric, Program};

/// Loss and metrics over all samples, untyped; a generated `…Report` is made of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// The loss, then each metric that is one number, in order of declaration; [`names`] has their names.
    pub numbers: Vec<f64>,
    /// The other metrics, in order of declaration; [`figure_names`] has their names.
    pub figures: Vec<Figure>,
}

/// A metric that is no single number.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Figure {
    /// A number for each class.
    PerClass(Vec<f64>),
    /// Decisions by class.
    ConfusionMatrix(ConfusionMatrix),
    /// Of yes or no.
    RocCurve(RocCurve),
    /// Of each class against all others.
    RocCurves(Vec<RocCurve>),
    /// Of yes or no.
    PrCurve(PrCurve),
    /// Of each class against all others.
    PrCurves(Vec<PrCurve>),
}

/// The names of [`Measured::numbers`].
pub fn names(program: &Program) -> impl Iterator<Item = &'static str> + use<> {
    let numbers = program.metrics.iter().filter(|m| m.kind.is_number());
    std::iter::once("loss").chain(numbers.map(|m: &'static Metric| m.name))
}

/// The names of [`Measured::figures`].
pub fn figure_names(program: &Program) -> impl Iterator<Item = &'static str> + use<> {
    program.metrics.iter().filter(|m| !m.kind.is_number()).map(|m| m.name)
}

impl Measured {
    /// Takes it apart, in order of declaration.
    pub fn fields(&self) -> Fields<'_> {
        Fields { numbers: self.numbers.iter(), figures: self.figures.iter() }
    }
}

/// What is left of a [`Measured`]. What is not there is empty, or no number.
#[derive(Debug, Clone)]
pub struct Fields<'m> {
    numbers: std::slice::Iter<'m, f64>,
    figures: std::slice::Iter<'m, Figure>,
}

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident: $figure:ident($type:ty);)+) => {
        $(
            $(#[$doc])*
            pub fn $name(&mut self) -> $type {
                match self.figures.next() {
                    Some(Figure::$figure(value)) => value.clone(),
                    _ => Default::default(),
                }
            }
        )+
    };
}

impl Fields<'_> {
    /// The next number.
    pub fn number(&mut self) -> f64 {
        self.numbers.next().copied().unwrap_or(f64::NAN)
    }

    figures! {
        /// The next figure, which has a number for each class.
        per_class: PerClass(Vec<f64>);
        /// The next figure, a confusion matrix.
        confusion_matrix: ConfusionMatrix(ConfusionMatrix);
        /// The next figure, a curve.
        roc_curve: RocCurve(RocCurve);
        /// The next figure, which has a curve for each class.
        roc_curves: RocCurves(Vec<RocCurve>);
        /// The next figure, a curve.
        pr_curve: PrCurve(PrCurve);
        /// The next figure, which has a curve for each class.
        pr_curves: PrCurves(Vec<PrCurve>);
    }
}
