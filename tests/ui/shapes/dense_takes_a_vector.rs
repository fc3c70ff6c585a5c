use nn::network;

network! {
    pub network Example {
        input image: [1, 28, 28];
        stem = image >> linear(14);
        output logits = stem >> dense(10);
    }
}

fn main() {}
