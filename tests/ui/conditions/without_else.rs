use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = if true { x };
        b = if dim(x, 0) == 3 { x } else if dim(x, 0) == 5 { x };
        output y = a + b;
    }
}

fn main() {}
