use nn::network;

network! {
    pub network Example {
        input x: [4];
        b = a >> relu;
        a = x >> dense(3);
        output y = a + b;
    }
}

fn main() {}
