use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        block inner(x) {
            scan sums(x_t in x, s = zeros(4)) {
                s = s + x_t;
                s
            }
            sums
        }
        scan outer(x_t in x, h = zeros(4), w = z) {
            scan middle(z_t in w, s = zeros(4)) {
                s = s + z_t;
                s
            }
            h = h + middle.s + x_t;
            h
        }
        scan by_block(x_t in x, h = zeros(4), w = z) {
            h = h + sum(w >> inner, axis = 0) + x_t;
            h
        }
        scan normalized(x_t in x, h = zeros(4)) {
            h = h + x_t >> linear(4) >> batch_norm;
            h
        }
        _used = concat([outer, by_block, normalized]);
        output all = x >> flatten;
    }
}

fn main() {}
