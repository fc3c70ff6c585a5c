use nn::network;

network! {
    pub network Example {
        input x: [4];
        target a: [1];
        p = x >> dense(1);
        output y = p;
        loss mse(p, a);
        optimizer adam(learning_rate = -0.1);
    }
}

fn main() {}
