use nn::network;

network! {
    pub network Example {
        input x: [10];
        output y = x >> maxout(4);
    }
}

fn main() {}
