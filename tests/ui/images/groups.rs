use nn::network;

network! {
    pub network Example {
        input x: [6, 8, 8];
        output a = x >> conv2d(8, 3, groups = 4);
        output b = x >> conv2d(8, 3, groups = 3);
        output c = x >> conv_transpose2d(5, 3, groups = 2);
        output d = x >> group_norm(4);
        output e = x >> channel_shuffle(5);
        output f = x >> conv2d(6, 3, groups = 0);
    }
}

fn main() {}
