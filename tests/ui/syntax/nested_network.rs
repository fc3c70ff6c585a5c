use nn::network;

network! {
    network Outer {
        input x: [3];
        network Inner { input x: [3]; output y = x; }
        output y = x;
    }
}

fn main() {}
