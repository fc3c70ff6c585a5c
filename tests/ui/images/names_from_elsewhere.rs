use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> Conv2d(8, 3);
        output b = x >> maxpool2d(2);
        output c = x >> batch_norm2d;
        output d = x >> conv2d(8, kernel_size = 3);
        output e = x >> conv2d(8);
        output f = x >> conv2d(8, 3, 1);
        output g = x >> upsample(scale_factor = 2);
    }
}

fn main() {}
