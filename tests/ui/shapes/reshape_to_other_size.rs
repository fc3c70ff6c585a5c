use nn::network;

network! {
    pub network Example {
        input x: [2, 6];
        output y = x >> reshape([5, 2]);
    }
}

fn main() {}
