use nn::network;

network! {
    pub network Example {
        input len: [4];
        target new: [4];
        h = len >> dense(4);
        output y = h;
        loss mse(h, new);
    }
}

fn main() {}
