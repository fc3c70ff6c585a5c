use nn::network;

network! {
    pub network Example {
        block dense(v) { v }
        input x: [4];
        block stem(v) { v }
        stem = x >> stem;
        output y = stem;
    }
}

fn main() {}
