use nn::network;

network! {
    pub network Example {
        input a: [3];
        input b: [5];
        output y = minimum(a, b) >> relu;
    }
}

fn main() {}
