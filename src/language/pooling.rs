//! Pooling. `kernel`, `stride` and `padding` are one number, or one for each axis: `[3, 5]`.

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
