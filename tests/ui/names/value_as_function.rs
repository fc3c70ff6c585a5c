use nn::network;

network! {
    pub network Example {
        input x: [4];
        h = x >> relu;
        output y = x >> h;
    }
}

fn main() {}
