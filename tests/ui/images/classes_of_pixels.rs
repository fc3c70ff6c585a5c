use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        target mask: class(4)[8, 8];
        target soft: [1, 8, 8];
        logits = x >> conv2d(4, 1);
        loss dice_loss(softmax(logits, axis = 0), mask) + focal_loss(logits, mask) + dice_loss(logits, soft);
        metric iou(logits, mask);
        metric overlap = 2 * iou(logits, mask, axis = 0);
        metric accuracy(logits, mask);
        optimizer adam();
    }
}

fn main() {}
