use nn::network;

network! {
    pub network Example {
        input x: [3];
        target t: [1];
        p = x >> dense(1);
        output y = p;
        loss = mse(p, t);
        metric = mae(p, t);
        optimizer = adam();
    }
}

fn main() {}
