use nn::network;

network! {
    pub network Example {
        const BIG = 9_000_000_000_000_000_000;
        const A = BIG + BIG;
        const B = BIG * 2;
        const C = -BIG - BIG;
        const D = 99999999999999999999;
        const E = 1e999;
        input x: [4];
        output y = x * A * B * C * D * E;
    }
}

fn main() {}
