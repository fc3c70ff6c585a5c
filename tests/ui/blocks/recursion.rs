use nn::network;

network! {
    pub network Example {
        input x: [4];
        block forever(v) {
            v >> relu >> forever
        }
        output y = x >> forever;
    }
}

fn main() {}
