use nn::network;

network! {
    pub network Example {
        input x: [784];
        target label: class(10);
        p = x >> dense(10);
        output y = p;
        loss mse(p, label);
        metric accuracy(label, p);
    }
}

fn main() {}
