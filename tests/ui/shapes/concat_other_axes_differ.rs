use nn::network;

network! {
    pub network Example {
        input a: [2, 3];
        input b: [2, 5];
        output y = concat([a, b], axis = 0);
    }
}

fn main() {}
