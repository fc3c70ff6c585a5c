use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> repeat(1, |v: f32| v);
        b = x >> repeat(1, move |v| v);
        c = x >> repeat(1, || x);
        d = x >> repeat(1, |v, i, j| v);
        e = x >> repeat(1, |(v, w)| v);
        f = x >> repeat(1, |v| -> f32 { v });
        g = |v| v >> relu;
        h = x >> |v| v >> relu;
        k = x >> dense(|v| v);
        output y = a + b + c + d + e + f + g + h + k;
    }
}

fn main() {}
