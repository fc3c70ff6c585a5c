//! Groups of parameters: forms, patterns that nobody has, options that make no sense.

nn::network! {
    network Digits {
        input image: [1, 8, 8];
        target label: class(10);
        stem = image >> conv2d(4, 3) >> batch_norm >> relu;
        logits = stem >> flatten >> dense(10);
        output logits;
        loss cross_entropy(logits, label);
        optimizer adamw(groups = [
            group("*.bais", weight_decay = 0.0),
            group(["steem.*", "logits.dense.weights"], learning_rate = 1e-4),
            group("*.running_*", weight_decay = 0.0),
            group("*.weight", weight_decay = 0.1),
            group("stem.conv2d.weight", weight_decay = 0.2),
            group("encoder.?"),
        ]);
    }
}

nn::network! {
    network Forms {
        input x: [4];
        target y: [2];
        p = x >> dense(2);
        output p;
        loss mse(p, y);
        optimizer sgd(groups = [
            "*.bias",
            group("*.bias", weight_decay = -0.1),
            group("*.bias", momentum = 0.5),
            group(3),
            group("p dense"),
        ]);
    }
}

nn::network! {
    network NoList {
        input x: [4];
        target y: [2];
        p = x >> dense(2);
        output p;
        loss mse(p, y);
        optimizer sgd(groups = 0.1);
    }
}

nn::network! {
    network Lost {
        input x: [4];
        p = x >> group("*.bias");
        output p;
    }
}

nn::network! {
    network Still {
        input x: [4];
        target y: [2];
        p = x >> dense(2);
        output p;
        loss mse(p, y);
        optimizer sgd(learning_rate = 0.0, groups = [group("*.bias", learning_rate = 0.1)]);
    }
}

fn main() {}
