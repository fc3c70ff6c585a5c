use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(3, bias = true, bias = false);
        b = x >> dense(3, n = 4);
        c = sum(x, axis = 0, axes = [0]);
        output y = concat([a, b, c]);
    }
}

fn main() {}
