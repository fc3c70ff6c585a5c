use nn::network;

network! {
    pub network Example {
        input x: [64, 8];
        (a, b, c) = x >> split(21);
        (d, e) = x >> split([32, 31]);
        (f, g) = x >> split(16);
        output h = x >> split(32);
        (i, j) = x >> split(8, axis = 2);
        output k = stack([]);
        output l = concat([]);
        output all = concat([a, b, c, d, e, f, g, i, j]);
    }
}

fn main() {}
