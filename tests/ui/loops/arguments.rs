use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = repeat(3, dense(4));
        b = x >> repeat(3);
        c = x >> repeat(relu);
        d = x >> repeat(3, relu, 4);
        e = x >> repeat(3, relu, times = 4);
        f = x >> repeat(3, n = 4, block = relu);
        g = x >> repeat(n = 3, relu, relu);
        output y = a + b + c + d + e + f + g;
    }
}

fn main() {}
