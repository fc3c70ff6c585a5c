use nn::network;

network! {
    pub network Example {
        input x: [4];
        block layer(v, n, rate = 0.5) {
            v >> dense(n) >> dropout(rate)
        }
        a = x >> layer;
        b = x >> layer(3, 0.1, 7);
        c = x >> layer(3, raet = 0.1);
        d = x >> layer(3, n = 4);
        output y = concat([a, b, c, d]);
    }
}

fn main() {}
