use nn::network;

network! {
    pub network Example {
        input x: [4];
        shared block encode(v, n = 3) { h = v >> dense(n); h >> relu >> dense(2) }
        a = x >> encode;
        b = a >> encode;
        c = x >> encode(5);
        output y = a + b + c;
    }
}

fn main() {}
