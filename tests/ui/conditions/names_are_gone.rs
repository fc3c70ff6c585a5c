use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = if true { inner = x >> dense(4); inner >> relu } else { x };
        b = if true { a = x >> relu; a } else { x };
        output y = a + b + inner;
    }
}

fn main() {}
