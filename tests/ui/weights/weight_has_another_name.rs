use nn::network;

network! {
    pub network Example {
        input x: [3];
        target y: [3];
        output p = x;
        loss sample_weights * mse(x, y);
    }
}

fn main() {}
