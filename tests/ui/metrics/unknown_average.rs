use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric recall(logits, label, average = "marco");
    }
}

fn main() {}
