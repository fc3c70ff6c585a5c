//! Small networks that several tests use.

use nn::network;

network! {
    /// The benchmark's `curve`: one number in, one out.
    pub network Curve {
        input  x: [1];
        target y: [1];
        a = x >> dense(16) >> tanh;
        b = a >> dense(16) >> tanh;
        fitted = b >> dense(1);
        output    prediction = fitted;
        loss      mse(fitted, y);
        metric    r2(fitted, y);
        optimizer sgd(learning_rate = 0.1);
    }

    /// The benchmark's `mlp`: handwritten digits.
    pub network Mlp {
        input  image: [784];
        target label: class(10);
        a = image >> dense(128) >> relu;
        b = a >> dense(64) >> relu;
        logits = b >> dense(10);
        output    probability = softmax(logits);
        loss      cross_entropy(logits, label);
        metric    accuracy(logits, label);
        optimizer adam;
    }

    /// Digits of 8 by 8 points.
    pub network Digits {
        input  image: [1, 8, 8];
        target label: class(10);
        hidden = image >> flatten >> dense(32) >> relu;
        logits = hidden >> dense(10);
        output    probability = softmax(logits);
        loss      cross_entropy(logits, label);
        metric    accuracy(logits, label);
        optimizer adam(learning_rate = 3e-3);
    }

    /// A row of class probabilities, smoothed labels.
    pub network Softmax {
        input  x: [12];
        target label: class(5);
        logits = x >> dense(5);
        output    probability = softmax(logits);
        loss      cross_entropy(logits, label, label_smoothing = 0.1);
        metric    accuracy(logits, label);
        optimizer sgd(learning_rate = 0.5, momentum = 0.9, weight_decay = 1e-4, clip_norm = 1.0);
    }

    /// Two inputs, dropout, a concatenation, two outputs, two losses, several metrics.
    pub network Branches {
        input  left: [6];
        input  right: [2, 4];
        target label: class(3);
        target value: [2];
        block side(x, width, rate = 0.25) { x >> flatten >> dense(width) >> tanh >> dropout(rate) }
        l = left >> side(10);
        r = right >> side(width = 7, rate = 0.5);
        both = concat(l, r) >> dense(12) >> gelu;
        logits = both >> dense(3);
        estimate = both >> dense(2);
        output    probability = softmax(logits);
        output    estimate = estimate;
        loss      cross_entropy(logits, label) + 0.5 * mse(estimate, value);
        metric    accuracy(logits, label);
        metric    error = mae(estimate, value);
        optimizer adamw(learning_rate = 5e-3, clip_value = 1.0);
    }

    /// No dropout and no class: what it computes does not depend on a seed once its parameters are given.
    pub network Plain {
        input  x: [5];
        target y: [3];
        h = x >> dense(8) >> silu;
        p = h >> dense(3);
        output    p = p;
        loss      huber(p, y);
        metric    mse(p, y);
        metric    mae(p, y);
        metric    r2(p, y);
        optimizer adam(learning_rate = 1e-2);
    }

    /// Rows that are long enough for a whole workgroup, a product of two tensors with batch, a maximum.
    pub network Rows {
        input  x: [4, 300];
        input  k: [300, 5];
        target y: [5];
        mixed = matmul(x >> softmax, k);
        p = max(mixed, axis = 0) >> dense(5);
        output    p = p;
        loss      mse(p, y);
        optimizer sgd(learning_rate = 0.1);
    }

    /// A loss without an optimizer: gradients, and no update.
    pub network LossOnly {
        input  x: [5];
        target y: [3];
        p = x >> dense(4) >> tanh >> dense(3);
        output p = p;
        loss   mse(p, y);
    }

    /// Only prediction.
    pub network Inference {
        input  x: [5];
        hidden = x >> dense(4) >> relu;
        output p = hidden >> dense(3);
    }

    /// The benchmark's `cnn`, for digits of 8 by 8 points.
    pub network Cnn {
        input  image: [1, 8, 8];
        target label: class(10);
        block stage(x, filters) { x >> conv2d(filters, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2) }
        a = image >> stage(16);
        b = a >> stage(32);
        logits = b >> flatten >> dense(10);
        output    probability = softmax(logits);
        loss      cross_entropy(logits, label);
        metric    accuracy(logits, label);
        optimizer adam;
    }

    /// Convolutions with what usually follows them.
    pub network Convolutions {
        input  image: [3, 8, 8];
        target y: [4];
        plain = image >> conv2d(8, 3, padding = 1) >> relu;
        strided = plain >> conv2d(8, 3, stride = 2, padding = 1) >> silu;
        normed = strided >> conv2d(12, 3, padding = 1, bias = false) >> batch_norm >> relu;
        depthwise = normed >> conv2d(12, 3, padding = 1, groups = 12, bias = false) >> batch_norm >> relu6;
        pointwise = depthwise >> conv2d(6, 1) >> batch_norm >> hard_swish;
        up = pointwise >> conv_transpose2d(4, 2, stride = 2) >> relu;
        p = up >> global_avg_pool;
        output    p = p;
        loss      mse(p, y);
        optimizer sgd(learning_rate = 0.1);
    }

    /// A loop over time, and a cell of one's own behind it.
    pub network Recurrent {
        input  x: [6, 3];
        target y: [2];
        states = x >> lstm(4);
        scan mean(h in states, sum = zeros(4)) {
            sum = 0.8 * sum + 0.2 * tanh(h);
            sum
        }
        p = mean >> last >> dense(2);
        output    p = p;
        loss      mse(p, y);
        optimizer sgd(learning_rate = 0.1);
    }

    /// Attention that is computed by blocks of queries.
    pub network Long {
        input  x: [1024, 4];
        target y: [1024, 4];
        a = x >> self_attention(1, causal = true, dropout = 0.1);
        output    a = a;
        loss      mse(a, y);
        optimizer sgd(learning_rate = 0.1);
    }
}
