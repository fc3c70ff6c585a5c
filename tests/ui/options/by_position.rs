use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(3, false);
        b = x >> leaky_relu(0.2);
        c = x >> relu(0.2);
        output y = concat([a, b, c]);
    }
}

fn main() {}
