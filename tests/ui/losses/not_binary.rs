use nn::network;

network! {
    pub network Example {
        input x: [784];
        target label: class(3);
        p = x >> dense(1) >> sigmoid;
        output y = p;
        loss binary_cross_entropy(p, label);
    }
}

fn main() {}
