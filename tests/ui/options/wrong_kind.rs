use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(3, bias = 1);
        b = x >> dropout("half");
        c = x >> dense(x);
        d = x >> reshape(4);
        e = sum(x, axis = 0.5);
        f = x >> dense(3, name = head);
        g = concat([a, 3]);
        output y = concat([a, b, c, d, e, f, g]);
    }
}

fn main() {}
