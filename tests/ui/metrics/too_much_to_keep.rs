use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(300)[2];
        target tags: [40000];
        logits = x >> dense(600) >> reshape([2, 300]);
        wide = x >> dense(40000);
        output y = logits;
        metric confusion_matrix(logits, label);
        metric auc(wide, tags);
    }
}

fn main() {}
