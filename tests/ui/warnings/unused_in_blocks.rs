#![deny(unused_variables)]

use nn::network;

network! {
    block shared(v, width) {
        h = v >> relu;
        v
    }
    block idle(v) {
        v
    }
    network Example {
        input x: [4];
        output y = x >> shared(3);
    }
}

fn main() {}
