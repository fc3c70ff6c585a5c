use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense;
        b = dense(10);
        c = relu();
        d = pow(x);
        e = concat();
        output y = concat([a, b, c, d, e]);
    }
}

fn main() {}
