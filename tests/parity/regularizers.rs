//! Penalties in the loss, constraints behind each update, and running averages of the parameters.

use nn_tests::parity;

macro_rules! small {
    ($($case:ident [$($h:tt)*] [$($p:tt)*] [$($optimizer:tt)+])+) => { $(
        parity! { "regularizers" $case {
            input x: [5];
            target y: [3];
            h = x >> dense(6, $($h)*) >> tanh;
            p = h >> dense(3, $($p)*);
            output p = p;
            loss mse(p, y);
            optimizer $($optimizer)+;
        } }
    )+ };
}

small! {
    l2_of_weights [regularizer = l2(0.02)] [regularizer = l2(0.05)] [sgd(learning_rate = 0.1, momentum = 0.9)]
    l1_of_weights [regularizer = l1] [] [adam(learning_rate = 0.02)]
    both_and_bias
        [bias_regularizer = l1(0.02)]
        [regularizer = l1_l2(0.01, l2 = 0.03), bias_regularizer = l2(0.1)]
        [sgd(learning_rate = 0.1, momentum = 0.9, clip_norm = 0.5)]
    max_norm_of_rows
        [constraint = max_norm(0.8), bias_constraint = max_norm(0.3)] [] [sgd(learning_rate = 0.1, momentum = 0.9)]
    unit_norm_of_rows
        [constraint = unit_norm] [constraint = max_norm(1.0)] [adam(learning_rate = 0.02, clip_norm = 0.5)]
    non_negative_weights
        [] [constraint = non_negative, bias_constraint = non_negative] [sgd(learning_rate = 0.1, momentum = 0.9)]
    average_sgd [] [] [sgd(learning_rate = 0.1, ema = 0.9)]
    average_adam
        []
        []
        [adam(learning_rate = 0.02, weight_decay = 0.1, clip_norm = 0.5, ema = 0.7, groups = [
            group("*.bias", learning_rate = 0.05)
        ])]
    average_of_constrained
        [constraint = max_norm(0.8)] [constraint = non_negative] [rmsprop(learning_rate = 0.02, ema = 0.8)]
}

parity! { "regularizers" max_norm_of_filters {
    input x: [2, 5, 5];
    target y: [3];
    a = x >> conv2d(4, 3, constraint = max_norm(0.6)) >> tanh;
    b = a >> conv_transpose2d(6, 3, groups = 2, regularizer = l2, constraint = max_norm(0.5)) >> tanh;
    p = b >> flatten >> dense(3);
    output p = p;
    loss mse(p, y);
    optimizer adam(learning_rate = 0.02);
} }
