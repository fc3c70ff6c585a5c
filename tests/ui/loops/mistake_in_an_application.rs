use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> repeat(3, |v, i| v >> dense(3) >> reshape([3 - i, 1]));
        b = x >> repeat(3, dense(4, biass = false));
        c = x >> repeat(3, |v, i| v + (x >> dense(4 + i)));
        output y = concat([a, b, c]);
    }
}

fn main() {}
