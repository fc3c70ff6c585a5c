use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> repeat(-1, relu);
        b = x >> repeat(2.0, relu);
        c = x >> repeat(x, relu);
        d = x >> repeat(n = true, block = relu);
        output y = a + b + c + d;
    }
}

fn main() {}
