use nn::network;

network! {
    pub network Example {
        input x: [2, 3];
        output y = sum(x, axis = 2);
        output z = x >> softmax(axis = -3);
    }
}

fn main() {}
