//! One precision for a network, and none for a block.

nn::network! {
    network Example {
        block layer(x) {
            precision mixed;
            x >> dense(2)
        }
        input x: [4];
        output y = x >> layer;
        precision mixed;
        precision full;
    }
}

fn main() {}
