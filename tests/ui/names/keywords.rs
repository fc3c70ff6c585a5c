use nn::network;

network! {
    pub network Example {
        input type: [4];
        input x: [4];
        match = x >> relu;
        output y = x;
    }
}

fn main() {}
