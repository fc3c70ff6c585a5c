use nn::network;

network! {
    pub network Example {
        input x: [5, 3];
        target y: [5, 3];
        target m: [3];
        target whole: [5, 3, 1];
        output p = x;
        loss mse(x, y, mask = m);
        metric mae(x, y, mask = whole);
        metric one = mse(mean(x), mean(y), mask = m);
    }
}

fn main() {}
