//! Losses of what counts are PyTorch's: values, gradients and ten steps.

use nn_tests::parity;

/// `case [width, shape] targets ; loss of (p, y)`.
macro_rules! losses {
    ($($case:ident [$width:literal $(, $shape:tt)?] { $($targets:tt)+ } ($($loss:tt)+))+) => { $(
        parity! { "weights" $case {
            input x: [5];
            $($targets)+
            h = x >> dense(6) >> tanh;
            z = h >> dense($width) $(>> reshape($shape))?;
            p = z;
            output p = p;
            loss $($loss)+;
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

losses! {
    sample_weight [4] { target y: class(4); } (sample_weight * cross_entropy(p, y))
    sample_weight_of_two [4] { target y: class(4); target t: [4]; } (sample_weight() * (cross_entropy(p, y) + 0.5 * mse(p, t)))
    mask_of_samples [4] { target y: class(4); } (cross_entropy(p, y, mask = sample_weight))
    ignored [12, [3, 4]] { target y: class(4)[3]; } (cross_entropy(p, y, ignore_index = 0))
    ignored_weighted [12, [3, 4]] { target y: class(4)[3]; }
        (cross_entropy(p, y, ignore_index = 2, label_smoothing = 0.1, class_weights = [1.5, 4.5, 1.0, 0.5]))
    ignored_last [12, [3, 4]] { target y: class(4)[4]; } (cross_entropy(p, y, axis = 0, ignore_index = 3))
    ignored_and_masked [12, [3, 4]] { target y: class(4)[3]; target m: [3]; } (cross_entropy(p, y, ignore_index = 0, mask = m))
    focal_ignored [12, [3, 4]] { target y: class(4)[3]; } (focal_loss(p, y, ignore_index = 1))
    masked_mse [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (mse(p, y, mask = m))
    masked_mae [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (mae(p, y, mask = m))
    masked_huber [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (huber(p, y, mask = m))
    masked_smooth_l1 [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (smooth_l1(p, y, beta = 0.5, mask = m))
    masked_log_cosh [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (log_cosh(p, y, mask = m))
    masked_hinge [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (hinge(p, y, mask = m))
    masked_poisson [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (poisson(p, y, mask = m))
    masked_with_logits [12, [3, 4]] { target y: [3, 4]; target m: [3]; }
        (binary_cross_entropy_with_logits(p, sigmoid(y), mask = m))
    masked_binary [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (binary_cross_entropy(sigmoid(p), sigmoid(y), mask = m))
    masked_kl_divergence [12, [3, 4]] { target y: [3, 4]; target m: [3]; }
        (kl_divergence(log_softmax(p), softmax(y), mask = m))
    masked_elements [12, [3, 4]] { target y: [3, 4]; target m: class(2)[3, 4]; } (mse(p, y, mask = m))
    masked_dice [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (dice_loss(sigmoid(p), y, mask = m))
    ignored_dice [12, [3, 4]] { target y: class(4)[3]; } (dice_loss(softmax(p), y, smooth = 0.5, ignore_index = 1))
    masked_cosine [12, [3, 4]] { target y: [3, 4]; target m: [3]; } (cosine_similarity(p, y, mask = m))
}
