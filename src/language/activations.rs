//! Activations.

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
