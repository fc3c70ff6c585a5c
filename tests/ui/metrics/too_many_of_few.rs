use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric top_k_accuracy(logits, label, k = 5);
    }
}

fn main() {}
