use nn::network;

network! {
    pub network Example {
        input image: [784];
        hidden = image >> dense(64);
        output y = hiden >> dense(10);
    }
}

fn main() {}
