use nn::network;

network! {
    pub network Example {
        input x: [3];
        h = x.relu();
        output y = h.dense(3).sigmoid();
    }
}

fn main() {}
