use nn::network;

network! {
    pub network Example {
        input x: [16, 32, 32];
        half = x >> conv2d(32, 3, stride = 2, padding = 1);
        output a = half + x;
        wide = x >> conv2d(64, 3, padding = 1);
        output b = wide + x;
        smaller = x >> conv2d(16, 3) >> conv2d(16, 3);
        output c = x + smaller;
        output d = (x >> max_pool2d(2)) + x;
    }
}

fn main() {}
