use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> conv2d(8, 9);
        output b = x >> conv2d(8, [3, 11], padding = 1);
        output c = x >> conv2d(8, 5, dilation = 2, stride = 2);
        output d = x >> max_pool2d(9);
        output e = x >> max_pool2d(2) >> max_pool2d(2) >> max_pool2d(2) >> avg_pool2d(2);
        output f = x >> reshape([3, 64]) >> conv1d(4, 65);
    }
}

fn main() {}
