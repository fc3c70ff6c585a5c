use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> max_pool2d(2, padding = 2);
        output b = x >> avg_pool2d(3, stride = 2, padding = [1, 2]);
    }
}

fn main() {}
