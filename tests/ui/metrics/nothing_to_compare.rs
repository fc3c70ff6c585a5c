use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric accuracy(logits);
        metric logits >> auc;
        metric curve = roc_curve;
    }
}

fn main() {}
