use nn::network;

network! {
    pub network Example {
        input x: [2, 3];
        output y = mean(x, axes = [1, -1]);
    }
}

fn main() {}
