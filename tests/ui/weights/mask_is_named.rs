use nn::network;

network! {
    pub network Example {
        input x: [5, 3];
        target y: [5, 3];
        target m: [5];
        output p = x;
        loss mse(x, y, m);
        metric mae(x, y, weight = m);
    }
}

fn main() {}
