use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> conv_transpose2d(8, 3, stride = 2, output_padding = 2);
        output b = x >> conv_transpose2d(8, 1, padding = 4);
        output c = x >> conv_transpose2d(8, 3, padding = same);
        output d = x >> conv_transpose1d(8, 3);
    }
}

fn main() {}
