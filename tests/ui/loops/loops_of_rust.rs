use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = for i in 0..3 { x };
        b = loop { x };
        for i in 0..3 { h = x; }
        output y = a + b;
    }
}

fn main() {}
