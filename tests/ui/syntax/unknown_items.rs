use nn::network;

network! {
    const N = 3;
    netwrok Example {
        input x: [3];
        output y = x;
    }
    input x: [4];
    struct S;
}

fn main() {}
