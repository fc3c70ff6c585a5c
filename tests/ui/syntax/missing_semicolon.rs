use nn::network;

network! {
    pub network Example {
        input x: [4];
        h = x >> dense(3)
        g = h >> relu;
        output y = g
    }
}

fn main() {}
