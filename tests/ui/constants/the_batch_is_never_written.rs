use nn::network;

network! {
    pub network Example {
        input a: [batch, 3];
        input b: [_, 3];
        output y = a + b;
    }
}

fn main() {}
