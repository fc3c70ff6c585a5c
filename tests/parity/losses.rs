//! Losses, on what a dense layer gives or on a function of it.

use nn_tests::parity;

/// `case [width, shape] target ; head of z ; loss of (p, y)`.
macro_rules! losses {
    ($($case:ident [$width:literal $(, $shape:tt)?] { $($target:tt)+ } ($($head:tt)+) ($($loss:tt)+))+) => { $(
        parity! { "losses" $case {
            input x: [5];
            target y: $($target)+;
            h = x >> dense(6) >> tanh;
            z = h >> dense($width) $(>> reshape($shape))?;
            p = $($head)+;
            output p = p;
            loss $($loss)+;
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

losses! {
    mse [4] { [4] } (z) (mse(p, y))
    mae [4] { [4] } (z) (mae(p, y))
    huber [4] { [4] } (z) (huber(p, y))
    huber_delta [4] { [4] } (z) (huber(p, y, delta = 0.3))
    smooth_l1 [4] { [4] } (z) (smooth_l1(p, y))
    smooth_l1_beta [4] { [4] } (z) (smooth_l1(p, y, beta = 0.3))
    log_cosh [4] { [4] } (z) (log_cosh(p, y))
    binary_cross_entropy [4] { [4] } (sigmoid(z)) (binary_cross_entropy(p, y))
    binary_cross_entropy_hard [4] { [4] } (sigmoid(z)) (binary_cross_entropy(p, y))
    binary_cross_entropy_class [1, []] { class(2) } (sigmoid(z)) (binary_cross_entropy(p, y))
    binary_cross_entropy_with_logits [4] { [4] } (z) (binary_cross_entropy_with_logits(p, y))
    binary_cross_entropy_with_logits_class [4] { class(2)[4] } (z) (binary_cross_entropy_with_logits(p, y))
    cross_entropy [4] { class(4) } (z) (cross_entropy(p, y))
    cross_entropy_smooth [4] { class(4) } (z) (cross_entropy(p, y, label_smoothing = 0.1))
    cross_entropy_positions [12, [3, 4]] { class(4)[3] } (z) (cross_entropy(p, y))
    cross_entropy_axis [12, [3, 4]] { class(3)[4] } (z) (cross_entropy(p, y, axis = 0))
    cross_entropy_axis_smooth [12, [3, 4]] { class(3)[4] } (z) (cross_entropy(p, y, axis = 0, label_smoothing = 0.2))
    cross_entropy_weighted [4] { class(4) } (z) (cross_entropy(p, y, class_weights = [1.0, 4.0, 0.5, 0.0]))
    cross_entropy_weighted_smooth [4] { class(4) } (z)
        (cross_entropy(p, y, label_smoothing = 0.1, class_weights = [1.25, 4.25, 0.75, 0.25]))
    cross_entropy_weighted_axis [12, [3, 4]] { class(3)[4] } (z) (cross_entropy(p, y, axis = 0, class_weights = [1.0, 4.0, 0.5]))
    cross_entropy_weighted_soft [4] { [4] } (z) (cross_entropy(p, y, class_weights = [1.0, 4.0, 0.5, 0.0]))
    binary_cross_entropy_pos_weight [4] { [4] } (z) (binary_cross_entropy_with_logits(p, y, pos_weight = 3.0))
    cross_entropy_soft [4] { [4] } (z) (cross_entropy(p, y))
    cross_entropy_soft_smooth [4] { [4] } (z) (cross_entropy(p, y, label_smoothing = 0.1))
    cross_entropy_soft_axis [12, [3, 4]] { [3, 4] } (z) (cross_entropy(p, y, axis = 0))
    cross_entropy_pixels [24, [3, 2, 4]] { class(3)[2, 4] } (z) (cross_entropy(p, y, axis = 0))
    cross_entropy_pixels_smooth [24, [3, 2, 4]] { class(3)[2, 4] } (z)
        (cross_entropy(p, y, axis = 0, label_smoothing = 0.1))
    cross_entropy_pixels_soft [24, [3, 2, 4]] { [3, 2, 4] } (z) (cross_entropy(p, y, axis = 0))
    dice [4] { [4] } (sigmoid(z)) (dice_loss(p, y))
    dice_pixels [24, [3, 2, 4]] { class(3)[2, 4] } (softmax(z, axis = 0)) (dice_loss(p, y, axis = 0))
    dice_regions [24, [3, 2, 4]] { [3, 2, 4] } (sigmoid(z)) (dice_loss(p, y, axis = 0, smooth = 1.0))
    dice_mask [24, [3, 2, 4]] { class(2)[3, 2, 4] } (sigmoid(z)) (dice_loss(p, y))
    focal [4] { [4] } (z) (focal_loss(p, y))
    focal_options [4] { [4] } (z) (focal_loss(p, y, gamma = 1.5, alpha = 0.6))
    focal_without_alpha [4] { class(2)[4] } (z) (focal_loss(p, y, gamma = 3.0, alpha = -1.0))
    focal_classes [4] { class(4) } (z) (focal_loss(p, y))
    focal_pixels [24, [3, 2, 4]] { class(3)[2, 4] } (z) (focal_loss(p, y, gamma = 1.0, alpha = 0.5, axis = 0))
    hinge [4] { [4] } (z) (hinge(p, y))
    hinge_class [4] { class(2)[4] } (z) (hinge(p, y))
    kl_divergence [4] { [4] } (log_softmax(z)) (kl_divergence(p, y))
    kl_divergence_log_target [4] { [4] } (log_softmax(z)) (kl_divergence(p, y, log_target = true))
    poisson [4] { [4] } (z) (poisson(p, y))
    poisson_rate [4] { [4] } (softplus(z)) (poisson(p, y, log_input = false))
    poisson_full [4] { [4] } (z) (poisson(p, y, full = true))
    weighted [4] { [4] } (z) (0.7 * mse(p, y) + 0.3 * mae(p, y))
    own_formula [4] { [4] } (z) (mean(sqrt(square(p - y) + 1.0) - 1.0))
}
