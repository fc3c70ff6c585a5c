use nn::network;

network! {
    pub network Example {
        input x: [5, 3];
        target y: class(4)[5];
        output p = x;
        loss cross_entropy(x, y, ignore_index = 0);
    }
}

fn main() {}
