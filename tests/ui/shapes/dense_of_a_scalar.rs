use nn::network;

network! {
    pub network Example {
        input x: [];
        output y = dense(x, 3);
    }
}

fn main() {}
