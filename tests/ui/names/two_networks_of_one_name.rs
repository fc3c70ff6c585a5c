use nn::network;

network! {
    network Example {
        input x: [4];
        output y = x;
    }
    network Example {
        input x: [4];
        output y = x;
    }
}

fn main() {}
