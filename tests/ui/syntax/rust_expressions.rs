use nn::network;

network! {
    pub network Example {
        input x: [3];
        a = if x { 1 } else { 2 };
        b = x as f32;
        c = &x;
        d = x[0];
        e = x.0;
        f = x == x;
        g = !x;
        h = x ^ 2;
        i = vec![1, 2];
        j = |x| x;
        output y = a + b + c + d + e + f + g + h + i + j;
    }
}

fn main() {}
