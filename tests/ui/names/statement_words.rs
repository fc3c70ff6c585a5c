use nn::network;

network! {
    pub network Example {
        input loss: [4];
        input x: [4];
        target = x >> relu;
        output y = x;
    }
}

fn main() {}
