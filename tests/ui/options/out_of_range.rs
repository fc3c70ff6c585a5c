use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> dropout(1.5);
        b = x >> celu(alpha = 0);
        output y = a + b;
    }
}

fn main() {}
