use nn::network;

network! {
    pub network Example {
        input x: [4];
        const A = x >> relu;
        const C = "text";
        output y = x * A;
    }
}

fn main() {}
