use nn::network;

network! {
    pub network Example {
        input sound: [2, 100];
        input image: [3, 8, 8];
        output heard = sound >> conv1d(4, 3, dilation = 2, padding = causal);
        output seen = image >> conv2d(4, 3, padding = causal);
    }
}

fn main() {}
