use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        scan lengths(x_t in x, z_t in z, h = zeros(4)) {
            h = h + x_t * z_t;
            h
        }
        scan nothing(h = zeros(4)) {
            h = h + 1.0;
            h
        }
        scan scalar(x_t in sum(x), h = zeros(4)) {
            h = h + x_t;
            h
        }
        scan number(x_t in 6, h = zeros(4)) {
            h = h + x_t;
            h
        }
        scan words(token in tokens, h = zeros(4)) {
            h = h + token;
            h
        }
        _used = concat([lengths, nothing, scalar, number, words]);
        _z = z;
        output all = x >> flatten;
    }
}

fn main() {}
