use nn::network;

network! {
    pub network Example {
        input x: [2, 6];
        output y = x >> reshape([0, 12]);
    }
}

fn main() {}
