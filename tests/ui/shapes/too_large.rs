use nn::network;

network! {
    pub network Example {
        input x: [100000, 100000];
        input z: [65536];
        output y = z >> dense(65536);
    }
}

fn main() {}
