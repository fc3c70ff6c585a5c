use nn::network;

network! {
    pub network Example {
        input x: [4];
        block head(v, wide) { if wide { v >> dense(3) >> dense(2, bias = 1) } else { v >> reshape([3, 5]) } }
        a = x >> head(true);
        b = x >> head(wide = false);
        c = if dim(x, 0) == 4 { x >> reshape([5]) } else { x >> reshape([7]) };
        output y = concat([a, b >> flatten, c]);
    }
}

fn main() {}
