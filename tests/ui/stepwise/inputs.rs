//! What arrives step by step.

nn::network! {
    network Unknown {
        input tokens: class(9)[8];
        output y = tokens >> embedding(4);
        stepwise token;
    }
}

nn::network! {
    network Target {
        input x: [8, 4];
        target y: [8, 4];
        output z = x >> linear(4);
        loss mse(z, y);
        stepwise y;
    }
}

nn::network! {
    network Value {
        input x: [8, 4];
        doubled = 2 * x;
        output y = doubled;
        stepwise doubled;
    }
}

nn::network! {
    network Number {
        input x: [8, 4];
        input level: [];
        output y = x * level;
        stepwise x, level;
    }
}

nn::network! {
    network Lengths {
        input x: [8, 4];
        input z: [6, 4];
        output y = x >> linear(4);
        output w = z >> linear(4);
        stepwise x, z;
    }
}

nn::network! {
    network Twice {
        input x: [8, 4];
        output y = x >> linear(4);
        stepwise x, x;
    }
}

nn::network! {
    network Again {
        input x: [8, 4];
        output y = x >> linear(4);
        stepwise x;
        stepwise x;
    }
}

nn::network! {
    network OneRow {
        input x: [1, 4];
        output y = x >> linear(4);
        stepwise x;
    }
}

nn::network! {
    network Nothing {
        input x: [8, 4];
        target t: [8, 4];
        loss mse(x >> linear(4), t);
        stepwise x;
    }
}

nn::network! {
    network Typo {
        input x: [8, 4];
        output y = x >> linear(4);
        stepwize x;
    }
}

nn::network! {
    network Written {
        input x: [8, 4];
        output y = x >> linear(4);
        stepwise x y;
    }
}

nn::network! {
    block body(x) {
        stepwise x;
        x >> linear(4)
    }
    network Misplaced {
        input x: [8, 4];
        output y = x >> body;
    }
}

fn main() {
    // The types are there all the same.
    let net = Unknown::new(&nn::Device::cpu(), 1).unwrap();
    let mut steps = net.stepwise(1).unwrap();
    steps.reset();
}
