use nn::network;

network! {
    pub network Example {
        input x: [10];
        target t: [10];
        p = x >> dense(10);
        output y = p;
        loss square(p - t);
    }
}

fn main() {}
