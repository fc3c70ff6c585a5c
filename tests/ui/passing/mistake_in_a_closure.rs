use nn::network;

network! {
    pub network Example {
        input x: [4];
        block stage(v, n, body: block) { v >> repeat(n, body) }
        a = x >> stage(2, |v| { h = v >> dense(3); (h >> reshape([3, 1])) + x });
        b = x >> stage(2, |v| { h = u >> dense(3); x = h; h; });
        c = x >> stage(2, |v| { loss mean(v); output o = v; block inner(v) { v } });
        output y = concat([a >> flatten, b, c]);
    }
}

fn main() {}
