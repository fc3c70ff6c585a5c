use nn::network;

network! {
    pub network Example {
        input x: [5, 3];
        target y: class(3)[5];
        output p = x;
        loss cross_entropy(x, y, mask = 1.0);
        metric accuracy(x, y, mask = y);
        metric iou(x, y, mask = [1, 0, 1, 1, 1]);
    }
}

fn main() {}
