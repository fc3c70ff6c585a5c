use nn::network;

network! {
    pub network Example {
        input x: [3, 0];
        output y = x >> relu;
    }
}

fn main() {}
