use nn::network;

network! {
    pub network Example {
        input x: [4];
        block twice(v) { (v, v) }
        a = x >> repeat(3, twice);
        (b, c) = x >> repeat(1, twice);
        d = x >> twice >> repeat(2, relu);
        output y = a + b + c + d;
    }
}

fn main() {}
