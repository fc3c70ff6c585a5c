//! The functions of the language that [`network!`](crate::network) reads: layers, activations, arithmetic, losses,
//! metrics, initializers and optimizers.
//!
//! The items here are documentation and nothing else: editors show it where a network mentions a function. They cannot be
//! called.
//!
//! In signatures, what comes before the comma-separated options can be passed by position, `x >> f(a)` is `f(x, a)`, and
//! `option = value` is an option with its default. Axes count per sample: 0 is the first one after the batch, -1 the last.
//! Defaults are PyTorch's.

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
    /// `dense(x, n, bias = true, init = …, bias_init = …, name = …)`
    ///
    /// A fully connected layer: `weight · x + bias`, where `x` is one vector (insert `flatten` before it otherwise).
    /// Parameters: `weight` `[n, features]`, `bias` `[n]`. By default both are uniform within ±1/√features.
    dense;
    /// `linear(x, n, bias = true, init = …, bias_init = …, name = …)`
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
    /// `mse(prediction, target)`
    ///
    /// The mean squared error. Both have the same shape: losses never broadcast.
    mse;
    /// `mae(prediction, target)`
    ///
    /// The mean absolute error.
    mae;
    /// `huber(prediction, target, delta = 1.0)`
    ///
    /// Half the squared error up to `delta`, linear beyond.
    huber;
    /// `smooth_l1(prediction, target, beta = 1.0)`
    ///
    /// `huber` over `beta`: the squared error up to `beta`, then the absolute one.
    smooth_l1;
    /// `log_cosh(prediction, target)`
    ///
    /// The mean of log(cosh(prediction - target)).
    log_cosh;
    /// `binary_cross_entropy(prediction, target)`
    ///
    /// Of probabilities against numbers in 0 to 1 or a `class(2)`. From logits, `binary_cross_entropy_with_logits` is more
    /// accurate.
    binary_cross_entropy;
    /// `binary_cross_entropy_with_logits(logits, target)`
    ///
    /// Of logits against numbers in 0 to 1 or a `class(2)`.
    binary_cross_entropy_with_logits;
    /// `cross_entropy(logits, target, axis = -1, label_smoothing = 0.0)`
    ///
    /// Of logits (no `softmax` before it) against a `class(n)`, where the axis has size n, or against one-hot or soft
    /// targets of the logits' shape.
    cross_entropy;
    /// `hinge(prediction, target)`
    ///
    /// The mean of max(0, 1 - prediction * target), for targets of ±1 or a `class(2)`.
    hinge;
    /// `kl_divergence(prediction, target, log_target = false)`
    ///
    /// The divergence of a distribution from the target's: `prediction` holds logarithms of probabilities, and so does
    /// the target with `log_target`.
    kl_divergence;
    /// `poisson(prediction, target, log_input = true, full = false, eps = 1e-8)`
    ///
    /// The negative log-likelihood of counts; the prediction is the logarithm of the rate unless `log_input = false`. `full`
    /// adds Stirling's term.
    poisson;
}

// Metrics.
functions! {
    /// `accuracy(prediction, target, axis = -1, threshold = …)`
    ///
    /// The fraction of right decisions: the largest number along the axis against a `class(n)` or the largest number of
    /// the target; or, where there is one number for each decision, whether it is above the threshold (0.5 by default).
    accuracy;
    /// `r2(prediction, target)`
    ///
    /// The coefficient of determination, 1 - Σ error² / Σ deviation², over all samples; several numbers are averaged.
    r2;
}

// Initializers.
functions! {
    /// `zeros()`
    ///
    /// All 0.
    zeros;
    /// `ones()`
    ///
    /// All 1.
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

// Optimizers. All of them take `clip_value = …` (each gradient within ± this), then `clip_norm = …` (the norm of all
// gradients at most this).
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
}
