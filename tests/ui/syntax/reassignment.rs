use nn::network;

network! {
    pub network Example {
        input x: [3];
        h = x >> relu;
        h += 1;
        output y = h;
    }
}

fn main() {}
