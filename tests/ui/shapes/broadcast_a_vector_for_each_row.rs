use nn::network;

network! {
    pub network Example {
        input a: [2, 3];
        input b: [2];
        output y = a * b;
    }
}

fn main() {}
