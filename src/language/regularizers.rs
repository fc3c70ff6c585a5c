//! Regularizers and constraints of layers.

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
