use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric roc_curve(x, label);
        metric confusion_matrix(x, label);
    }
}

fn main() {}
