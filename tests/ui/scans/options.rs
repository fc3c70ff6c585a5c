use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        scan typo(x_t in x, h = zeros(4), revers = true) {
            h = h + x_t;
            h
        }
        scan unknown(x_t in x, h = zeros(4), unrolled = true) {
            h = h + x_t;
            h
        }
        scan number(x_t in x, h = zeros(4), reverse = 1) {
            h = h + x_t;
            h
        }
        _used = concat([typo, unknown, number]);
        output all = x >> flatten;
    }
}

fn main() {}
