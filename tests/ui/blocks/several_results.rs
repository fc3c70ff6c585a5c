use nn::network;

network! {
    pub network Example {
        block pair(v) {
            (v >> dense(1), v >> dense(2))
        }
        input x: [4];
        one = x >> pair;
        (a, b, c) = x >> pair;
        (d, e) = x >> relu;
        output y = x >> pair >> relu;
        output z = concat([one, a, b, c, d, e]);
    }
}

fn main() {}
