//! What comes with the data.

functions! {
    /// `sample_weight()`, or `sample_weight` alone
    ///
    /// How much a sample counts: one number for each, `[]`. The data has it beside its fields: it is 1, unless
    /// `…Data::new(…)?.with_sample_weights(&weights)?` or [`Fit::sample_weights`](crate::Fit::sample_weights) and
    /// [`Fit::class_weights`](crate::Fit::class_weights) say otherwise. A network that does not have this word has no such field, and computes nothing for it.
    ///
    /// - `loss sample_weight * cross_entropy(logits, label);` is Σ weight · loss / number of samples: Keras's `sample_weight`, and PyTorch's
    ///   `(weight * loss).mean()`.
    /// - `loss cross_entropy(logits, label, mask = sample_weight);` is Σ weight · loss / Σ weight, and
    ///   `metric accuracy(logits, label, mask = sample_weight);` likewise: scikit-learn's `sample_weight`, and Keras's `weighted_metrics`.
    ///
    /// Metrics that do not mention it count all samples alike.
    ///
    /// ```
    /// nn::network! {
    ///     /// Sick or not, of people who have been asked more or less often than others.
    ///     network Survey {
    ///         input     x: [2];
    ///         target    sick: class(2);
    ///         logits    = x >> dense(2);
    ///         output    logits = logits;
    ///         loss      sample_weight * cross_entropy(logits, sick);
    ///         metric    accuracy(logits, sick);
    ///         optimizer sgd(learning_rate = 0.1);
    ///     }
    /// }
    /// # fn main() -> nn::Result<()> {
    /// let mut net = Survey::new(&nn::Device::cpu(), 1)?;
    /// let data = SurveyData::new(&[[1.0, 0.0], [0.1, 1.0], [3.0, 1.0]], &[0, 1, 1])?;
    /// let fit = || nn::Fit::default().epochs(2).quiet();
    /// net.fit(&data, fit().sample_weights([1.0, 0.5, 2.0]).class_weights([3.0, 0.75]))?;
    /// // Or for good: evaluation, validation, `train_batch` and `gradients` know them, too.
    /// let data = data.with_sample_weights(&[1.0, 0.5, 2.0])?;
    /// let report = net.evaluate(&data)?;
    /// net.fit(&data, fit())?;
    /// # assert!(report.loss.is_finite());
    /// # Ok(())
    /// # }
    /// ```
    sample_weight;
}
