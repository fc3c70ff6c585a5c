use nn::network;

network! {
    pub network Example {
        input x: [4];
        target a: [];
        output y = x;
        metric 0.5 * mean(x) + a;
        metric a;
    }
}

fn main() {}
