//! How much samples count in training, beside what their data says.

use std::fmt;

use super::run::Part;
use super::{Fit, Report};
use crate::backend::Columns;
use crate::data::{Portion, check_weights};
use crate::error::{Error, Result};
use crate::program::Program;

/// The report of a network whose loss or metrics have `sample_weight` in them.
#[diagnostic::on_unimplemented(
    message = "the network of `{Self}` does not say what a sample's weight is for",
    label = "weights are given here",
    note = "write it into the network: `loss sample_weight * cross_entropy(logits, label);`"
)]
pub trait WeightedReport: Report {}

impl<R: WeightedReport> Fit<'_, R> {
    /// How much each sample counts: one number for each of the training data, in its order. They are `sample_weight` in the network, which has
    /// to say what they are for, as in `loss sample_weight * cross_entropy(logits, label);`.
    ///
    /// That loss of a batch is Σ weight · loss / number of its samples, as Keras's `sample_weight` has it, and PyTorch's
    /// `(weight * criterion(x, y)).mean()` of a criterion with `reduction="none"`: a sample of weight 2 has twice the gradient, and other samples have the
    /// gradient that they had. (`loss cross_entropy(logits, label, mask = sample_weight);` divides by Σ weight.)
    ///
    /// They stand in the place of those that the data has itself (`with_sample_weights`), and are for this run alone. Samples that
    /// [`validation_split`](Self::validation_split) keeps have theirs as well; validation data of its own has those of that data, as [`class_weights`](Self::class_weights) are for
    /// training only. Batches of an iterator bring their own weights. Default: those of the data, which are 1 unless it says otherwise.
    #[doc(alias = "sample_weight")]
    pub fn sample_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.options.weights.samples = Some(weights.into());
        self
    }

    /// How much each sample counts by the class of its target: one number for each class of the network's only target of type `class(n)`. It
    /// multiplies the sample's weight ([`sample_weights`](Self::sample_weights), and how the mean is formed there) while training; what is measured in validation does not know it,
    /// as in Keras. (The option `class_weights` of `cross_entropy` is PyTorch's `weight`: its mean is Σ weight · loss / Σ weight, and it works for several positions.)
    ///
    /// Balanced classes, as scikit-learn computes them, have `samples / (classes * samples of the class)`. Default: 1 for each.
    #[doc(alias = "class_weight")]
    pub fn class_weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.options.weights.classes = Some(weights.into());
        self
    }
}

/// What users say about the weights of samples.
#[derive(Clone, Default)]
pub(super) struct Weights {
    samples: Option<Vec<f32>>,
    classes: Option<Vec<f32>>,
}

/// Says how many there are, not their numbers.
impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |weights: &Option<Vec<f32>>| weights.as_ref().map_or(0, Vec::len);
        write!(f, "{} of samples, {} of classes", count(&self.samples), count(&self.classes))
    }
}

impl Weights {
    /// The data with the weights of its samples.
    pub(super) fn of_samples<'a>(&'a self, data: Part<'a>) -> Result<Part<'a>> {
        let Some(weights) = &self.samples else { return Ok(data) };
        match data {
            Part::Memory(mut columns) => {
                check_weights("sample_weights", weights, columns.samples)?;
                if let Some(last) = columns.fields.last_mut() {
                    *last = weights;
                }
                Ok(Part::Memory(columns))
            }
            Part::Stream(stream) => stream.with_weights(weights).map(Part::Stream),
            Part::Batches(..) => Err(Error::Option(
                "sample_weights cannot be told which batches of an iterator they are for: let the batches bring them, by \
                 `…Data::new(…)?.with_sample_weights(…)`"
                    .into(),
            )),
        }
    }

    /// What the classes of a network's target count.
    pub(super) fn of_classes(&self, program: &Program) -> Result<Option<ClassWeights<'_>>> {
        let Some(weights) = &self.classes else { return Ok(None) };
        let targets = program.fields.iter().enumerate().skip(program.inputs);
        let mut targets = targets.filter(|(_, field)| field.classes.is_some() && field.dims.is_empty());
        let (Some((field, target)), None) = (targets.next(), targets.next()) else {
            return Err(Error::Option(format!(
                "class_weights need one target of type `class(n)` that says which class a sample is of, but `{}` has {}: give \
                 sample_weights, or the option `class_weights` of `cross_entropy`",
                program.name,
                if program.fields.iter().skip(program.inputs).any(|f| f.classes.is_some() && f.dims.is_empty()) {
                    "several"
                } else {
                    "none"
                }
            )));
        };
        let classes = target.classes.unwrap_or_default();
        if weights.len() != classes {
            let (given, name) = (weights.len(), target.name);
            return Err(Error::Option(format!(
                "class_weights has {given} numbers, but `{name}` has {classes} classes"
            )));
        }
        check_weights("class_weights", weights, classes)?;
        Ok(Some(ClassWeights { field, weights }))
    }

    /// What decides about a run's bits, in a few words.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&'static str, String)> {
        let sum = |weights: &Option<Vec<f32>>| {
            let weights = weights.as_ref()?;
            Some(format!(
                "{} numbers with checksum {:08x}",
                weights.len(),
                crc32fast::hash(bytemuck::cast_slice(weights))
            ))
        };
        let both = [("sample_weights", sum(&self.samples)), ("class_weights", sum(&self.classes))];
        both.into_iter().filter_map(|(name, sum)| Some((name, sum?)))
    }
}

/// What classes count, and the field that says which class a sample is of.
#[derive(Clone, Copy)]
pub(super) struct ClassWeights<'a> {
    field: usize,
    weights: &'a [f32],
}

impl ClassWeights<'_> {
    /// What the samples count then.
    pub(super) fn column(self, columns: &Columns<'_>) -> Vec<f32> {
        let own = columns.fields.last().copied().unwrap_or_default();
        own.iter().zip(columns.fields[self.field]).map(|(own, class)| own * self.of(*class)).collect()
    }

    /// Changes what samples that have been read count.
    pub(super) fn apply(self, portion: &mut Portion) {
        let Some((own, fields)) = portion.fields.split_last_mut() else { return };
        own.iter_mut().zip(&fields[self.field]).for_each(|(own, class)| *own *= self.of(*class));
    }

    /// The weight of a class, which has been checked when the data was made.
    fn of(self, class: f32) -> f32 {
        self.weights.get(class as usize).copied().unwrap_or(1.0)
    }
}
