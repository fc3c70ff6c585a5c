//! Losses: means over a sample's numbers, then over the samples of the batch.

functions! {
    /// `mse(prediction, target, mask = …)`
    ///
    /// The mean squared error. Both have the same shape: losses never broadcast.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    mse;
    /// `mae(prediction, target, mask = …)`
    ///
    /// The mean absolute error.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    mae;
    /// `mape(prediction, target, mask = …)`
    ///
    /// The mean of |prediction - target| / |target|, a fraction and no percentage, where |target| counts as 2.2e-16 at least:
    /// scikit-learn's `mean_absolute_percentage_error`. It is a metric, too: `metric mape(price, paid);`
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    mape;
    /// `cosine_similarity(prediction, target, axis = -1, mask = …)`
    ///
    /// x · y / (|x| |y|) of two vectors along the axis, averaged over all others; a length counts as 1e-8 at least: PyTorch's
    /// `cosine_similarity`. It is 1 where both point into one direction, so that a loss has a minus: `loss 1.0 -
    /// cosine_similarity(near, word);`
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    cosine_similarity;
    /// `huber(prediction, target, delta = 1.0, mask = …)`
    ///
    /// Half the squared error up to `delta`, linear beyond.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    huber;
    /// `smooth_l1(prediction, target, beta = 1.0, mask = …)`
    ///
    /// `huber` over `beta`: the squared error up to `beta`, then the absolute one.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    smooth_l1;
    /// `log_cosh(prediction, target, mask = …)`
    ///
    /// The mean of log(cosh(prediction - target)).
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    log_cosh;
    /// `binary_cross_entropy(prediction, target, mask = …)`
    ///
    /// Of probabilities against numbers in 0 to 1 or a `class(2)`. From logits, `binary_cross_entropy_with_logits` is more
    /// accurate.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    binary_cross_entropy;
    /// `binary_cross_entropy_with_logits(logits, target, pos_weight = …, mask = …)`
    ///
    /// Of logits against numbers in 0 to 1 or a `class(2)`. With a `pos_weight`, what is true weighs so many times as much; the mean
    /// stays plain: PyTorch's.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    binary_cross_entropy_with_logits;
    /// `cross_entropy(logits, target, axis = -1, label_smoothing = 0.0, class_weights = …, ignore_index = …,
    /// mask = …)`
    ///
    /// Of logits (no `softmax` before it) against a `class(n)`, where the axis has size n, or against one-hot or soft
    /// targets of the logits' shape.
    ///
    /// `class_weights = [1.0, 4.0, 1.0]` has a weight for each class, with PyTorch's meaning: against a `class(n)`, the loss of a batch is
    /// Σ w(label) · loss / Σ w(label), so that twice as large weights change nothing; against soft targets, each class' term is weighted, and
    /// the mean is plain. Where nothing in a batch weighs anything, the loss is 0. Metrics do not see the weights.
    ///
    /// **What counts.** `ignore_index` is the number of a class that is none, such as padding: positions where it is the label count in nothing,
    /// and the mean is over what remains, as PyTorch's. (It is one of the label's classes; where it is the last one, logits may
    /// lack a number for it.) `mask` is a tensor that says how much each position counts: 1, 0, or anything between. It has the shape of the
    /// positions (here the label's; of `mse`, the prediction's), or of their first axes: of a sequence `[length, features]`, `[length]` is enough.
    /// Nothing is learned through a mask, and no computation at its zeros is skipped.
    ///
    /// The mean is Σ mask · loss / Σ mask over all positions *of the batch*, so a sample with more positions has a larger part in it; with
    /// `class_weights`, too, both sums have them. The loss of an epoch or an evaluation, and a metric, is this quotient over all samples, whatever the
    /// batches. Where nothing counts (a batch of padding alone), the loss is 0, and so is its gradient: PyTorch's is not a number, which one
    /// such batch would spread to all weights. `Fit::accumulate` weights batches by what counts in them, so that several make the update of one.
    ///
    /// Such a mean can be a part of a loss: in `loss 0.5 * cross_entropy(p, y, ignore_index = 0) + mse(a, b);`, each term is averaged over
    /// batches by what it counts, in metrics, too (`accumulate` is then refused, since one number would have to weigh both). What
    /// else is made of it (a root, a product of two) cannot be averaged over batches, and is an error.
    ///
    /// ```
    /// nn::network! {
    ///     /// The next of 50 words, of which 0 is padding.
    ///     network Next {
    ///         const WORDS = 50;
    ///         input  x: [12, 8];
    ///         target next: class(WORDS)[12];
    ///         logits = x >> linear(WORDS);
    ///         output logits = logits;
    ///         loss   cross_entropy(logits, next, ignore_index = 0);
    ///         metric accuracy(logits, next, ignore_index = 0);
    ///         metric perplexity(logits, next, ignore_index = 0);
    ///     }
    /// }
    /// # fn main() -> nn::Result<()> {
    /// let net = Next::new(&nn::Device::cpu(), 1)?;
    /// let mut next = [[3; 12]; 2];
    /// next[0][4..].fill(0);
    /// let report = net.evaluate(&NextData::new(&[[[0.1; 8]; 12]; 2], &next)?)?;
    /// // Of 24 positions, 16 count.
    /// assert!((report.perplexity - report.loss.exp()).abs() < 1e-4);
    /// # Ok(())
    /// # }
    /// ```
    cross_entropy;
    /// `ctc(logits, target, blank = 0, input_length = …, target_length = …, zero_infinity = false)`
    ///
    /// Connectionist temporal classification (PyTorch's `CTCLoss`, its mean): for a sequence of labels of which it is not known at which
    /// steps they stand, as in handwriting and speech. Logits are `[steps, classes]`, labels `class(classes)[longest]`. A path says one class at
    /// each step and spells what is left when repetitions are merged and blanks are removed; the loss is -log of the probability of all
    /// paths that spell the labels, divided by the number of labels. A softmax is part of it, so log-probabilities are as good as logits.
    ///
    /// - `blank` is the class that says nothing; -1 is the last one, and then the labels may be a `class(n)` without it.
    /// - `target_length`: how many labels there are, an input or target `class(longest + 1)`. Without it, labels end where they are `blank`.
    /// - `input_length`: how many steps there are, `class(steps + 1)`; all of them without it.
    /// - `zero_infinity`: n labels of which r equal the one before them need n + r steps. If there are fewer, no path spells them, and the loss
    ///   is infinite, or 0 with `zero_infinity = true`. There is no gradient then, in either case.
    ///
    /// ```
    /// nn::network! {
    ///     network Reader {
    ///         input  sound: [50, 13];
    ///         input  steps: class(51);                     // 0 to 50
    ///         target text: class(28)[10];                  // 0 is the blank, and what is not there
    ///         logits = sound >> gru(16, bidirectional = true) >> linear(28);
    ///         output scores = logits;
    ///         loss   ctc(logits, text, input_length = steps, zero_infinity = true);
    ///     }
    /// }
    /// # fn main() -> nn::Result<()> {
    /// let net = Reader::new(&nn::Device::cpu(), 1)?;
    /// let scores = net.predict(&[[[0.1; 13]; 50]], &[50])?;
    /// assert!(nn::ctc_greedy(&scores[0], 0)?.iter().all(|label| (1..28).contains(label)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `nn::ctc_greedy` reads labels out of scores. Time and memory grow with steps x labels.
    ctc;
    /// `hinge(prediction, target, mask = …)`
    ///
    /// The mean of max(0, 1 - prediction * target), for targets of ±1 or a `class(2)`.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    hinge;
    /// `kl_divergence(prediction, target, log_target = false, mask = …)`
    ///
    /// The divergence of a distribution from the target's: `prediction` holds logarithms of probabilities, and so does
    /// the target with `log_target`.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    kl_divergence;
    /// `poisson(prediction, target, log_input = true, full = false, eps = 1e-8, mask = …)`
    ///
    /// The negative log-likelihood of counts; the prediction is the logarithm of the rate unless `log_input = false`. `full`
    /// adds Stirling's term.
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    poisson;
    /// `dice_loss(prediction, target, axis = …, smooth = 1e-5, ignore_index = …, mask = …)`
    ///
    /// 1 - (2 Σ p t + smooth) / (Σ p + Σ t + smooth) of probabilities p: one minus the overlap of predicted and true regions
    /// of a sample. Against a `class(n)` for each position, each class along the axis (-1 by default; 0 where classes are
    /// channels) has a region, and the loss is their mean. Against numbers of the prediction's shape, or a `class(2)` for each,
    /// all of them are one region; with `axis`, there is one for each index along it.
    ///
    /// This is the common definition (MONAI's `DiceLoss`, by sample). A class that a sample does not show counts, too: what is
    /// predicted of it overlaps with nothing, so that its part of the loss is near 1 until next to nothing is predicted. `smooth` says
    /// how little that is; a larger one, such as 1, forgives more.
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`]: positions count in all three sums. The loss stays one for each sample,
    /// and its mean is over samples; one in which nothing counts has lost nothing.
    dice_loss;
    /// `focal_loss(logits, target, gamma = 2.0, alpha = …, axis = …, ignore_index = …, mask = …)`
    ///
    /// Cross-entropy times (1 - p)^gamma, where p is the probability given to what is right: what is easy hardly counts. Against
    /// a `class(n)`, of a softmax along the axis (-1 by default; 0 where classes are channels); `alpha`, if given, scales the
    /// loss. Against numbers of the logits' shape, or a `class(2)` for each, of a sigmoid; `alpha`, 0.25 by default, is the weight
    /// of what is true and 1 - `alpha` that of what is not (below 0, both weigh 1).
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    focal_loss;
}
