//! ResNet-50 and nothing else: what a network of that size costs to build is measured on this crate.

nn::network! {
    /// ResNet-50 for images of 224 by 224 (He et al. 2015, table 1), with the stride in the 3 by 3 convolutions, as in torchvision.
    pub network ResNet50 {
        const CLASSES = 1000;
        input  image: [3, 224, 224];
        target label: class(CLASSES);

        block conv_bn(x, filters, kernel = 1, stride = 1) {
            x >> conv2d(filters, kernel, stride = stride, padding = kernel / 2, bias = false) >> batch_norm
        }

        block bottleneck(x, filters, stride) {
            reduce = x >> conv_bn(filters) >> relu;
            middle = reduce >> conv_bn(filters, kernel = 3, stride = stride) >> relu;
            expand = middle >> conv_bn(4 * filters);
            shortcut = if dim(x, 0) == 4 * filters { x } else { x >> conv_bn(4 * filters, stride = stride) };
            relu(expand + shortcut)
        }

        block stage(x, n, filters, stride = 2) {
            x >> repeat(n, |x, i| x >> bottleneck(filters, if i == 0 { stride } else { 1 }))
        }

        stem   = image >> conv_bn(64, kernel = 7, stride = 2) >> relu >> max_pool2d(3, stride = 2, padding = 1);
        layer1 = stem >> stage(3, 64, stride = 1);
        layer2 = layer1 >> stage(4, 128);
        layer3 = layer2 >> stage(6, 256);
        layer4 = layer3 >> stage(3, 512);
        logits = layer4 >> global_avg_pool >> dense(CLASSES);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, label);
        metric    accuracy(logits, label);
        optimizer sgd(learning_rate = 0.1, momentum = 0.9, weight_decay = 1e-4);
    }
}
