use nn::network;

network! {
    pub network Example {
        input x: [4];
        output y = x >> Example;
    }
}

fn main() {}
