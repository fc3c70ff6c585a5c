use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> repeat(0, dnese(4));
        b = x >> repeat(0, |v| v >> relu(3));
        output y = a + b;
    }
}

fn main() {}
