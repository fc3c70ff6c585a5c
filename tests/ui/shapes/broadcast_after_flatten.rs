use nn::network;

network! {
    pub network Example {
        input image: [2, 8];
        h = image >> flatten >> dense(16);
        output y = image - h;
    }
}

fn main() {}
