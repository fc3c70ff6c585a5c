use nn::network;

network! {
    pub network Example {
        input x: [784];
        a = x >> dnese(64);
        b = x >> LeakyReLU;
        c = x >> Linear(3);
        d = x >> convolve(8, 3);
        output y = concat([a, b, c, d]);
    }
}

fn main() {}
