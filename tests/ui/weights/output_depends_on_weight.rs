use nn::network;

network! {
    pub network Example {
        input x: [3];
        target y: [3];
        h = sample_weight * x;
        output p = h;
        loss mse(h, y);
    }
}

fn main() {}
