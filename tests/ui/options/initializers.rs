use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(4, init = zeroes);
        b = x >> dense(4, init = 0.5);
        c = x >> dense(4, init = "zeros");
        d = x >> dense(4, bias_init = xavier_uniform);
        e = x >> dense(4, init = uniform(1, -1));
        f = x >> dense(4, init = relu);
        g = zeros + x;
        output y = a + b + c + d + e + f + g;
    }
}

fn main() {}
