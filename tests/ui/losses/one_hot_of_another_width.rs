use nn::network;

network! {
    pub network Example {
        input x: [784];
        target soft: [10];
        p = x >> dense(5);
        output y = p;
        loss cross_entropy(p, soft);
    }
}

fn main() {}
