use nn::network;

network! {
    pub network Example {
        input x: [];
        output y = x >> linear(3);
    }
}

fn main() {}
