use nn::network;

network! {
    pub network Example {
        input x: [3];
        let h = x >> dense(3);
        let mut g = h;
        output y = g;
    }
}

fn main() {}
