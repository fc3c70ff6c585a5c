use nn::network;

network! {
    pub network Example {
        input x: [4];
        target a: [4];
        output y = x;
        metric error = abs(x - a);
    }
}

fn main() {}
