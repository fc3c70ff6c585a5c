use nn::network;

network! {
    pub network Example {
        input x: [784];
        target label: class(10);
        logits = x >> dense(12);
        output y = logits;
        loss cross_entropy(logits, label);
        metric accuracy(logits, label);
    }
}

fn main() {}
