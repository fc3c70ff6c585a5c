use nn::network;

network! {
    pub network Example {
        input x: [4];
        x = x >> relu;
        h = x >> dense(3);
        h = h >> relu;
        output y = h;
        output y = x;
    }
}

fn main() {}
