//! Loops with a body of the user's own, against the same loops written out in PyTorch.

use crate::sequences;

sequences! {
    scan_lstm [6, 4] {} {
        scan a(x_t in s, h = zeros(5), c = zeros(5)) {
            gates = linear(concat([x_t, h]), 4 * 5);
            (i, f, g, o) = chunk(gates, 4);
            c = sigmoid(f) * c + sigmoid(i) * tanh(g);
            h = sigmoid(o) * tanh(c);
            h
        }
    } (a, a.h, a.c) sgd(learning_rate = 0.02);

    // Gers and Schmidhuber: gates see the cell, each its own number of it; the output gate sees the new value.
    scan_peephole [5, 3] {} {
        block peep(c) { c >> reshape([-1, 1]) >> conv1d(dim(c, 0), 1, groups = dim(c, 0), bias = false) >> flatten }
        scan a(x_t in s, h = zeros(4), c = zeros(4)) {
            both = concat([x_t, h]);
            i = sigmoid(linear(both, 4) + peep(c));
            f = sigmoid(linear(both, 4) + peep(c));
            c = f * c + i * tanh(linear(both, 4));
            o = sigmoid(linear(both, 4) + peep(c));
            h = o * tanh(c);
            h
        }
    } (a, a.h, a.c) sgd(learning_rate = 0.02);

    // Ba, Kiros and Hinton: both products and the cell are normalized.
    scan_layer_norm [5, 3] {} {
        scan a(x_t in s, h = zeros(4), c = zeros(4)) {
            seen = linear(x_t, 16, bias = false) >> layer_norm;
            kept = linear(h, 16, bias = false) >> layer_norm;
            (i, f, g, o) = chunk(seen + kept, 4);
            c = sigmoid(f) * c + sigmoid(i) * tanh(g);
            h = sigmoid(o) * tanh(c >> layer_norm);
            h
        }
    } (a, a.h, a.c) sgd(learning_rate = 0.02);

    scan_reverse [5, 3] { input h0: [5]; } {
        scan a(x_t in s, h = h0, reverse = true) {
            h = tanh(linear(concat([x_t, h]), 5));
            h
        }
    } (a, a.h) sgd(learning_rate = 0.02);

    // Two sequences, a tensor that each step reads as a whole (attention over it), and a state that is a number.
    scan_two_sequences [4, 3] { input z: [4, 2]; input w: [6, 3]; } {
        scan a(x_t in s, z_t in z, h = zeros(3), n = 0.0, w = w) {
            score = matmul(w, h >> reshape([3, 1])) >> flatten >> softmax;
            seen = matmul(score >> reshape([1, 6]), w) >> flatten;
            h = tanh(linear(concat([x_t, z_t, seen]), 3));
            n = n * 0.5 + mean(h);
            concat([h, n >> reshape([1])])
        }
    } (a, a.h, a.n) sgd(learning_rate = 0.02);

    // What stands before a state's new value reads the old one, what stands behind it the new one.
    scan_old_and_new [5, 3] {} {
        scan a(x_t in s, a = ones(3), b = zeros(3)) {
            before = a * b;
            a = tanh(linear(x_t, 3) + b);
            b = a * 0.5 + before;
            before + a * b
        }
    } (a, a.a, a.b) sgd(learning_rate = 0.02);

    scan_without_states [4, 3] {} {
        scan a(x_t in s) { tanh(linear(x_t, 3)) * mean(x_t) }
    } (a) sgd(learning_rate = 0.02);

    scan_bidirectional [5, 3] {} {
        block memory(x, back) {
            scan all(x_t in x, h = zeros(3), reverse = back) {
                h = tanh(linear(concat([x_t, h]), 3));
                h
            }
            (all, all.h)
        }
        (there, h) = s >> memory(false);
        (back, k) = s >> memory(true);
        a = concat([there, back], axis = 1);
    } (a, h * k) sgd(learning_rate = 0.02);
}
