//! The functions of the language that [`network!`](crate::network) reads: layers, activations, arithmetic, losses,
//! metrics, initializers and optimizers.
//!
//! The items here are documentation and nothing else: editors show it where a network mentions a function. They cannot be
//! called.
//!
//! In signatures, what comes before the comma-separated options can be passed by position, `x >> f(a)` is `f(x, a)`, and
//! `option = value` is an option with its default. Axes count per sample: 0 is the first one after the batch, -1 the last.
//! Defaults are PyTorch's. Images are `[channels, height, width]`, sequences `[channels, length]`, volumes `[channels, depth,
//! height, width]`; where a layer says "positions", it means all axes but the channels'.

/// An item for each function; its documentation begins with its signature.
macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $doc])+
            pub fn $name() {}
        )+
    };
}

// Layers.
functions! {
    /// `dense(x, n, bias = true, init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// A fully connected layer: `weight · x + bias`, where `x` is one vector (insert `flatten` before it otherwise).
    /// Parameters: `weight` `[n, features]`, `bias` `[n]`. By default both are uniform within ±1/√features.
    ///
    /// As in Keras, and for convolutions too, `regularizer = l2(1e-4)` makes the weight's size a part of the loss, and
    /// `constraint = max_norm(2.0)` is what each update brings the weight back to; `bias_…` are the same for the bias.
    dense;
    /// `linear(x, n, bias = true, init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// As `dense`, on the last axis of any shape.
    linear;
    /// `flatten(x)`
    ///
    /// All numbers of a sample as one vector, row-major.
    flatten;
    /// `reshape(x, [dims])`
    ///
    /// The same numbers, row-major, in another shape; one dimension may be -1 and follows from the others.
    reshape;
    /// `dropout(x, p = 0.5)`
    ///
    /// While training, sets each number to 0 with probability `p` and scales the others by 1 / (1 - p). Otherwise
    /// nothing.
    dropout;
    /// `dropout2d(x, p = 0.5)`
    ///
    /// As `dropout`, for whole channels of an image: each is kept or dropped as one.
    ///
    /// `x >> dropout2d(0.2)` of `[16, 8, 8]` is `[16, 8, 8]`.
    dropout2d;
    /// `gaussian_noise(x, std)`
    ///
    /// While training, adds normal noise with mean 0 and standard deviation `std`. Otherwise nothing.
    ///
    /// `x >> gaussian_noise(0.1)` of `[3, 8, 8]` is `[3, 8, 8]`.
    gaussian_noise;
}

// Convolutions. `kernel`, `stride`, `padding` and `dilation` are one number, or one for each axis: `[3, 5]`.
functions! {
    /// `conv2d(x, filters, kernel, stride = 1, padding = 0, padding_mode = zeros, dilation = 1, groups = 1, bias = true,
    /// init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// A convolution over an image: each of the `filters` has one weight for each element of a window, and gives the sum of
    /// their products for each place of the window. Along each axis there are
    /// (size + 2 · padding - dilation · (kernel - 1) - 1) / stride + 1 places, rounded down.
    ///
    /// `padding` is a number of elements for both sides, `same` (the result is as large as `x`; for a stride of 1) or
    /// `valid` (0). What lies there is said by `padding_mode`: `zeros`, `reflect` (the mirror image without the edge),
    /// `replicate` (the edge again) or `circular` (the opposite side). `groups` cuts channels and filters into as many groups,
    /// each with filters of its own; with one group for each channel the convolution is depthwise.
    ///
    /// Parameters: `weight` `[filters, channels / groups, kernel height, kernel width]`, `bias` `[filters]`. By default both
    /// are uniform within ±1/√(channels / groups · kernel height · kernel width).
    ///
    /// `x >> conv2d(16, 3)` of `[3, 32, 32]` is `[16, 30, 30]`.
    /// `x >> conv2d(16, [3, 5], stride = 2, padding = [1, 2])` of `[3, 32, 32]` is `[16, 16, 16]`.
    /// `x >> conv2d(32, 3, padding = same, groups = 32)` of `[32, 8, 8]` is `[32, 8, 8]`.
    conv2d;
    /// `conv1d(x, filters, kernel, stride = 1, padding = 0, padding_mode = zeros, dilation = 1, groups = 1, bias = true,
    /// init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// As `conv2d`, over a sequence `[channels, length]`. Parameters: `weight` `[filters, channels / groups, kernel]`, `bias`
    /// `[filters]`. With `padding = causal`, zeros stand before the first element only, so that no result sees what comes later; stacks of
    /// them with growing dilation are WaveNet's.
    ///
    /// `x >> conv1d(8, 5, dilation = 2)` of `[4, 100]` is `[8, 92]`.
    /// `x >> conv1d(8, 2, dilation = 4, padding = causal)` of `[4, 100]` is `[8, 100]`.
    conv1d;
    /// `conv3d(x, filters, kernel, stride = 1, padding = 0, padding_mode = zeros, dilation = 1, groups = 1, bias = true,
    /// init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// As `conv2d`, over a volume `[channels, depth, height, width]`. Parameters: `weight` `[filters, channels / groups,
    /// kernel depth, kernel height, kernel width]`, `bias` `[filters]`.
    ///
    /// `x >> conv3d(8, 3, padding = same)` of `[1, 6, 8, 10]` is `[8, 6, 8, 10]`.
    conv3d;
    /// `conv_transpose2d(x, filters, kernel, stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
    /// bias = true, init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// A transposed convolution: each element is spread over a window of the result, and windows of neighbours are `stride`
    /// apart. It undoes the change of size that `conv2d` with the same options makes. Along each axis the result has
    /// (size - 1) · stride - 2 · padding + dilation · (kernel - 1) + `output_padding` + 1 elements.
    ///
    /// Parameters: `weight` `[channels, filters / groups, kernel height, kernel width]`, `bias` `[filters]`. By default both are
    /// uniform within ±1/√(filters / groups · kernel height · kernel width).
    ///
    /// `x >> conv_transpose2d(16, 2, stride = 2)` of `[32, 8, 8]` is `[16, 16, 16]`.
    /// `x >> conv_transpose2d(1, 3, stride = 2, padding = 1, output_padding = 1)` of `[8, 7, 7]` is `[1, 14, 14]`.
    conv_transpose2d;
    /// `conv_transpose1d(x, filters, kernel, stride = 1, padding = 0, output_padding = 0, dilation = 1, groups = 1,
    /// bias = true, init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// As `conv_transpose2d`, over a sequence `[channels, length]`. Parameters: `weight` `[channels, filters / groups,
    /// kernel]`, `bias` `[filters]`.
    ///
    /// `x >> conv_transpose1d(4, 4, stride = 2, padding = 1)` of `[8, 25]` is `[4, 50]`.
    conv_transpose1d;
    /// `separable_conv2d(x, filters, kernel, stride = 1, padding = 0, padding_mode = zeros, dilation = 1, bias = true,
    /// init = …, bias_init = …,
    /// regularizer = …, bias_regularizer = …, constraint = …, bias_constraint = …, name = …)`
    ///
    /// A `conv2d` of each channel by itself, without bias, and a `conv2d` with a kernel of 1 over all channels. Parameters:
    /// `depthwise.weight` `[channels, 1, kernel height, kernel width]`, `pointwise.weight` `[filters, channels, 1, 1]`,
    /// `pointwise.bias` `[filters]`.
    ///
    /// `x >> separable_conv2d(64, 3, stride = 2, padding = 1)` of `[32, 16, 16]` is `[64, 8, 8]`.
    separable_conv2d;
}

// Pooling. `kernel`, `stride` and `padding` are one number, or one for each axis: `[3, 5]`.
functions! {
    /// `max_pool2d(x, kernel, stride = kernel, padding = 0, dilation = 1, ceil_mode = false)`
    ///
    /// The maximum of each window of an image; the first maximum gets the gradient. Padding is smaller than everything, and at
    /// most half of the window. There are as many windows as in `conv2d`; with `ceil_mode`, one more where the last one would
    /// reach beyond the edge.
    ///
    /// `x >> max_pool2d(2)` of `[16, 28, 28]` is `[16, 14, 14]`.
    /// `x >> max_pool2d(3, stride = 2, padding = 1)` of `[64, 112, 112]` is `[64, 56, 56]`.
    max_pool2d;
    /// `max_pool1d(x, kernel, stride = kernel, padding = 0, dilation = 1, ceil_mode = false)`
    ///
    /// As `max_pool2d`, over a sequence `[channels, length]`.
    ///
    /// `x >> max_pool1d(3)` of `[4, 100]` is `[4, 33]`.
    max_pool1d;
    /// `avg_pool2d(x, kernel, stride = kernel, padding = 0, ceil_mode = false, count_include_pad = true)`
    ///
    /// The mean of each window of an image. Padding, at most half of the window, counts as zeros, or not at all with
    /// `count_include_pad = false`.
    ///
    /// `x >> avg_pool2d(3, stride = 1, padding = 1)` of `[8, 10, 12]` is `[8, 10, 12]`.
    avg_pool2d;
    /// `avg_pool1d(x, kernel, stride = kernel, padding = 0, ceil_mode = false, count_include_pad = true)`
    ///
    /// As `avg_pool2d`, over a sequence `[channels, length]`.
    ///
    /// `x >> avg_pool1d(4, ceil_mode = true)` of `[2, 10]` is `[2, 3]`.
    avg_pool1d;
    /// `global_max_pool(x)`
    ///
    /// The maximum of each channel over all positions.
    ///
    /// `x >> global_max_pool` of `[64, 7, 7]` is `[64]`.
    global_max_pool;
    /// `global_avg_pool(x)`
    ///
    /// The mean of each channel over all positions.
    ///
    /// `x >> global_avg_pool` of `[64, 7, 7]` is `[64]`.
    global_avg_pool;
    /// `adaptive_avg_pool2d(x, size)`
    ///
    /// Means over pieces of an image, so that the result has the size given, one number or `[height, width]`. Piece i of n
    /// begins at i · length / n, rounded down, and ends before (i + 1) · length / n, rounded up.
    ///
    /// `x >> adaptive_avg_pool2d(3)` of `[8, 10, 7]` is `[8, 3, 3]`.
    adaptive_avg_pool2d;
}

// Normalization. With `affine`, the result is multiplied by `weight` (from 1) and `bias` is added (from 0).
functions! {
    /// `batch_norm(x, momentum = 0.1, eps = 1e-5, affine = true, name = …)`
    ///
    /// (x - mean) / √(variance + eps) for each channel, which is the first axis of any shape. While training, by the mean and
    /// the biased variance of the batch, over all samples and positions; these also move `running_mean` and `running_var` (by
    /// the unbiased variance) by a share of `momentum`. Otherwise by `running_mean` and `running_var`.
    ///
    /// Parameters: `weight`, `bias`, `running_mean`, `running_var`, each `[channels]`.
    ///
    /// `x >> batch_norm` of `[16, 28, 28]` is `[16, 28, 28]`.
    batch_norm;
    /// `layer_norm(x, axis = -1, axes = […], eps = 1e-5, affine = true, name = …)`
    ///
    /// (x - mean) / √(variance + eps) for each sample, over the last axis by default; `axes` takes several in brackets.
    /// Parameters: `weight` and `bias`, which have the dimensions of these axes (PyTorch's `normalized_shape`).
    ///
    /// `x >> layer_norm` of `[10, 64]` is `[10, 64]`.
    /// `x >> layer_norm(axes = [0, 1, 2])` of `[3, 8, 8]` is `[3, 8, 8]`.
    layer_norm;
    /// `rms_norm(x, axis = -1, axes = […], eps = 1.1920929e-7, affine = true, name = …)`
    ///
    /// x / √(mean of x² + eps) for each sample, over the last axis by default; `axes` takes several in brackets. Parameter:
    /// `weight`, which has the dimensions of these axes.
    ///
    /// `x >> rms_norm` of `[10, 64]` is `[10, 64]`.
    rms_norm;
    /// `group_norm(x, groups, eps = 1e-5, affine = true, name = …)`
    ///
    /// (x - mean) / √(variance + eps) for each sample, over each of the groups into which channels (the first axis) are cut,
    /// and all positions. Parameters: `weight` and `bias`, each `[channels]`.
    ///
    /// `x >> group_norm(4)` of `[16, 8, 8]` is `[16, 8, 8]`.
    group_norm;
    /// `instance_norm(x, eps = 1e-5, affine = false, name = …)`
    ///
    /// (x - mean) / √(variance + eps) for each sample and channel, over all positions. Parameters with `affine`: `weight` and
    /// `bias`, each `[channels]`.
    ///
    /// `x >> instance_norm` of `[16, 8, 8]` is `[16, 8, 8]`.
    instance_norm;
    /// `local_response_norm(x, size, alpha = 1e-4, beta = 0.75, k = 1.0)`
    ///
    /// x / (k + alpha · mean of x²)^beta, where the mean is that of the same position in `size` neighbouring channels;
    /// channels that do not exist count as 0.
    ///
    /// `x >> local_response_norm(5)` of `[16, 8, 8]` is `[16, 8, 8]`.
    local_response_norm;
}

// Elements elsewhere: padding, cutting, resampling, other orders.
functions! {
    /// `pad(x, padding, mode = constant, value = 0.0)`
    ///
    /// Elements around `x`. One number stands for both sides of all axes but the first one; a list belongs to the last axes,
    /// and has one number, or `[before, after]`, for each. The mode is `constant` (that is `value`), `reflect` (the mirror
    /// image without the edge), `replicate` (the edge again) or `circular` (the opposite side).
    ///
    /// `x >> pad(1)` of `[3, 8, 8]` is `[3, 10, 10]`.
    /// `x >> pad([[0, 1], 2], mode = reflect)` of `[3, 8, 8]` is `[3, 9, 12]`.
    pad;
    /// `crop(x, margins)`
    ///
    /// The opposite of `pad`: what is left without the margins, which are written in the same way.
    ///
    /// `x >> crop(2)` of `[3, 8, 8]` is `[3, 4, 4]`.
    /// `x >> crop([[0, 1], [3, 3]])` of `[3, 8, 8]` is `[3, 7, 2]`.
    crop;
    /// `upsample(x, scale, mode = nearest)`
    ///
    /// `scale` times as many positions; one whole number, or one for each axis. `nearest` repeats elements; `bilinear` mixes
    /// the nearest four of an image by their distance (PyTorch's `align_corners = False`).
    ///
    /// `x >> upsample(2)` of `[8, 7, 7]` is `[8, 14, 14]`.
    /// `x >> upsample([2, 3], mode = bilinear)` of `[8, 7, 7]` is `[8, 14, 21]`.
    upsample;
    /// `pixel_shuffle(x, factor)`
    ///
    /// Channels become positions: factor² channels are the pixels of a square of the result's channel.
    ///
    /// `x >> pixel_shuffle(2)` of `[12, 8, 8]` is `[3, 16, 16]`.
    pixel_shuffle;
    /// `pixel_unshuffle(x, factor)`
    ///
    /// The opposite of `pixel_shuffle`: squares of pixels become channels.
    ///
    /// `x >> pixel_unshuffle(2)` of `[3, 16, 16]` is `[12, 8, 8]`.
    pixel_unshuffle;
    /// `channel_shuffle(x, groups)`
    ///
    /// The first channel of each group, then the second one of each, and so on, so that the next grouped convolution sees all
    /// groups.
    ///
    /// `x >> channel_shuffle(4)` of `[16, 8, 8]` is `[16, 8, 8]`.
    channel_shuffle;
    /// `permute(x, [axes])`
    ///
    /// The axes in another order: axis i of the result is the i-th one given.
    ///
    /// `x >> permute([1, 2, 0])` of `[3, 8, 9]` is `[8, 9, 3]`.
    permute;
    /// `slice(x, start = 0, end = …, axis = 0, step = 1)`
    ///
    /// The elements from `start` to before `end` (to the last one by default), every `step`-th of them. Negative positions
    /// count from the end.
    ///
    /// `x >> slice(2, 6)` of `[10, 4]` is `[4, 4]`.
    /// `x >> slice(1, -1, axis = -1, step = 2)` of `[10, 8]` is `[10, 3]`.
    slice;
    /// `split(x, size, axis = 0)`
    ///
    /// Parts of an axis, as several results: `(a, b) = x >> split(8)`. All have the size given, which must divide that of the
    /// axis; or `[sizes]` has one for each part, and they add up to it.
    split;
    /// `chunk(x, parts, axis = 0)`
    ///
    /// As `split`, by the number of parts, which must divide the axis: `(i, f, g, o) = chunk(gates, 4)`.
    chunk;
    /// `first(x, axis = 0)`
    ///
    /// What stands at the first position of an axis: of a sequence, its first step.
    ///
    /// `x >> first` of `[10, 4]` is `[4]`.
    first;
    /// `last(x, axis = 0, length = …)`
    ///
    /// What stands at the last position of an axis: of a sequence, its last step. With a `length`, an input such as `class(33)`
    /// (0 to 32), it is the last of so many, and zeros if there are none. Of a sequence that is read in both directions, the
    /// final states are `y.h`: at the last step, the backward direction has read only that step.
    ///
    /// `x >> last` of `[10, 4]` is `[4]`.
    last;
    /// `flip(x, axis = 0)`
    ///
    /// The elements of an axis in the opposite order.
    ///
    /// `x >> flip` of `[10, 4]` is `[10, 4]`.
    flip;
    /// `stack([a, b, …], axis = 0)`
    ///
    /// Tensors of one shape one after another along a new axis.
    ///
    /// `stack([x, x])` of `[3, 8]` is `[2, 3, 8]`.
    stack;
}

// What comes with the data.
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

// Sequences: `[length, features]`.
functions! {
    /// `scan name(step in sequence, …, state = beginning, …, reverse = false) { … }`
    ///
    /// A statement: a loop over the first axis of one or several sequences of one length, with a body of your own. What the body
    /// computes at each step is `name`, with the steps in front; what a state is behind the last step is `name.state`, and
    /// `(values, state) = name;` gives both. Losses flow back through all steps.
    ///
    /// ```text
    /// scan memory(x_t in x, h = zeros(128), c = zeros(128)) {
    ///     gates = linear(concat([x_t, h]), 4 * 128);
    ///     (i, f, g, o) = chunk(gates, 4);
    ///     c = sigmoid(f) * c + sigmoid(i) * tanh(g);
    ///     h = sigmoid(o) * tanh(c);
    ///     h
    /// }
    /// output y = memory >> last >> dense(10);      // or memory.h >> dense(10)
    /// ```
    ///
    /// - `x_t in x` is a step's part of a sequence: `[8]` of `[32, 8]`. At least one of them says how many steps there are.
    /// - `h = zeros(128)` is a state and its beginning: zeros, an input, another scan's final state. The body gives it a new value
    ///   once, of the same shape; what stands behind that reads the new value, what stands before it the value of the step before.
    /// - `w = w`, which the body gives no new value, is a tensor that each step reads as a whole.
    /// - `reverse = true` takes the steps from the last one to the first. The values stand at the steps that they belong to all the
    ///   same, so the final state is that of the first one.
    ///
    /// Of what is declared outside, the body sees constants and blocks. Its layers have one set of parameters for all steps, called
    /// after the scan and the binding in it (`memory.gates.linear.weight`). Dropout draws anew at each step. There is no scan in a
    /// scan and no `batch_norm`, whose statistics would be those of one step.
    scan;
    /// `rnn(x, hidden, activation = tanh, layers = 1, bidirectional = false, dropout = 0.0, bias = true, h = …, name = …)`
    ///
    /// A recurrent layer over a sequence `[length, features]`: at each step
    /// h' = tanh(weight_ih · x + bias_ih + weight_hh · h + bias_hh), or `relu` instead. The result is h' of all steps,
    /// `[length, hidden]`; the state behind the last one is `y.h`, or `(y, h) = x >> rnn(8);`.
    ///
    /// `layers` stand on top of each other, with `dropout` of what goes from one to the next. If `bidirectional`, each has a second
    /// loop from the last step to the first one, and the result is `[length, 2 * hidden]`, both directions at each step. `h = h0`
    /// is the state to begin with, zeros otherwise. States are `[hidden]`, or `[layers * directions, hidden]` if that is more than 1,
    /// in PyTorch's order.
    ///
    /// Parameters: `weight_ih_l0` `[hidden, features]`, `weight_hh_l0` `[hidden, hidden]`, `bias_ih_l0` and `bias_hh_l0` `[hidden]`;
    /// `…_l1` in the next layer, `…_reverse` in the other direction. All are uniform within ±1/√hidden. Names, layouts and formulas are
    /// PyTorch's: a `state_dict` loads by renaming.
    ///
    /// `x >> rnn(8)` of `[10, 4]` is `[10, 8]`.
    rnn;
    /// `lstm(x, hidden, layers = 1, bidirectional = false, dropout = 0.0, bias = true, h = …, c = …, name = …)`
    ///
    /// Long short-term memory over a sequence `[length, features]`. At each step weight_ih · x + bias_ih + weight_hh · h + bias_hh are
    /// the gates i, f, g, o, and c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'). The result is h' of all steps,
    /// `[length, hidden]`; the states behind the last one are `y.h` and `y.c`, or `(y, h, c) = x >> lstm(8);`.
    ///
    /// Options are those of `rnn`, and so are the parameters, with `4 * hidden` rows for the gates in their order.
    ///
    /// `x >> lstm(8)` of `[10, 4]` is `[10, 8]`.
    /// `x >> lstm(8, layers = 2, bidirectional = true) >> last` of `[10, 4]` is `[16]`.
    lstm;
    /// `gru(x, hidden, layers = 1, bidirectional = false, dropout = 0.0, bias = true, h = …, name = …)`
    ///
    /// A gated recurrent unit over a sequence `[length, features]`. At each step p = weight_ih · x + bias_ih and
    /// q = weight_hh · h + bias_hh have the parts r, z, n, and n = tanh(pₙ + σ(pᵣ + qᵣ) qₙ), z = σ(p_z + q_z),
    /// h' = (1 - z) n + z h. The result is h' of all steps, `[length, hidden]`; the state behind the last one is `y.h`, or
    /// `(y, h) = x >> gru(8);`.
    ///
    /// Options are those of `rnn`, and so are the parameters, with `3 * hidden` rows for the gates in their order.
    ///
    /// `x >> gru(8)` of `[10, 4]` is `[10, 8]`.
    gru;
}

// Tokens and attention: sequences are `[length, features]`, tokens `class(VOCABULARY)[length]`.
functions! {
    /// `embedding(tokens, dim, padding_index = …, init = …, name = …)`
    ///
    /// For each token its row of a table: `input tokens: class(50_000)[32];` and `tokens >> embedding(64)` give `[32, 64]`. Tokens are
    /// integers (`u32` on the host), checked when the data is made; a single one, `class(50_000)`, gives a vector.
    ///
    /// Parameter: `weight` `[classes, dim]`, normal with mean 0 and deviation 1 by default. The row of the token `padding_index`
    /// (negative ones count from the end) starts as zeros and gets no gradient.
    ///
    /// Cost: rows are read where they are needed. The gradient is one walk over the tokens and one over the table, and the update is over
    /// the whole table, as of PyTorch's dense embeddings.
    embedding;
    /// `tied_linear(x, "layer", bias = false, name = …)`
    ///
    /// `x · weightᵀ` with the weight of a layer that stands before it, named by its path: tied input and output embeddings. The layer has
    /// one weight, which gets the gradients of both uses. A `bias` is this layer's own, and starts as zeros.
    ///
    /// ```text
    /// x = tokens >> embedding(64);
    /// logits = x >> transformer_encoder_layer(4, causal = true) >> tied_linear("x.embedding");
    /// ```
    tied_linear;
    /// `positional_encoding(x, base = 10000.0)`
    ///
    /// Adds sines and cosines of the position (Attention is all you need): feature 2i of position p gets
    /// sin(p / base^(2i / features)), and feature 2i + 1 the cosine of the same angle. They are computed once a step, for all samples.
    ///
    /// `x >> positional_encoding` of `[32, 64]` is `[32, 64]`.
    positional_encoding;
    /// `position_embedding(x, init = …, name = …)`
    ///
    /// Adds a learnt vector to each position. Parameter: `weight` `[length, features]`, normal with mean 0 and deviation 1 by default.
    ///
    /// `x >> position_embedding` of `[32, 64]` is `[32, 64]`.
    position_embedding;
    /// `rotary(x, heads = 1, base = 10000.0, interleaved = false)`
    ///
    /// Turns pairs of features by angles that grow with the position (RoPE): for queries and keys, whose products depend on
    /// distances alone then. In each head of width d, pair i is turned by p / base^(2i / d) at position p. A pair is features i and
    /// i + d/2, as in Llama's published weights, or 2i and 2i + 1 if `interleaved`. `self_attention(…, rotary = true)` does this to its own.
    ///
    /// `x >> rotary(heads = 4)` of `[32, 64]` is `[32, 64]`.
    rotary;
    /// `attention(q, k, v, heads = 1, kv_heads = …, causal = false, mask = …, dropout = 0.0, scale = …)`
    ///
    /// softmax(scale · q kᵀ) v in each head: each query takes the mean of values, weighted by how well their keys fit (PyTorch's
    /// `scaled_dot_product_attention`). `q` is `[queries, heads · d]`, `k` `[keys, heads · d]`, `v` `[keys, heads · e]`, and the result
    /// `[queries, heads · e]`. `scale` is 1/√d by default. Heads are neighbouring features.
    ///
    /// - `causal = true`: position i sees positions 0 to i.
    /// - `mask`: numbers, 0 for what is not seen, as `[keys]` (padding: see `mask_from`), `[queries, keys]` or `[heads, queries, keys]`. A query
    ///   that sees nothing gets zeros.
    /// - `kv_heads`: grouped queries; keys and values have so many heads, each shared by heads / `kv_heads` neighbouring heads of queries.
    /// - `dropout`: the share of weights that training drops.
    attention;
    /// `self_attention(x, heads, kv_heads = …, causal = false, mask = …, dropout = 0.0, bias = true, rotary = false,
    /// rotary_base = 10000.0, name = …)`
    ///
    /// A sequence looks at itself: `attention` of three projections of `x`, and one more behind it. Options are those of
    /// `attention`, and of `rotary`, which turns queries and keys.
    ///
    /// Parameters, as in PyTorch's `nn.MultiheadAttention`: `in_proj_weight` `[3 · features, features]` (queries, keys and values one below
    /// another; Xavier-uniform), `in_proj_bias` (zeros), `out_proj.weight` `[features, features]` and `out_proj.bias` (zeros). With
    /// `kv_heads`, the parts of keys and values have fewer rows.
    ///
    /// `x >> self_attention(4, causal = true)` of `[32, 64]` is `[32, 64]`.
    self_attention;
    /// `cross_attention(x, memory, heads, kv_heads = …, mask = …, dropout = 0.0, bias = true, name = …)`
    ///
    /// A sequence looks at another one: queries come from `x`, keys and values from `memory`. As `self_attention`, with the same
    /// parameters; if `memory` has another number of features, they are, as in PyTorch, `q_proj_weight`, `k_proj_weight` and `v_proj_weight`.
    cross_attention;
    /// `transformer_encoder_layer(x, heads, feedforward = 2048, dropout = 0.1, activation = relu, norm_first = false,
    /// kv_heads = …, causal = false, mask = …, eps = 1e-5, bias = true, rotary = false, rotary_base = 10000.0, name = …)`
    ///
    /// A block of a transformer, PyTorch's `nn.TransformerEncoderLayer`: self-attention, then two linear layers for each position with
    /// `relu` or `gelu` between them, both around a residual connection with a `layer_norm` behind it, or, with `norm_first`, at the begin of
    /// what it goes around. With `causal = true` it is the block of a GPT.
    ///
    /// Parameters: those of `self_attn`, `linear1`, `linear2`, `norm1` and `norm2`; with `bias = false` none of them has a bias. Several blocks: `repeat(4, |x| x >>
    /// transformer_encoder_layer(8))`.
    ///
    /// `x >> transformer_encoder_layer(4, feedforward = 128)` of `[32, 64]` is `[32, 64]`.
    transformer_encoder_layer;
    /// `transformer_decoder_layer(x, memory, heads, feedforward = 2048, dropout = 0.1, activation = relu,
    /// norm_first = false, kv_heads = …, causal = false, mask = …, memory_mask = …, eps = 1e-5, bias = true, rotary = false,
    /// rotary_base = 10000.0, name = …)`
    ///
    /// PyTorch's `nn.TransformerDecoderLayer`: as `transformer_encoder_layer`, with attention to `memory` (an encoder's result) between
    /// self-attention and the linear layers. Parameters: those of `self_attn`, `multihead_attn`, `linear1`, `linear2` and `norm1` to
    /// `norm3`. A decoder that writes wants `causal = true`.
    transformer_decoder_layer;
    /// `mask_from(length, len)`
    ///
    /// The mask of a sequence of which only the first positions are there: `[len]`, 1 below `length` and 0 from there on. The length is an
    /// input of each sample, `input length: class(33);` for 0 to 32. It goes into `attention`'s `mask`, `masking`, `masked_mean` and the
    /// `mask` of losses and metrics.
    mask_from;
    /// `masking(x, mask)`
    ///
    /// `x` with zeros at the positions (axis 0) where the mask is 0.
    masking;
    /// `masked_mean(x, mask)`
    ///
    /// The mean over the positions (axis 0) where the mask is not 0; zeros if there are none.
    masked_mean;
}

// Decisions while compiling.
functions! {
    /// `repeat(x, n, block)`
    ///
    /// The block `n` times, each time on what the time before gave, and with parameters of its own: `x >> repeat(2, f(a))` is
    /// `x >> f(a) >> f(a)`. The block is a name (`relu`), a call without its first argument (`dense(8)`), or a closure:
    /// `|x| x >> dense(8) >> relu`, or `|x, i| …` with the index from 0.
    repeat;
    /// `dim(x, axis)`
    ///
    /// The size of an axis, as a constant.
    dim;
}

// Arithmetic.
functions! {
    /// `exp(x)`
    ///
    /// e to the power of `x`, elementwise.
    exp;
    /// `log(x)`
    ///
    /// The natural logarithm, elementwise.
    log;
    /// `sqrt(x)`
    ///
    /// The square root, elementwise.
    sqrt;
    /// `abs(x)`
    ///
    /// The absolute value, elementwise.
    abs;
    /// `square(x)`
    ///
    /// `x * x`, elementwise.
    square;
    /// `pow(x, exponent)`
    ///
    /// `x` to the power of `exponent`, elementwise; both broadcast.
    pow;
    /// `minimum(x, y)`
    ///
    /// The smaller one, elementwise; both broadcast.
    minimum;
    /// `maximum(x, y)`
    ///
    /// The larger one, elementwise; both broadcast.
    maximum;
    /// `clamp(x, min, max)`
    ///
    /// At least `min` and at most `max`, elementwise; either may be left out.
    clamp;
    /// `sum(x, axis = …, axes = […], keep_dims = false)`
    ///
    /// The sum over axes, over all of them by default. `axis` takes one, `axes` takes several in brackets.
    sum;
    /// `mean(x, axis = …, axes = […], keep_dims = false)`
    ///
    /// The mean over axes, over all of them by default. `axis` takes one, `axes` takes several in brackets.
    mean;
    /// `max(x, axis = …, axes = […], keep_dims = false)`
    ///
    /// The maximum over axes, over all of them by default. `axis` takes one, `axes` takes several in brackets.
    max;
    /// `concat([a, b, …], axis = 0)`
    ///
    /// One after another along an axis; all other dimensions must agree.
    concat;
    /// `matmul(x, y)`
    ///
    /// The matrix product of the last two axes; the axes before them broadcast. As NumPy's `@`.
    matmul;
}

// Activations.
functions! {
    /// `identity(x)`
    ///
    /// `x`.
    identity;
    /// `step(x)`
    ///
    /// 1 where `x` > 0, else 0: the perceptron's. Its gradient is 0.
    step;
    /// `sigmoid(x)`
    ///
    /// 1 / (1 + exp(-x)).
    sigmoid;
    /// `hard_sigmoid(x)`
    ///
    /// 0 below -3, 1 above 3, and x / 6 + 1/2 between.
    hard_sigmoid;
    /// `tanh(x)`
    ///
    /// The hyperbolic tangent.
    tanh;
    /// `relu(x)`
    ///
    /// max(x, 0).
    relu;
    /// `relu6(x)`
    ///
    /// min(max(x, 0), 6).
    relu6;
    /// `leaky_relu(x, negative_slope = 0.01)`
    ///
    /// `x` where it is positive, else `negative_slope * x`.
    leaky_relu;
    /// `prelu(x, num_parameters = 1, init = 0.25, name = …)`
    ///
    /// `leaky_relu` whose slope is trained: one for all, or one for each channel (the first axis). Parameter: `weight`
    /// `[num_parameters]`, which starts from `init`.
    prelu;
    /// `elu(x, alpha = 1.0)`
    ///
    /// `x` where it is positive, else `alpha * (exp(x) - 1)`.
    elu;
    /// `selu(x)`
    ///
    /// `elu` with the scales that keep mean and variance.
    selu;
    /// `celu(x, alpha = 1.0)`
    ///
    /// `x` where it is positive, else `alpha * (exp(x / alpha) - 1)`.
    celu;
    /// `gelu(x, approximate = "none")`
    ///
    /// `x` times the normal distribution's function at `x`; `approximate = "tanh"` is the common approximation.
    gelu;
    /// `silu(x)`
    ///
    /// `x * sigmoid(x)`.
    silu;
    /// `swish(x)`
    ///
    /// `x * sigmoid(x)`; another name of `silu`.
    swish;
    /// `mish(x)`
    ///
    /// `x * tanh(softplus(x))`.
    mish;
    /// `softplus(x, beta = 1.0, threshold = 20.0)`
    ///
    /// `log(1 + exp(beta * x)) / beta`, and `x` where `beta * x` is above the threshold.
    softplus;
    /// `softsign(x)`
    ///
    /// `x / (1 + abs(x))`.
    softsign;
    /// `hard_swish(x)`
    ///
    /// `x * hard_sigmoid(x)`.
    hard_swish;
    /// `softmax(x, axis = -1)`
    ///
    /// exp(x) over the sum of exp(x) along an axis: positive numbers whose sum is 1.
    softmax;
    /// `log_softmax(x, axis = -1)`
    ///
    /// The logarithm of `softmax`, computed without loss of accuracy.
    log_softmax;
    /// `maxout(x, pieces)`
    ///
    /// The maximum of each `pieces` neighbours on the last axis.
    maxout;
}

// Losses: means over a sample's numbers, then over the samples of the batch.
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
    /// the mean is plain. Where nothing in a batch weighs anything, the loss is 0. Metrics do not see the weights. Over several batches, the
    /// reported loss is the mean of theirs, by their sizes.
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
    /// such batch would spread to all weights. `Fit::accumulate` weights batches by their samples, not by their positions.
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
    /// `dice_loss(prediction, target, axis = …, smooth = 1e-5)`
    ///
    /// 1 - (2 Σ p t + smooth) / (Σ p + Σ t + smooth) of probabilities p: one minus the overlap of predicted and true regions
    /// of a sample. Against a `class(n)` for each position, each class along the axis (-1 by default; 0 where classes are
    /// channels) has a region, and the loss is their mean. Against numbers of the prediction's shape, or a `class(2)` for each,
    /// all of them are one region; with `axis`, there is one for each index along it.
    ///
    /// This is the common definition (MONAI's `DiceLoss`, by sample). A class that a sample does not show counts, too: what is
    /// predicted of it overlaps with nothing, so that its part of the loss is near 1 until next to nothing is predicted. `smooth` says
    /// how little that is; a larger one, such as 1, forgives more.
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

// Metrics. Each is exact over all samples of an epoch or an evaluation, whatever the batches: counts are whole numbers (as long as a
// step has less than 2^24 decisions), and curves are made of all scores.
functions! {
    /// `accuracy(prediction, target, axis = -1, threshold = …, ignore_index = …, mask = …)`
    ///
    /// The fraction of right decisions: the largest number along the axis against a `class(n)` or the largest number of
    /// the target; or, where there is one number for each decision, whether it is above the threshold (0.5 by default, for
    /// probabilities; for logits it is 0). scikit-learn's `accuracy_score`; with a threshold, Keras's `BinaryAccuracy`.
    ///
    /// `metric accuracy(logits, label);` or `metric accuracy(probability, sick, threshold = 0.3);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    accuracy;
    /// `top_k_accuracy(prediction, target, k = 5, axis = -1, ignore_index = …, mask = …)`
    ///
    /// The fraction of decisions whose true class is among the `k` largest numbers along the axis. Of equal numbers the first ones
    /// count as larger, so that k = 1 is `accuracy`. scikit-learn's `top_k_accuracy_score`.
    ///
    /// `metric top5 = top_k_accuracy(logits, label, k = 5);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
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
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    precision;
    /// `recall(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// tp / (tp + fn): the fraction of right ones among the decisions where a class is true (sensitivity, true positive rate).
    /// Options are those of [`precision`]. scikit-learn's `recall_score` with `zero_division=0`.
    ///
    /// `metric recall(probability, sick, threshold = 0.3);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    recall;
    /// `f_beta(prediction, target, beta = 1.0, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// (1 + beta²) tp / ((1 + beta²) tp + beta² fn + fp): the harmonic mean of precision and recall, where recall weighs `beta`
    /// times as much; F1 by default. Other options are those of [`precision`]. scikit-learn's `fbeta_score` with `zero_division=0`.
    ///
    /// `metric f1 = f_beta(logits, kind, average = "micro");` or `metric f2 = f_beta(probability, sick, beta = 2.0);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    f_beta;
    /// `specificity(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// tn / (tn + fp): the fraction of right ones among the decisions where a class is not true (true negative rate); 0 where
    /// it always is. Options are those of [`precision`].
    ///
    /// `metric specificity(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    specificity;
    /// `false_positive_rate(prediction, target, average = …, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// fp / (tn + fp) = 1 - specificity, but 0 where a class is always true. Options are those of [`precision`].
    ///
    /// `metric false_alarms = false_positive_rate(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    false_positive_rate;
    /// `confusion_matrix(prediction, target, threshold = …, axis = -1, ignore_index = …, mask = …)`
    ///
    /// How often each class has been decided for where each class is true: the report's field is a
    /// [`ConfusionMatrix`](crate::ConfusionMatrix), with a row for each true class. What is decided is as in `accuracy`; yes and no
    /// are the classes 1 and 0. scikit-learn's `confusion_matrix`.
    ///
    /// `metric confusion = confusion_matrix(logits, kind);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`]; a decision counts once, or not at all where its mask is 0.
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
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`]; a decision counts once, or not at all where its mask is 0.
    roc_curve;
    /// `pr_curve(prediction, target, axis = -1, ignore_index = …, mask = …)`
    ///
    /// Precision over recall for all thresholds: the report's field is a [`PrCurve`](crate::PrCurve), or a `Vec<PrCurve>`. Otherwise as
    /// [`roc_curve`]. scikit-learn's `precision_recall_curve`.
    ///
    /// `metric pr = pr_curve(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`]; a decision counts once, or not at all where its mask is 0.
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
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`]; a decision counts once, or not at all where its mask is 0.
    auc;
    /// `average_precision(prediction, target, average = "macro", axis = -1, ignore_index = …, mask = …)`
    ///
    /// Σ (recall - recall before) · precision over all thresholds: the area under [`pr_curve`] in steps; 0 where nothing is true. Otherwise as
    /// [`auc`]. scikit-learn's `average_precision_score`.
    ///
    /// `metric average_precision(probability, sick);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`]; a decision counts once, or not at all where its mask is 0.
    average_precision;
    /// `iou(prediction, target, axis = …, threshold = …, ignore_index = …, mask = …)`
    ///
    /// The intersection of predicted and true regions over their union, counted over all samples; several regions are
    /// averaged, without those that occur nowhere. Against a `class(n)` for each position, each class along the axis (-1 by
    /// default; 0 where classes are channels) has a region: where its number is the largest. Against numbers of the prediction's
    /// shape (true above 0.5), or a `class(2)` for each, the region is where the prediction is above the threshold (0.5 by
    /// default); with `axis`, there is one for each index along it.
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    iou;
    /// `r2(prediction, target)`
    ///
    /// The coefficient of determination, 1 - Σ error² / Σ deviation², over all samples; several numbers are averaged.
    /// scikit-learn's `r2_score`.
    r2;
    /// `rmse(prediction, target, mask = …)`
    ///
    /// The root of the mean squared error, √(Σ error² / n), over all samples; several numbers are averaged: scikit-learn's
    /// `root_mean_squared_error`. (Keras and torchmetrics take one root over all numbers.)
    ///
    /// `metric rmse(price, paid);`
    ///
    /// What counts: `mask`, as in [`cross_entropy`].
    rmse;
    /// `perplexity(logits, target, axis = -1, ignore_index = …, mask = …)`
    ///
    /// e to the power of the mean [`cross_entropy`] over all samples and positions: as many equally likely classes would surprise as
    /// much.
    ///
    /// `metric perplexity(logits, next_token);`
    ///
    /// What counts: `ignore_index` and `mask`, as in [`cross_entropy`].
    perplexity;
}

// Initializers.
functions! {
    /// `zeros(dims = …)`
    ///
    /// All 0: an initializer, or with dimensions a tensor, `zeros(8)` or `zeros([2, 8])`.
    zeros;
    /// `ones(dims = …)`
    ///
    /// All 1: an initializer, or with dimensions a tensor, `ones(8)` or `ones([2, 8])`.
    ones;
    /// `constant(value)`
    ///
    /// All the same number.
    constant;
    /// `uniform(low = 0.0, high = 1.0)`
    ///
    /// Uniform between two numbers.
    uniform;
    /// `normal(mean = 0.0, std = 1.0)`
    ///
    /// Normal.
    normal;
    /// `truncated_normal(mean = 0.0, std = 1.0, low = -2.0, high = 2.0)`
    ///
    /// Normal, but within two numbers.
    truncated_normal;
    /// `xavier_uniform(gain = 1.0)`
    ///
    /// Uniform within ± gain · √(6 / (inputs + outputs)).
    xavier_uniform;
    /// `xavier_normal(gain = 1.0)`
    ///
    /// Normal with standard deviation gain · √(2 / (inputs + outputs)).
    xavier_normal;
    /// `kaiming_uniform(a = 0.0, mode = "fan_in", nonlinearity = "leaky_relu")`
    ///
    /// Uniform within ± gain · √(3 / fan), where the gain follows from the nonlinearity (and from `a`, its slope).
    kaiming_uniform;
    /// `kaiming_normal(a = 0.0, mode = "fan_in", nonlinearity = "leaky_relu")`
    ///
    /// Normal with standard deviation gain / √fan, where the gain follows from the nonlinearity (and from `a`, its
    /// slope).
    kaiming_normal;
    /// `lecun_normal()`
    ///
    /// Normal with standard deviation 1 / √inputs, truncated at two of them.
    lecun_normal;
    /// `orthogonal(gain = 1.0)`
    ///
    /// Orthonormal rows (or columns, where there are more rows), times a gain.
    orthogonal;
}

// Regularizers and constraints of layers.
functions! {
    /// `l1(l1 = 0.01)`
    ///
    /// l1 · Σ |w| over all numbers of a weight, as a part of the loss (and so of what `evaluate` and `fit` report): for the options
    /// `regularizer` and `bias_regularizer` of layers.
    l1;
    /// `l2(l2 = 0.01)`
    ///
    /// l2 · Σ w², likewise. The gradient is 2 · l2 · w: a `weight_decay` of twice as much, but in the loss.
    l2;
    /// `l1_l2(l1 = 0.01, l2 = 0.01)`
    ///
    /// Both.
    l1_l2;
    /// `max_norm(max = 2.0)`
    ///
    /// Behind each update, what a unit (a neuron, a filter) reads with is shrunk where its norm is above `max`: for the options
    /// `constraint` and `bias_constraint` of layers. A unit is a row of the weight, whose layout is PyTorch's: of `[outputs, inputs]`
    /// and of `[filters, channels, height, width]` all but the first axis (what Keras writes as `axis=0` and `axis=[0, 1, 2]`); of a transposed
    /// convolution's weight, all that belongs to one filter. A bias is one unit.
    max_norm;
    /// `unit_norm()`
    ///
    /// Each unit's norm is 1.
    unit_norm;
    /// `non_negative()`
    ///
    /// What is negative becomes 0.
    non_negative;
}

// Optimizers. All of them take `clip_value = …` (each gradient within ± this), then `clip_norm = …` (the norm of all
// gradients at most this), `skip_non_finite = true` (a step with a gradient that is infinite or NaN changes neither parameters nor
// states, and does not count; mixed precision does so anyhow), `ema = …` (a running average of the parameters, which keeps this much of
// itself at each update), and `groups = […]` (see `group`).
functions! {
    /// `sgd(learning_rate = 1e-3, momentum = 0.0, dampening = 0.0, nesterov = false, weight_decay = 0.0)`
    ///
    /// Stochastic gradient descent.
    sgd;
    /// `rmsprop(learning_rate = 1e-2, alpha = 0.99, eps = 1e-8, momentum = 0.0, centered = false, weight_decay = 0.0)`
    ///
    /// Gradients over the root of their running mean square.
    rmsprop;
    /// `adagrad(learning_rate = 1e-2, lr_decay = 0.0, eps = 1e-10, initial_accumulator_value = 0.0, weight_decay = 0.0)`
    ///
    /// Gradients over the root of the sum of all their squares.
    adagrad;
    /// `adadelta(learning_rate = 1.0, rho = 0.9, eps = 1e-6, weight_decay = 0.0)`
    ///
    /// Gradients times the ratio of running mean squares of updates and gradients.
    adadelta;
    /// `adam(learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, amsgrad = false, weight_decay = 0.0)`
    ///
    /// Running means of gradients over the root of those of their squares.
    adam;
    /// `adamw(learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, amsgrad = false, weight_decay = 1e-2)`
    ///
    /// `adam` with weights that decay by themselves instead of through the gradient.
    adamw;
    /// `adamax(learning_rate = 2e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0)`
    ///
    /// `adam` with a running maximum in the place of the mean square.
    adamax;
    /// `full()`
    ///
    /// After `precision`: everything is computed in f32. This is what networks do that say nothing.
    full;
    /// `mixed(loss_scale = 65536.0, growth_factor = 2.0, backoff_factor = 0.5, growth_interval = 2000, dynamic = true)`
    ///
    /// After `precision`, as in `precision mixed;`: what dense layers, convolutions and matrix products read is rounded to f16, forward and
    /// backward, while products are added in f32. Parameters, optimizer states, losses, sums and normalizations stay f32. A tensor that
    /// such a layer reads is rounded where it is computed, so whoever else reads it sees the rounded numbers, too.
    ///
    /// Rounding is IEEE's, to the nearest f16, ties to even, and infinite from 65,520 on, on every device alike. Numbers below 6e-8
    /// become 0, which small gradients are. So the loss's gradient is multiplied by `loss_scale`, and every gradient is divided by it
    /// before it is clipped, used or shown. A step with a gradient that is infinite or NaN is skipped: parameters and optimizer states
    /// stay as they are, and the scale is multiplied by `backoff_factor`. After `growth_interval` good steps in a row it is multiplied by
    /// `growth_factor`. These are the words and defaults of `torch.amp.GradScaler`. With `dynamic = false` the scale stays as it is. All of
    /// it happens on the device; a checkpoint has the scale.
    ///
    /// What it gives: on a GPU, the tensors that are rounded take half the memory (the plan lists them) and half the bandwidth. On the
    /// CPU it gives nothing but the same numbers: rounding costs time, and memory stays as it is.
    mixed;
    /// `group(patterns, learning_rate = …, weight_decay = …)`
    ///
    /// Parameters with options of their own, in the option `groups` of an optimizer, as PyTorch's parameter groups:
    /// `optimizer adamw(groups = [group(["*.bias", "*.batch_norm.*"], weight_decay = 0.0), group("stem.*", learning_rate = 1e-4)]);`.
    ///
    /// A pattern is a parameter's name, in which `*` stands for any characters (dots, too) and `?` for one. A parameter belongs to the first
    /// group that has its name; what a group does not say is as the optimizer says, and so is everything for parameters in no group. A
    /// group's learning rate keeps its proportion to the optimizer's when that changes. Gradients are clipped by the norm of all of
    /// them, whatever their group. The parameters of a group lie side by side in memory, so that groups cost next to nothing.
    group;
}
