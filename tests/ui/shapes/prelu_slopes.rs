use nn::network;

network! {
    pub network Example {
        input image: [3, 8, 8];
        output y = image >> prelu(num_parameters = 8);
    }
}

fn main() {}
