use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        scan shape(x_t in x, h = zeros(8)) {
            h = tanh(x_t + sum(h));
            h
        }
        scan scalar(x_t in x, n = 0.0) {
            n = n + x_t;
            n
        }
        scan never(x_t in x, h = zeros(4)) {
            x_t + h
        }
        scan twice(x_t in x, h = zeros(4)) {
            h = h + x_t;
            h = tanh(h);
            h
        }
        scan initializer(x_t in x, h = zeros) {
            h = h + x_t;
            h
        }
        scan braces(x_t in x, h = zeros(4)) {
            h = if true { h = x_t; h } else { h };
            h
        }
        scan step(x_t in x, h = zeros(4)) {
            x_t = 2.0 * x_t;
            h = h + x_t;
            h
        }
        scan classes(x_t in x, h = tokens) {
            h = h + x_t;
            h
        }
        scan without(x_t in x, h) {
            h = h + x_t;
            h
        }
        _used = concat([shape, scalar, never, twice, initializer, braces, step, classes, without]);
        output all = x >> flatten;
    }
}

fn main() {}
