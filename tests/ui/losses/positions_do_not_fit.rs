use nn::network;

network! {
    pub network Example {
        input x: [7, 5];
        target label: class(5);
        output y = x;
        loss cross_entropy(x >> linear(5), label);
    }
}

fn main() {}
