//! Whole networks, narrow, on small images: ResNet-20 and one of depthwise-separable and inverted residual blocks.

use nn_tests::parity;

parity! { "networks" resnet20 {
    input image: [3, 16, 16];
    target label: class(5);

    block conv_bn(x, filters, stride = 1) {
        x >> conv2d(filters, 3, stride = stride, padding = 1, bias = false) >> batch_norm
    }
    block basic(x, filters, stride) {
        first = x >> conv_bn(filters, stride = stride) >> relu;
        second = first >> conv_bn(filters);
        shortcut = if stride == 1 { x } else {
            const MORE = (filters - dim(x, 0)) / 2;
            x >> slice(step = stride, axis = 1) >> slice(step = stride, axis = 2) >> pad([MORE, 0, 0])
        };
        relu(second + shortcut)
    }
    block stage(x, filters, stride = 2) {
        x >> repeat(3, |x, i| x >> basic(filters, if i == 0 { stride } else { 1 }))
    }

    stem = image >> conv_bn(4) >> relu;
    stage1 = stem >> stage(4, stride = 1);
    stage2 = stage1 >> stage(8);
    stage3 = stage2 >> stage(16);
    logits = stage3 >> global_avg_pool >> dense(5);
    output probability = softmax(logits);
    loss cross_entropy(logits, label);
    optimizer sgd(learning_rate = 0.02, momentum = 0.9, weight_decay = 1e-3);
} }

parity! { "networks" mobilenet {
    input image: [3, 16, 16];
    target label: class(5);

    block conv_bn(x, filters, kernel = 3, stride = 1, groups = 1) {
        x >> conv2d(filters, kernel, stride = stride, padding = kernel / 2, groups = groups, bias = false) >> batch_norm
    }
    block separable(x, filters, stride = 1) {
        const CHANNELS = dim(x, 0);
        x >> conv_bn(CHANNELS, stride = stride, groups = CHANNELS) >> relu6 >> conv_bn(filters, kernel = 1) >> relu6
    }
    block inverted(x, expansion) {
        const WIDTH = expansion * dim(x, 0);
        wide = x >> conv_bn(WIDTH, kernel = 1) >> relu6;
        spatial = wide >> conv_bn(WIDTH, groups = WIDTH) >> relu6;
        narrow = spatial >> conv_bn(dim(x, 0), kernel = 1);
        narrow + x
    }

    stem = image >> conv_bn(8, stride = 2) >> relu6;
    a = stem >> separable(12);
    b = a >> separable(16, stride = 2);
    c = b >> repeat(2, inverted(3));
    d = c >> separable(24);
    logits = d >> global_avg_pool >> dense(5);
    output probability = softmax(logits);
    loss cross_entropy(logits, label);
    optimizer adam(learning_rate = 2e-3);
} }
