#![deny(unused_variables)]

use nn::network;

network! {
    block stage(x, n, body: block, other: block = relu) {
        x >> repeat(n, body)
    }
    pub network Example {
        const UNTAKEN = 2;
        input x: [4];
        a = x >> stage(3, |v| { inner = v >> dense(5); v >> dense(4) });
        b = if dim(x, 0) == 4 { left = a >> relu; a } else { a >> dense(UNTAKEN) };
        output y = b >> repeat(2, |v, i| v >> tanh) >> repeat(2, |v, _i| v >> tanh);
    }
}

fn main() {}
