use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(3, baïs = false);
        b = x >> dense(3, biass = false);
        c = x >> dense(units = 3);
        d = x >> relu(slope = 0.1);
        e = x >> leaky_relu(slope = 0.1);
        f = sum(x, dim = 0);
        output y = concat([a, b, c, d, e, f]);
    }
}

fn main() {}
