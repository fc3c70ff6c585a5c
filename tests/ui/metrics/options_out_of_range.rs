use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric f_beta(logits, label, beta = -1.0);
        metric hit = accuracy(logits, label, threshold = 1.0 / 0.0);
    }
}

fn main() {}
