//! Regularizers, constraints and averages: names from elsewhere, wrong kinds, options without sense.

nn::network! {
    network Digits {
        input image: [1, 8, 8];
        target label: class(10);
        stem = image >> conv2d(4, 3, kernel_regularizer = l2(1e-4), constraint = maxnorm(2.0)) >> relu;
        a = stem >> flatten >> dense(16, regularizer = 1e-4, constraint = l2);
        b = a >> dense(16);
        c = b >> dense(16, regularizer = l2(-0.1), constraint = max_norm(0.0), bias_constraint = non_negativ);
        logits = c >> dense(10) >> l2;
        output logits;
        loss cross_entropy(logits, label);
        optimizer adam(ema = 1.5);
    }
}

nn::network! {
    network Four {
        input x: [4];
        target y: [2];
        h = x >> dense(2, bias = false, bias_regularizer = l1);
        p = h >> dense(2);
        output p;
        loss mse(p, y);
        optimizer adam(amsgrad = true, ema = 0.9);
    }
}

fn main() {}
