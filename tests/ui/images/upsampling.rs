use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> upsample(1.5);
        output b = x >> upsample(2, mode = bicubic);
        output c = x >> upsample([2, 2, 2]);
    }
}

fn main() {}
