use nn::network;

network! {
    pub network Example {
        input x: [1, 1, 1, 1, 1, 1, 2];
        input z: [2];
        output y = z >> reshape([1, 1, 1, 1, 1, 1, 2]);
    }
}

fn main() {}
