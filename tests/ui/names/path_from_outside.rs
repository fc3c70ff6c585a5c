use nn::network;

network! {
    pub network Example {
        input x: [4];
        output y = x * std::f64::consts::PI;
    }
}

fn main() {}
