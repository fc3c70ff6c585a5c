use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> repeat(3, x);
        b = x >> repeat(3, 4);
        c = x >> repeat(3, x >> dense(4) >> relu);
        d = x >> repeat(3, dense(4) >> relu);
        e = x >> repeat(3, adam);
        f = x >> repeat(3, self::relu);
        g = x >> repeat(3, dnese(4));
        output y = a + b + c + d + e + f + g;
    }
}

fn main() {}
