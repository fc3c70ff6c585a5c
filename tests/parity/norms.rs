//! Normalizations, with the running statistics that batch normalization keeps.

use crate::spatial;

spatial! { "norms";
    batch_norm_vector [6] (h >> batch_norm)
    batch_norm_sequence [4, 5] (h >> batch_norm)
    batch_norm_image [4, 5, 3] (h >> batch_norm)
    batch_norm_volume [2, 2, 3, 4] (h >> batch_norm)
    batch_norm_momentum_eps [3, 4, 5] (h >> batch_norm(momentum = 0.6, eps = 0.1))
    batch_norm_not_affine [3, 4, 5] (h >> batch_norm(affine = false))
    batch_norm_far_mean [3, 4, 5] (h >> batch_norm)
    layer_norm [4, 6] (h >> layer_norm)
    layer_norm_vector [7] (h >> layer_norm(eps = 0.01))
    layer_norm_image [3, 4, 5] (h >> layer_norm(axes = [0, 1, 2]))
    layer_norm_axes [3, 4, 5] (h >> layer_norm(axes = [-2, -1]))
    layer_norm_not_affine [4, 6] (h >> layer_norm(axis = 1, affine = false))
    group_norm [6, 4, 3] (h >> group_norm(2))
    group_norm_one [4, 5] (h >> group_norm(1))
    group_norm_each_channel [4, 3, 3] (h >> group_norm(groups = 4, eps = 0.1, affine = false))
    instance_norm [3, 4, 5] (h >> instance_norm)
    instance_norm_affine [3, 7] (h >> instance_norm(affine = true, eps = 1e-3))
    rms_norm [4, 6] (h >> rms_norm)
    rms_norm_axes [3, 4, 5] (h >> rms_norm(axes = [1, 2], eps = 0.05))
    rms_norm_not_affine [4, 6] (h >> rms_norm(affine = false))
    local_response_norm [6, 4, 3] (h >> local_response_norm(5))
    local_response_norm_options [5, 3, 4] (h >> local_response_norm(4, alpha = 0.9, beta = 0.5, k = 2.0))
    local_response_norm_two [4, 6] (h >> local_response_norm(size = 2, alpha = 2.0))

    conv_batch_norm_relu [2, 5, 6] (h >> conv2d(4, 3, padding = 1, bias = false) >> batch_norm >> relu)
    two_batch_norms [2, 6, 7] (
        h >> conv2d(4, 3, padding = 1, bias = false) >> batch_norm >> relu
            >> conv2d(3, 3, stride = 2, bias = false) >> batch_norm
    )
    dense_batch_norm [5] (h >> dense(6) >> batch_norm >> relu)
}
