use nn::network;

network! {
    pub network Example {
        input a: [2, 3];
        input b: [4];
        output y = a + b;
    }
}

fn main() {}
