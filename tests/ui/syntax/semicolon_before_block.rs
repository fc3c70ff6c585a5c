use nn::network;

network! {
    pub network Example {
        input x: [4];
        h = x >> relu
        block stage(v) { v }
        ;
        output y = h >> stage;
    }
}

fn main() {}
