use nn::network;

network! {
    pub network Example {
        input x: [4];
        output y = x >> dense(1);
        optimizer adam;
    }
}

fn main() {}
