use nn::network;

network! {
    pub network Example {
        block head(v, n) {
            h = v >> relu;
            h >> dense(n)
        }
        input x: [4];
        input image: [3, 8];
        a = x >> head(2);
        b = image >> head(2);
        c = image >> head(4);
        output y = concat([a, b, c]);
    }
}

fn main() {}
