use nn::network;

network! {
    pub network Example {
        input x: [4];
        target t: [4];
        p = x >> dense(4);
        output y = p;
        loss mse(p, t);
        optimizer adam;
        optimizer 3;
    }
}

fn main() {}
