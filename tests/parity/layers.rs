//! Layers and functions, each between dense layers, and statements that tie them together.

use nn_tests::parity;

/// `case [width, [shape]] { more inputs } (expression of h)`: `h` is a dense layer of that width, reshaped.
macro_rules! layers {
    ($($case:ident [$width:literal $(, $shape:tt)?] $({ $($inputs:tt)* })? ($($expression:tt)+) $(out $out:literal)?)+) => { $(
        parity! { "layers" $case {
            input x: [5];
            $($($inputs)*)?
            target y: [3];
            h = x >> dense($width) $(>> reshape($shape))?;
            a = $($expression)+;
            p = a >> flatten >> dense(3);
            output a = a;
            output p = p;
            loss mse(p, y);
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

layers! {
    dense [6] (h >> dense(4))
    dense_without_bias [6] (h >> dense(4, bias = false))
    linear [12, [2, 3, 2]] (h >> linear(4))
    linear_without_bias [6, [3, 2]] (h >> linear(4, bias = false))
    flatten [12, [2, 3, 2]] (h >> flatten)
    reshape [12, [2, 3, 2]] (h >> reshape([3, 4]))
    add_broadcast [6, [2, 3]] { input c: [3]; } (h + c)
    subtract_broadcast [6, [2, 3]] { input c: [2, 1]; } (c - h)
    multiply_broadcast [6, [2, 1, 3]] { input c: [4, 1]; } (h * c)
    divide_broadcast [6, [2, 3]] { input c: [1]; } (h / c)
    divide_by_computed [6, [2, 3]] { input c: [2, 3]; } (c / (h * h + 0.5))
    scalars [6] (-(2.0 * h - 1.0) / 3.0 + 1.0 / (h * h + 1.0))
    scalar_input [6] { input c: []; } (h * c)
    exp [6] (exp(h))
    log [6] (log(h * h + 0.1))
    sqrt [6] (sqrt(h * h + 0.1))
    abs [6] (abs(h))
    pow_two [6] (pow(h, 2))
    pow_three [6] (h >> pow(3.0))
    pow_five [6] (pow(0.5 * h, 5))
    pow_half [6] (pow(h * h + 0.1, 0.5))
    pow_negative [6] (pow(h * h + 0.5, -1.5))
    pow_tensor [6] { input c: [6]; } (pow(h * h + 0.5, c))
    square [6] (h >> square)
    minimum [6, [2, 3]] { input c: [3]; } (minimum(h, c))
    maximum [6, [2, 3]] { input c: [3]; } (h >> maximum(c))
    clamp [6] (h >> clamp(-0.5, 0.7))
    sum_all [6, [2, 3]] (sum(h))
    sum_axis [12, [2, 3, 2]] (tanh(h) >> sum(axis = 1))
    sum_keep [6, [2, 3]] (h * sum(h, axis = 0, keep_dims = true))
    mean_axis [12, [2, 3, 2]] (tanh(h) >> mean(axis = 0))
    mean_axes [12, [2, 3, 2]] (tanh(h) >> mean(axes = [0, 2]))
    max_axis [6, [3, 2]] (max(h, axis = 0))
    max_last [12, [2, 2, 3]] (max(h, axis = -1))
    concat [6] { input c: [2]; } (concat(tanh(h), c, h))
    concat_axis [6, [2, 3]] { input c: [2, 2]; } (concat(h, c, axis = 1))
    matmul [6, [2, 3]] { input c: [3, 4]; } (matmul(h, c))
    matmul_batched [12, [2, 2, 3]] { input c: [2, 3, 2]; } (h >> matmul(c))
    matmul_broadcast [12, [2, 2, 3]] { input c: [3, 2]; } (matmul(h, c))
    matmul_self [4, [2, 2]] (matmul(h, h))
    softmax_axis [6, [3, 2]] (h >> softmax(axis = 0))
    log_softmax_axis [6, [3, 2]] (h >> log_softmax(axis = 0))
    residual [6] ((h >> dense(6) >> tanh) + h)
}

parity! { "layers" dropout_in_inference {
    input x: [5];
    target y: [3];
    h = x >> dense(6);
    a = h >> dropout(0.0);
    p = a >> dense(3);
    output a = a;
    output p = p;
    loss mse(p, y);
    optimizer sgd(learning_rate = 0.02);
} }

parity! { "layers" two_heads {
    input image: [2, 3];
    input extra: [2];
    target label: class(3);
    target value: [2];
    h = concat(flatten(image), extra) >> dense(8) >> relu;
    logits = h >> dense(3);
    estimate = h >> dense(2);
    output probability = softmax(logits);
    output estimate = estimate;
    loss cross_entropy(logits, label) + 0.5 * mse(estimate, value);
    optimizer sgd(learning_rate = 0.02);
} }

parity! { "layers" block {
    input x: [5];
    target y: [3];
    block hidden(x, width) { x >> dense(width) >> tanh }
    a = x >> hidden(6);
    b = a >> hidden(width = 4);
    p = b >> dense(3);
    output p = p;
    loss mse(p, y);
    optimizer sgd(learning_rate = 0.02);
} }
