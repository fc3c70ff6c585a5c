use nn::network;

network! {
    pub network Example {
        input x: [5, 3];
        target y: class(3)[5];
        output p = x;
        loss cross_entropy(x, y, ignore_index = 3);
        metric accuracy(x, y, ignore_index = -100);
        metric perplexity(x, y, ignore_index = 0.5);
    }
}

fn main() {}
