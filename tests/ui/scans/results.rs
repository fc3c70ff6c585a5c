use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        scan memory(x_t in x, hidden = zeros(4), cell = zeros(4)) {
            cell = cell + x_t;
            hidden = tanh(cell);
            hidden
        }
        (_a, _b) = memory;
        _c = memory.hiden;
        _d = memory.x;
        _e = w.h;
        _f = memory >> dense(3);
        _g = x >> memory;
        output all = x >> flatten;
    }
}

fn main() {}
