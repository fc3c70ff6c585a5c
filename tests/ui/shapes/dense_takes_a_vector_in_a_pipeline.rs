use nn::network;

network! {
    pub network Example {
        input image: [3, 8, 8];
        output y = image >> relu >> dense(10, bias = false) >> softmax;
    }
}

fn main() {}
