use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = if x { x } else { x };
        b = if 1 { x } else { x };
        c = if x > 3 { x } else { x };
        d = if true && 2 { x } else { x };
        e = if !3 { x } else { x };
        f = if 3 == true { x } else { x };
        g = if true < false { x } else { x };
        h = if dim(x, 0) & 1 == 0 { x } else { x };
        i = if dim(x, 0) = 4 { x } else { x };
        j = if True and False { x } else { x };
        k = x >> repeat(2, if true { relu } else { tanh });
        output y = a + b + c + d + e + f + g + h + i + j + k;
    }
}

fn main() {}
