//! Optimizers. All of them take `clip_value = …` (each gradient within ± this), then `clip_norm = …` (the norm of all
//! gradients at most this), `skip_non_finite = true` (a step with a gradient that is infinite or NaN changes neither parameters nor
//! states, and does not count; mixed precision does so anyhow), `ema = …` (a running average of the parameters, which keeps this much of
//! itself at each update), and `groups = […]` (see `group`).

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
