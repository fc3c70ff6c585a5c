use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric precision(logits, label, threshold = 0.3);
    }
}

fn main() {}
