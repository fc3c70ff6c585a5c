use nn::network;

network! {
    network Example {
        input x: [3];
        output y = x;
    }
    crate = nn;
}

fn main() {}
