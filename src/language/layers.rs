//! Layers.

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
