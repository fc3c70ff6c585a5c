use nn::network;

network! {
    pub network Example {
        input x: [4];
        target a: [4];
        target b: [4];
        output y = x;
        metric mse(x, a);
        metric mse(x, b);
        metric mae = mae(x, a);
        metric mae(x, b);
    }
}

fn main() {}
