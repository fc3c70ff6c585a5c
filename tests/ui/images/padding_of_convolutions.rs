use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> conv2d(8, 3, padding = sane);
        output b = x >> conv2d(8, 3, padding = full);
        output c = x >> conv2d(8, 3, padding = same, stride = 2);
        output d = x >> conv2d(8, 3, padding = "big");
        output e = x >> conv2d(8, 3, padding = 1, padding_mode = reflected);
        output f = x >> conv2d(8, 3, padding = 8, padding_mode = reflect);
        output g = x >> conv2d(8, 3, padding = [1, 9], padding_mode = circular);
        output h = x >> max_pool2d(2, padding = same);
    }
}

fn main() {}
