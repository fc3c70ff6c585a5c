use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        const N = 4;
        weighted = 2.0 * w;
        scan memory(x_t in x, h = zeros(N)) {
            gate = sigmoid(linear(x_t, N)) * weighted;
            h = h * gate + later;
            h
        }
        later = w + 1.0;
        _used = memory;
        output all = x >> flatten;
    }
}

fn main() {}
