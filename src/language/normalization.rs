//! Normalization. With `affine`, the result is multiplied by `weight` (from 1) and `bias` is added (from 0).

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
