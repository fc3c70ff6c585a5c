use nn::network;

network! {
    pub network Example {
        input x: [3];
        x >> dense(1);
        output y = x;
    }
}

fn main() {}
