use nn::network;

network! {
    pub network Example {
        input x: [4];
        target t: class(3);
        p = x >> dense(3);
        output y = p;
        loss accuracy(p, t);
    }
}

fn main() {}
