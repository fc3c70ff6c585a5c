#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
//! A crate.

use nn::network;

network! {
    /// Blocks may say what they are, too.
    block hidden(x, n, last = false, activation: block = relu) {
        const WIDE = 16;
        skipped = if dim(x, 0) == n { x } else { h = x >> dense(n); h >> tanh };
        first = x >> dense(if n > WIDE && !last { WIDE } else { n }) >> activation;
        skipped + (first >> linear(n))
    }
    block stage(x, n, body: block) {
        x >> repeat(n, body)
    }
    shared block encode(x) {
        x >> repeat(2, |x, i| x >> dense(8 + i) >> relu)
    }
    /// Loops, choices and sharing.
    pub network Example {
        const UNTAKEN = 3;
        const DEEP = true;
        /// Fields may have the names of methods.
        input len: [4];
        /// Another one.
        input new: [4];
        /// What is learned.
        target near: [1];
        distance = abs((len >> encode) - (new >> encode));
        body = distance >> stage(3, hidden(8, activation = gelu(approximate = "tanh")));
        other = if DEEP { body >> stage(2, |v| { h = v >> dense(8); h >> relu }) } else { body >> dense(UNTAKEN) };
        /// How near.
        output y = other >> repeat(0, |_, _| body) >> dense(1);
        loss mse(y, near);
        optimizer adam;
    }
}

fn main() {
    let data = ExampleData::new(vec![[0.0; 4]; 2], vec![[0.0; 4]; 2], vec![[0.0]; 2]).expect("two samples");
    assert_eq!((data.len(), data.len_(), data.new_()), (2, &[[0.0; 4]; 2][..], &[[0.0; 4]; 2][..]));
    assert!(Example::summary().contains("encode.0"));
}
