use nn::network;

network! {
    pub network Example {
        input x: [3];
        output = x >> dense(1);
    }
}

fn main() {}
