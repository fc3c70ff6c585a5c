#![deny(unused_variables)]

use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(10);
        output y = x >> dense(3);
    }
}

fn main() {}
