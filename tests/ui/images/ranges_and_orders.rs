use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        input y: [3, 8];
        output a = x >> slice(4, 2, axis = 1);
        output b = x >> slice(0, 9, axis = -1);
        output c = x >> slice(-4);
        output d = x >> permute([1, 0]);
        output e = x >> permute([0, 1, 1]);
        output f = x >> permute([0, 1, 3]);
        output g = stack([x, y]);
        output h = x >> permute(1);
    }
}

fn main() {}
