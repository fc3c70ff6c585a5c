use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(0);
        b = a >> dense(3) + x;
        c = b >> relu >> dense(5);
        (d, e) = c;
        f = concat([a, b, c, d, e]) * 2.0;
        target t: [3];
        output y = f >> dense(3);
        loss mse(y, t);
    }
}

fn main() {}
