use nn::network;

network! {
    pub network Example {
        input a: [2, 3];
        input b: [3];
        output y = concat([a, b]);
    }
}

fn main() {}
