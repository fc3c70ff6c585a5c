use nn::network;

network! {
    pub network Example {
        input x: [3];
        output y = x >> dense(3) + x;
        output z = x >> relu >> dense(3) * 2.0 - x;
    }
}

fn main() {}
