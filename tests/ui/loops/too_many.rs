use nn::network;

network! {
    pub network Example {
        input x: [4];
        output y = x >> repeat(1000000000000, |v| v >> repeat(1000000000000, relu));
    }
}

fn main() {}
