use nn::network;

network! {
    pub network Example {
        input x: [4];
        h = x + ;
        g = x >> ;
        output y = h + g;
    }
}

fn main() {}
