use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dense(dim(x, 1));
        b = x >> dense(dim(3, 0));
        c = x >> dense(dim(x));
        d = x >> dense(dim(x, 0.0));
        output y = a + b + c + d;
    }
}

fn main() {}
