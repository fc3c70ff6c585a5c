use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> conv2d(8, [3, 3, 3]);
        output b = x >> conv2d(8, 3, stride = [2]);
        output c = x >> conv2d(8, 3.0);
        output d = x >> conv2d(8, 3, padding = [1.5, 1]);
        output e = x >> conv2d(8, 3, dilation = true);
        output f = x >> reshape([3, 64]) >> max_pool1d([2, 2]);
        output g = x >> pad([1, 1, 1, 1]);
        output h = x >> pad([[1, 1, 1], [1, 1, 1]]);
    }
}

fn main() {}
