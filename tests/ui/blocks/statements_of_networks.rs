use nn::network;

network! {
    pub network Example {
        input x: [4];
        block layer(v) {
            input extra: [3];
            loss mse(v, extra);
            block inner(w) { w }
            v + extra >> inner
        }
        output y = x >> layer;
    }
}

fn main() {}
