use nn::network;

network! {
    pub network Example {
        input x: [4];
        shared block encode(v, start = 0.0) { v >> dense(3, init = constant(start)) }
        a = x >> encode;
        b = x >> encode(1.0);
        output y = a + b;
    }
}

fn main() {}
