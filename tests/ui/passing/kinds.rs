use nn::network;

network! {
    pub network Example {
        input x: [4];
        block stage(v, n, body: block) { v >> repeat(n, body) }
        block tail(v) { v >> dense(4) }
        a = x >> stage(2, x);
        b = x >> stage(tail, 2);
        c = x >> stage(|v| v, relu);
        d = x >> stage(2, 3);
        e = x >> stage(2);
        f = tail >> stage(2, relu);
        g = x + tail;
        output y = a + b + c + d + e + f + g;
    }
}

fn main() {}
