use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        scan no_value(x_t in x, h = zeros(4)) {
            h = h + x_t;
        }
        scan hidden(x_t in x, h = zeros(4)) {
            h = h + x_t;
            h;
        }
        scan statements(x_t in x, h = zeros(4)) {
            input more: [4];
            h = h + x_t;
            loss mean(h);
            h
        }
        scan no_body(x_t in x, h = zeros(4));
        scan no_parameters {
            1.0
        }
        scan equals(x_t : x, h = zeros(4)) {
            h = h + x_t;
            h
        }
        scan two(x_t in x, x_t in z) {
            x_t
        }
        scn typo(x_t in x, h = zeros(4)) {
            h = h + x_t;
            h
        }
        as_function = scan(x);
        scan = x;
        _used = concat([no_value, hidden, statements, no_body, no_parameters, equals, two, typo, as_function]);
        output all = x >> flatten;
    }
}

fn main() {}
