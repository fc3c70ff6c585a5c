use nn::network;

network! {
    pub network Example {
        input x: [10];
        target t: [10];
        p = x >> dense(1);
        output y = p;
        loss mse(p, t);
        metric mae(p, t);
        metric r2(p, t);
    }
}

fn main() {}
