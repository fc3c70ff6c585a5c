use nn::network;

network! {
    pub network Example {
        input x: [4];
        target a: [1];
        target b: [1];
        p = x >> dense(1);
        output y = p;
        loss mse(p, a);
        loss mae(p, b);
    }
}

fn main() {}
