use nn::network;

network! {
    pub network Example {
        input x: [4];
        output y = x >> later;
        block later(v) {
            v >> relu
        }
    }
}

fn main() {}
