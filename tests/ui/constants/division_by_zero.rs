use nn::network;

network! {
    pub network Example {
        const ZERO = 0;
        const A = 1 / ZERO;
        const B = 1 % 0;
        const C = 1.0 / 0;
        input x: [A, B];
        output y = x * C;
    }
}

fn main() {}
