//! Convolutions of every kind, with every option.

use crate::spatial;

spatial! { "convolutions";
    conv1d [3, 9] (h >> conv1d(4, 3))
    conv1d_same_even [2, 7] (h >> conv1d(3, 4, padding = same))
    conv1d_stride_dilation [2, 11] (h >> conv1d(3, 3, stride = 2, padding = 2, dilation = 2))
    conv1d_groups [4, 8] (h >> conv1d(6, 3, groups = 2, bias = false))
    conv1d_reflect [2, 6] (h >> conv1d(3, 5, padding = 2, padding_mode = reflect))
    conv1d_circular [2, 6] (h >> conv1d(3, kernel = 3, padding = 3, padding_mode = circular, stride = 2))
    conv2d [3, 6, 5] (h >> conv2d(4, 3))
    conv2d_valid [2, 5, 6] (h >> conv2d(3, 2, padding = valid, stride = 2))
    conv2d_same [2, 5, 6] (h >> conv2d(3, [3, 4], padding = same, dilation = [2, 1]))
    conv2d_same_circular [2, 5, 6] (h >> conv2d(3, [2, 3], padding = same, padding_mode = circular))
    conv2d_same_replicate [2, 5, 4] (h >> conv2d(3, [4, 2], padding = same, padding_mode = replicate, dilation = [1, 3]))
    conv2d_per_axis [2, 7, 6] (h >> conv2d(3, [3, 2], stride = [2, 1], padding = [1, 2]))
    conv2d_wide_padding [2, 3, 4] (h >> conv2d(3, 2, padding = 3))
    conv2d_pointwise [3, 5, 4] (h >> conv2d(5, 1))
    conv2d_pointwise_stride [3, 5, 4] (h >> conv2d(5, 1, stride = 2))
    conv2d_pointwise_padding [2, 3, 4] (h >> conv2d(3, 1, padding = 1))
    conv2d_pointwise_groups [4, 5, 3] (h >> conv2d(6, 1, groups = 2))
    conv2d_sparse [2, 7, 8] (h >> conv2d(3, 2, stride = 3))
    conv2d_whole_image [3, 4, 5] (h >> conv2d(4, [4, 5]))
    conv2d_dilation [2, 7, 6] (h >> conv2d(3, 3, dilation = 2, padding = 1))
    conv2d_stride_dilation [2, 9, 8] (h >> conv2d(3, 3, stride = [2, 3], padding = [2, 1], dilation = [2, 3]))
    conv2d_groups [4, 5, 6] (h >> conv2d(6, 3, groups = 2, padding = 1))
    conv2d_groups_stride [6, 6, 5] (h >> conv2d(3, 3, groups = 3, stride = 2, padding = 1, bias = false))
    conv2d_depthwise [5, 6, 5] (h >> conv2d(5, 3, groups = 5, padding = 1))
    conv2d_depthwise_stride [4, 7, 6] (h >> conv2d(4, 3, groups = 4, padding = 1, stride = 2, bias = false))
    conv2d_depthwise_multiplier [3, 5, 5] (h >> conv2d(6, 3, groups = 3, dilation = 2, padding = 2))
    conv2d_without_bias [3, 5, 4] (h >> conv2d(4, 3, padding = 1, bias = false))
    conv2d_reflect [2, 5, 4] (h >> conv2d(3, 3, padding = [2, 1], padding_mode = reflect))
    conv2d_replicate [2, 4, 5] (h >> conv2d(3, 3, padding = 2, padding_mode = replicate, stride = 2))
    conv2d_circular [2, 4, 5] (h >> conv2d(3, 3, padding = [1, 2], padding_mode = circular))
    conv2d_circular_groups [4, 4, 3] (h >> conv2d(4, 3, padding = 1, padding_mode = circular, groups = 4))
    conv3d [2, 4, 5, 3] (h >> conv3d(3, 2))
    conv3d_everything [4, 5, 4, 6] (
        h >> conv3d(4, [2, 3, 3], stride = [2, 1, 2], padding = [1, 2, 0], dilation = [1, 2, 1], groups = 2)
    )
    conv3d_same [1, 3, 4, 3] (h >> conv3d(2, [2, 3, 1], padding = same, bias = false))
    conv3d_replicate [1, 3, 3, 4] (h >> conv3d(2, 3, padding = [1, 2, 1], padding_mode = replicate))
    conv3d_depthwise [3, 3, 4, 4] (h >> conv3d(3, 3, padding = 1, groups = 3))

    conv_transpose1d [3, 5] (h >> conv_transpose1d(4, 3))
    conv_transpose1d_stride [2, 5] (h >> conv_transpose1d(3, 3, stride = 2, padding = 1, output_padding = 1))
    conv_transpose1d_dilation_groups [4, 5] (
        h >> conv_transpose1d(6, 3, stride = 3, dilation = 2, padding = 2, output_padding = 2, groups = 2)
    )
    conv_transpose2d [3, 4, 3] (h >> conv_transpose2d(4, 3))
    conv_transpose2d_two [3, 3, 4] (h >> conv_transpose2d(2, 2, stride = 2))
    conv_transpose2d_stride [3, 3, 4] (h >> conv_transpose2d(4, 3, stride = 2, padding = 1, output_padding = 1))
    conv_transpose2d_per_axis [2, 4, 3] (
        h >> conv_transpose2d(3, [3, 2], stride = [2, 3], padding = [1, 0], output_padding = [0, 2], bias = false)
    )
    conv_transpose2d_dilation [2, 4, 3] (
        h >> conv_transpose2d(3, 3, stride = 2, padding = 2, dilation = 2, output_padding = 1)
    )
    conv_transpose2d_groups [4, 3, 3] (h >> conv_transpose2d(6, 3, stride = 2, padding = 1, groups = 2))
    conv_transpose2d_depthwise [4, 3, 3] (h >> conv_transpose2d(4, 4, stride = 2, padding = 1, groups = 4))
    conv_transpose2d_sparse [2, 3, 2] (h >> conv_transpose2d(3, 2, stride = 3, output_padding = 1))
    conv_transpose2d_pointwise [3, 3, 2] (h >> conv_transpose2d(4, 1, stride = 2))

    separable_conv2d [3, 6, 5] (h >> separable_conv2d(5, 3))
    separable_conv2d_stride [4, 7, 6] (h >> separable_conv2d(3, 3, stride = 2, padding = 1, bias = false))
    separable_conv2d_same [2, 5, 6] (h >> separable_conv2d(4, [3, 2], padding = same, dilation = 2))

    two_convolutions [2, 7, 6] (h >> conv2d(4, 3, padding = 1) >> relu >> conv2d(3, 3, stride = 2, padding = 1))
}
