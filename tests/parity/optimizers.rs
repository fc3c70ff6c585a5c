//! Optimizers, on a small tanh network.

use nn_tests::parity;

macro_rules! optimizers {
    ($($case:ident [$($optimizer:tt)+])+) => { $(
        parity! { "optimizers" $case {
            input x: [5];
            target y: [3];
            h = x >> dense(6) >> tanh;
            p = h >> dense(3);
            output p = p;
            loss mse(p, y);
            optimizer $($optimizer)+;
        } }
    )+ };
}

optimizers! {
    sgd [sgd]
    sgd_lr [sgd(learning_rate = 0.1)]
    sgd_momentum [sgd(learning_rate = 0.05, momentum = 0.9)]
    sgd_dampening [sgd(learning_rate = 0.05, momentum = 0.9, dampening = 0.3)]
    sgd_nesterov [sgd(learning_rate = 0.05, momentum = 0.9, nesterov = true)]
    sgd_weight_decay [sgd(learning_rate = 0.1, weight_decay = 0.1)]
    sgd_everything [
        sgd(learning_rate = 0.05, momentum = 0.8, nesterov = true, weight_decay = 0.1, clip_norm = 1.0)
    ]
    sgd_clip_value [sgd(learning_rate = 0.1, clip_value = 0.1)]
    sgd_clip_norm [sgd(learning_rate = 0.1, clip_norm = 0.5)]
    sgd_clip_norm_idle [sgd(learning_rate = 0.1, clip_norm = 100.0)]
    sgd_clip_both [sgd(learning_rate = 0.1, clip_value = 0.2, clip_norm = 0.5)]
    rmsprop [rmsprop]
    rmsprop_options [rmsprop(learning_rate = 0.02, alpha = 0.9, eps = 1e-6, momentum = 0.5)]
    rmsprop_centered [rmsprop(learning_rate = 0.02, centered = true, weight_decay = 0.05)]
    adagrad [adagrad]
    adagrad_options [
        adagrad(learning_rate = 0.1, lr_decay = 0.1, weight_decay = 0.05, initial_accumulator_value = 0.2, eps = 1e-6)
    ]
    adadelta [adadelta]
    adadelta_options [adadelta(learning_rate = 0.7, rho = 0.8, eps = 1e-4, weight_decay = 0.05)]
    adam [adam]
    adam_options [adam(learning_rate = 0.02, beta1 = 0.8, beta2 = 0.95, eps = 1e-5, weight_decay = 0.05)]
    adam_amsgrad [adam(learning_rate = 0.02, amsgrad = true)]
    adam_clip [adam(learning_rate = 0.02, clip_norm = 0.5)]
    adamw [adamw]
    adamw_options [adamw(learning_rate = 0.02, weight_decay = 0.2, beta1 = 0.8, beta2 = 0.95)]
    adamw_amsgrad [adamw(learning_rate = 0.02, amsgrad = true)]
    adamax [adamax]
    groups_sgd [
        sgd(learning_rate = 0.05, momentum = 0.9, weight_decay = 0.2, groups = [
            group("*.bias", weight_decay = 0.0),
            group("p.*", learning_rate = 0.01),
        ])
    ]
    groups_adamw [
        adamw(learning_rate = 0.02, weight_decay = 0.2, groups = [
            group(["h.dense.bias", "p.dense.bias"], weight_decay = 0.0, learning_rate = 0.05),
            group("p.dense.weight", weight_decay = 0.4),
        ])
    ]
    groups_clip [
        adam(learning_rate = 0.02, clip_norm = 0.5, clip_value = 0.3, groups = [group("h.*", learning_rate = 0.04)])
    ]
    adamax_options [adamax(learning_rate = 0.02, beta1 = 0.8, beta2 = 0.95, weight_decay = 0.05)]
}
