use nn::network;

network! {
    pub network Example {
        input x: [4];
        target label: class(3);
        logits = x >> dense(3);
        output y = logits;
        metric rmse(x, logits);
        metric r2(x, logits);
        metric cosine_similarity(x, logits);
    }
}

fn main() {}
