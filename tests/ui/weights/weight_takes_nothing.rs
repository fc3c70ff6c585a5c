use nn::network;

network! {
    pub network Example {
        input x: [3];
        target y: [3];
        output p = x;
        loss sample_weight(2.0) * mse(x, y);
        metric w = x >> sample_weight;
    }
}

fn main() {}
