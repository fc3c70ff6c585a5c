//! Activations, each between two dense layers.

use nn_tests::parity;

macro_rules! activations {
    ($width:literal; $($case:ident [$($activation:tt)+])+) => { $(
        parity! { "activations" $case {
            input x: [5];
            target y: [3];
            h = x >> dense($width);
            a = h >> $($activation)+;
            p = a >> dense(3);
            output a = a;
            output p = p;
            loss mse(p, y);
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

activations! { 6;
    identity [identity]
    step [step]
    sigmoid [sigmoid]
    hard_sigmoid [hard_sigmoid]
    tanh [tanh]
    relu [relu]
    relu6 [relu6]
    leaky_relu [leaky_relu]
    leaky_relu_slope [leaky_relu(negative_slope = 0.3)]
    prelu [prelu]
    prelu_wide [prelu(num_parameters = 6)]
    elu [elu]
    elu_alpha [elu(alpha = 0.4)]
    selu [selu]
    celu [celu]
    celu_alpha [celu(alpha = 0.4)]
    gelu [gelu]
    gelu_tanh [gelu(approximate = tanh)]
    silu [silu]
    swish [swish]
    mish [mish]
    softplus [softplus]
    softplus_beta [softplus(beta = 2.0, threshold = 3.0)]
    softsign [softsign]
    hard_swish [hard_swish]
    softmax [softmax]
    log_softmax [log_softmax]
}

activations! { 12;
    maxout [maxout(3)]
}
