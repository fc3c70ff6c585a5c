use nn::network;

network! {
    pub network Example {
        const HALF = 0.5;
        const WHOLE = 4.0;
        input x: [4];
        a = x >> dense(WHOLE);
        b = x >> dense(HALF);
        c = x >> dense(0);
        d = x >> dense(-3);
        e = x >> dense(4_000_000_000);
        input z: [HALF];
        target t: class(0);
        target u: class(20_000_000);
        output y = a + b + c + d + e;
    }
}

fn main() {}
