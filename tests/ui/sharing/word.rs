use nn::network;

network! {
    pub network Example {
        input x: [4];
        shared encode = x >> dense(3);
        shred block other(v) { v }
        output y = encode;
    }
}

fn main() {}
