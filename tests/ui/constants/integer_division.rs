use nn::network;

network! {
    pub network Example {
        const THIRD = 1 / 3;
        const HALF = 7 / 2;
        input x: [HALF];
        output y = 1 / 3 * x;
        output z = x * THIRD;
        output w = x >> dropout(1 / 2);
    }
}

fn main() {}
