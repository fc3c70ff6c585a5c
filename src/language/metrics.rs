//! Metrics. Each is exact over all samples of an epoch or an evaluation, whatever the batches: counts are whole numbers (as long as a
//! step has less than 2^24 decisions), and curves are made of all scores.

functions! {
    /// `accuracy(prediction, target, axis = -1, threshold = …, ignore_index = …, mask = …)`
    ///
    /// The fraction of right decisions: the largest number along the axis against a `class(n)` or the largest number of
    /// the target; or, where there is one number for each decision, whether it is above the threshold (0.5 by default, for
    /// probabilities; for logits it is 0). scikit-learn's `accuracy_score`; with a threshold, Keras's `BinaryAccuracy`.
    ///
    /// `metric accuracy(logits, label);` or `metric accuracy(probability, sick, threshold = 0.3);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    accuracy;
    /// `top_k_accuracy(prediction, target, k = 5, axis = -1, ignore_index = …, mask = …)`
    ///
    /// The fraction of decisions whose true class is among the `k` largest numbers along the axis. Of equal numbers the first ones
    /// count as larger, so that k = 1 is `accuracy`. scikit-learn's `top_k_accuracy_score`.
    ///
    /// `metric top5 = top_k_accuracy(logits, label, k = 5);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    top_k_accuracy;
    /// `precision(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// tp / (tp + fp): the fraction of right ones (true positives) among the decisions for a class. What is decided is as in
    /// `accuracy`. scikit-learn's `precision_score` with `zero_division=0`: without any decision for a class it is 0.
    ///
    /// Of two classes it is that of class 1. More classes are averaged, as `average` says: `"macro"` (the default) is the mean of the
    /// classes, `"weighted"` the mean weighted by how often each class is true, `"micro"` adds up the counts of all classes first,
    /// and `"none"` keeps them apart: the report's field is a `Vec<f64>`. An `average` of two classes counts class 0, too.
    ///
    /// Against numbers of the prediction's shape, which are true above 0.5, a `threshold` makes each index along the axis a decision
    /// of its own (several labels at once) and a class to be averaged; without, the target is one-hot.
    ///
    /// ```
    /// nn::network! {
    ///     /// Which of three kinds.
    ///     network Kinds {
    ///         input  x: [4];
    ///         target kind: class(3);
    ///         logits = x >> dense(3);
    ///         output logits = logits;
    ///         loss   cross_entropy(logits, kind);
    ///         metric precision(logits, kind);
    ///         metric recall(logits, kind, average = "none");
    ///         metric f1 = f_beta(logits, kind, average = "weighted");
    ///         metric confusion_matrix(logits, kind);
    ///     }
    /// }
    /// # fn main() -> nn::Result<()> {
    /// let net = Kinds::new(&nn::Device::cpu(), 7)?;
    /// let data = KindsData::new(&[[1.0, 0.0, 2.0, 0.5], [0.1, 1.0, 0.0, 1.0], [3.0, 1.0, 0.0, 0.0]], &[0, 1, 2])?;
    /// let report = net.evaluate(&data)?;
    /// let (precision, recall): (f64, &[f64]) = (report.precision, &report.recall);
    /// assert_eq!(recall.len(), 3);
    /// assert_eq!(report.confusion_matrix.recall(2), recall[2]);
    /// assert!((0.0..=1.0).contains(&precision));
    /// println!("{}", report.confusion_matrix.with_names(&["cat", "dog", "mouse"]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    precision;
    /// `recall(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// tp / (tp + fn): the fraction of right ones among the decisions where a class is true (sensitivity, true positive rate).
    /// Options are those of [`precision`]. scikit-learn's `recall_score` with `zero_division=0`.
    ///
    /// `metric recall(probability, sick, threshold = 0.3);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    recall;
    /// `f_beta(prediction, target, beta = 1.0, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// (1 + beta²) tp / ((1 + beta²) tp + beta² fn + fp): the harmonic mean of precision and recall, where recall weighs `beta`
    /// times as much; F1 by default. Other options are those of [`precision`]. scikit-learn's `fbeta_score` with `zero_division=0`.
    ///
    /// `metric f1 = f_beta(logits, kind, average = "micro");` or `metric f2 = f_beta(probability, sick, beta = 2.0);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    f_beta;
    /// `specificity(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// tn / (tn + fp): the fraction of right ones among the decisions where a class is not true (true negative rate); 0 where
    /// it always is. Options are those of [`precision`].
    ///
    /// `metric specificity(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    specificity;
    /// `false_positive_rate(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// fp / (tn + fp) = 1 - specificity, but 0 where a class is always true. Options are those of [`precision`].
    ///
    /// `metric false_alarms = false_positive_rate(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    false_positive_rate;
    /// `confusion_matrix(prediction, target, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// How often each class has been decided for where each class is true: the report's field is a
    /// [`ConfusionMatrix`](crate::ConfusionMatrix), with a row for each true class. What is decided is as in `accuracy`; yes and no
    /// are the classes 1 and 0. scikit-learn's `confusion_matrix`.
    ///
    /// `metric confusion = confusion_matrix(logits, kind);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy); a decision counts once, or not at all where its mask is 0.
    confusion_matrix;
    /// `roc_curve(prediction, target, axis = -1, ignore_index = …, mask = …)`
    ///
    /// The true positive rate over the false positive rate for all thresholds, from the scores of all samples: the report's field is
    /// an [`RocCurve`](crate::RocCurve). Against `class(2)`, or numbers (true above 0.5) where the prediction has one number; of two
    /// scores for a `class(2)`, give probabilities: class 1 has the second. Of more classes, or several labels, the field is a
    /// `Vec<RocCurve>`: each index along the axis against all others. scikit-learn's `roc_curve`.
    ///
    /// Scores are kept for this: one for each class and decision of a sample, 65,536 at most. Training keeps those of an epoch, as it
    /// goes.
    ///
    /// ```
    /// nn::network! {
    ///     /// Sick or not.
    ///     network Test {
    ///         input  x: [2];
    ///         target sick: class(2);
    ///         logit = x >> dense(1);
    ///         output probability = sigmoid(logit);
    ///         loss   binary_cross_entropy_with_logits(logit, sick);
    ///         metric recall(probability, sick, threshold = 0.3);
    ///         metric auc(probability, sick);
    ///         metric roc_curve(probability, sick);
    ///     }
    /// }
    /// # fn main() -> nn::Result<()> {
    /// let net = Test::new(&nn::Device::cpu(), 7)?;
    /// let report = net.evaluate(&TestData::new(&[[1.0, 0.0], [0.1, 1.0], [3.0, 1.0]], &[0, 1, 1])?)?;
    /// assert!((report.roc_curve.auc() - report.auc).abs() < 1e-12);
    /// for ((fpr, tpr), threshold) in report.roc_curve.fpr.iter().zip(&report.roc_curve.tpr).zip(&report.roc_curve.thresholds) {
    ///     println!("above {threshold:.3}: {tpr:.3} of the sick, and {fpr:.3} of the others");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy); a decision counts once, or not at all where its mask is 0.
    roc_curve;
    /// `pr_curve(prediction, target, axis = -1, ignore_index = …, mask = …)`
    ///
    /// Precision over recall for all thresholds: the report's field is a [`PrCurve`](crate::PrCurve), or a `Vec<PrCurve>`. Otherwise as
    /// [`roc_curve`]. scikit-learn's `precision_recall_curve`.
    ///
    /// `metric pr = pr_curve(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy); a decision counts once, or not at all where its mask is 0.
    pr_curve;
    /// `auc(prediction, target, average = "macro", axis = -1, ignore_index = …, mask = …)`
    ///
    /// The area under [`roc_curve`], exactly and not by bins: the probability that what is true has a larger score than what is not, where
    /// equal scores count half. Of more classes, or several labels, each against all others, then averaged as in [`precision`];
    /// those that are true always or never have no area and do not count, and if no class has one, the area is not a number.
    /// scikit-learn's `roc_auc_score` with `multi_class="ovr"`.
    ///
    /// `metric auc(softmax(logits), kind, average = "weighted");`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy); a decision counts once, or not at all where its mask is 0.
    auc;
    /// `average_precision(prediction, target, average = "macro", axis = -1, ignore_index = …, mask = …)`
    ///
    /// Σ (recall - recall before) · precision over all thresholds: the area under [`pr_curve`] in steps; 0 where nothing is true. Otherwise as
    /// [`auc`]. scikit-learn's `average_precision_score`.
    ///
    /// `metric average_precision(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy); a decision counts once, or not at all where its mask is 0.
    average_precision;
    /// `iou(prediction, target, axis = …, threshold = …, ignore_index = …, mask = …)`
    ///
    /// The intersection of predicted and true regions over their union, counted over all samples; several regions are
    /// averaged, without those that occur nowhere. Against a `class(n)` for each position, each class along the axis (-1 by
    /// default; 0 where classes are channels) has a region: where its number is the largest. Against numbers of the prediction's
    /// shape (true above 0.5), or a `class(2)` for each, the region is where the prediction is above the threshold (0.5 by
    /// default); with `axis`, there is one for each index along it.
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    iou;
    /// `r2(prediction, target, mask = …)`
    ///
    /// The coefficient of determination, 1 - Σ error² / Σ deviation², over all samples; several numbers are averaged.
    /// scikit-learn's `r2_score`; where the target is constant (also that of a single sample), 1 without errors and 0 with them.
    ///
    /// What counts: `mask`, as in [`cross_entropy`](super::cross_entropy): scikit-learn's `sample_weight`. Numbers of which nothing counts are left out of the average.
    r2;
    /// `rmse(prediction, target, mask = …)`
    ///
    /// The root of the mean squared error, √(Σ error² / n), over all samples; several numbers are averaged: scikit-learn's
    /// `root_mean_squared_error`. (Keras and torchmetrics take one root over all numbers.)
    ///
    /// `metric rmse(price, paid);`
    ///
    /// What counts: `mask`, as in [`cross_entropy`](super::cross_entropy).
    rmse;
    /// `perplexity(logits, target, axis = -1, ignore_index = …, mask = …)`
    ///
    /// e to the power of the mean [`cross_entropy`](super::cross_entropy) over all samples and positions: as many equally likely classes would surprise as
    /// much.
    ///
    /// `metric perplexity(logits, next_token);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`](super::cross_entropy).
    perplexity;
}
