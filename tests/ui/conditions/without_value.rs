use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = if true { h = x >> relu; } else { x >> relu; };
        b = if true { } else { x };
        c = x >> if true { relu } else { tanh };
        output y = a + b + c;
    }
}

fn main() {}
