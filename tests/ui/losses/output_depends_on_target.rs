use nn::network;

network! {
    pub network Example {
        input x: [4];
        target t: [4];
        h = x * t;
        output y = h >> dense(3);
        output z = x;
        output w = t;
    }
}

fn main() {}
