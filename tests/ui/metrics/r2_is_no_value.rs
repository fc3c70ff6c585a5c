use nn::network;

network! {
    pub network Example {
        input x: [4];
        target a: [4];
        output y = x;
        metric r = 1.0 - r2(x, a);
    }
}

fn main() {}
