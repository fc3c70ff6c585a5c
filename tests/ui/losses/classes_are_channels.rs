use nn::network;

network! {
    pub network Example {
        input image: [5, 8, 8];
        target label: class(5)[8, 8];
        output y = image;
        loss cross_entropy(image * 2.0, label);
    }
}

fn main() {}
