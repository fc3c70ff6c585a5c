//! Convolutions. `kernel`, `stride`, `padding` and `dilation` are one number, or one for each axis: `[3, 5]`.

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
