use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> conv2d(8, 3, stride = 0);
        output b = x >> conv2d(8, [3, 0]);
        output c = x >> conv2d(8, 3, dilation = -1);
        output d = x >> conv2d(8, 3, padding = -1);
        output e = x >> conv2d(0, 3);
        output f = x >> max_pool2d(2, stride = [0, 1]);
        output g = x >> upsample(0);
        output h = x >> pad(-1);
        output i = x >> adaptive_avg_pool2d(0);
    }
}

fn main() {}
