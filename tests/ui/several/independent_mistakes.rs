use nn::network;

network! {
    pub network Example {
        const CLASSES = 10;
        input  image: [1, 28, 28];
        target label: class(CLASES);
        stem   = image >> dense(64) >> relu;
        body   = stem >> dense(32) >> rleu;
        logits = image >> flatten >> dense(CLASSES);
        side   = body + stem + logits;
        output    probability = softmax(logits, axs = 0);
        loss      cross_entropy(logits, label) + square(logits);
        metric    accuracy(logits, lable);
        optimizer adm(learning_rate = 1e-3);
    }
}

fn main() {}
