use nn::network;

network! {
    pub network Example {
        input x: [3];
        label: class(10);
        output y = x;
    }
}

fn main() {}
