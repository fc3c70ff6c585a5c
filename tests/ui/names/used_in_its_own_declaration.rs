use nn::network;

network! {
    pub network Example {
        input x: [4];
        h = h >> dense(3);
        output y = x + h;
    }
}

fn main() {}
