#![deny(unused_variables)]

use nn::network;

network! {
    pub network Example {
        const UNUSED = 3;
        const _SILENT = 4;
        input x: [4];
        input extra: [4];
        hidden = x >> dense(3);
        _debug = x >> relu;
        block pair(v) { (v, v) }
        (first, second) = x >> pair;
        output y = x + first;
    }
}

fn main() {}
