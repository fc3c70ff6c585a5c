//! Recurrent layers: every kind, direction and depth, with all that they give and all that they can begin with.

use crate::sequences;

sequences! {
    rnn [6, 4] {} { (a, h) = s >> rnn(5); } (a, h) sgd(learning_rate = 0.02);
    rnn_relu [6, 4] {} { (a, h) = s >> rnn(5, activation = relu); } (a, h) sgd(learning_rate = 0.02);
    rnn_without_bias [5, 3] {} { (a, h) = s >> rnn(4, bias = false); } (a, h) sgd(learning_rate = 0.02);
    rnn_layers [5, 3] {} { (a, h) = s >> rnn(4, layers = 3); } (a, h) sgd(learning_rate = 0.02);
    rnn_bidirectional [6, 4] {} { (a, h) = s >> rnn(3, bidirectional = true); } (a, h) sgd(learning_rate = 0.02);
    rnn_initial [6, 4] { input h0: [5]; } { (a, h) = s >> rnn(5, h = h0); } (a, h) sgd(learning_rate = 0.02);
    rnn_deep_bidirectional [4, 3] { input h0: [4, 3]; } {
        (a, h) = s >> rnn(3, layers = 2, bidirectional = true, h = h0);
    } (a, h) sgd(learning_rate = 0.02);
    lstm [6, 4] {} { (a, h, c) = s >> lstm(5); } (a, h, c) sgd(learning_rate = 0.02);
    lstm_without_bias [5, 3] {} { (a, h, c) = s >> lstm(4, bias = false); } (a, h, c) sgd(learning_rate = 0.02);
    lstm_layers [5, 3] {} { (a, h, c) = s >> lstm(4, layers = 3); } (a, h, c) sgd(learning_rate = 0.02);
    lstm_bidirectional [6, 4] {} {
        (a, h, c) = s >> lstm(3, bidirectional = true);
    } (a, h, c) sgd(learning_rate = 0.02);
    lstm_initial [6, 4] { input h0: [5]; input c0: [5]; } {
        (a, h, c) = s >> lstm(5, h = h0, c = c0);
    } (a, h, c) sgd(learning_rate = 0.02);
    lstm_deep_bidirectional [4, 3] { input h0: [4, 3]; input c0: [4, 3]; } {
        (a, h, c) = s >> lstm(3, layers = 2, bidirectional = true, h = h0, c = c0);
    } (a, h, c) sgd(learning_rate = 0.02);
    lstm_one_step [1, 4] {} { (a, h, c) = s >> lstm(5); } (a, h, c) sgd(learning_rate = 0.02);
    lstm_long [40, 2] {} { (a, h, c) = s >> lstm(8); } (a, h, c) sgd(learning_rate = 0.02);
    gru [6, 4] {} { (a, h) = s >> gru(5); } (a, h) sgd(learning_rate = 0.02);
    gru_without_bias [5, 3] {} { (a, h) = s >> gru(4, bias = false); } (a, h) sgd(learning_rate = 0.02);
    gru_layers [5, 3] {} { (a, h) = s >> gru(4, layers = 3); } (a, h) sgd(learning_rate = 0.02);
    gru_bidirectional [6, 4] {} { (a, h) = s >> gru(3, bidirectional = true); } (a, h) sgd(learning_rate = 0.02);
    gru_initial [6, 4] { input h0: [5]; } { (a, h) = s >> gru(5, h = h0); } (a, h) sgd(learning_rate = 0.02);
    gru_deep_bidirectional [4, 3] { input h0: [4, 3]; } {
        (a, h) = s >> gru(3, layers = 2, bidirectional = true, h = h0);
    } (a, h) sgd(learning_rate = 0.02);

    rnn_lengths [6, 4] { input n: class(7); } { (a, h) = s >> rnn(5, length = n); } (a, h) sgd(learning_rate = 0.02);
    lstm_lengths [6, 4] { input n: class(7); } {
        (a, h, c) = s >> lstm(5, length = n);
    } (a, h, c) sgd(learning_rate = 0.02);
    gru_lengths [6, 4] { input n: class(7); } { (a, h) = s >> gru(5, length = n); } (a, h) sgd(learning_rate = 0.02);
    rnn_lengths_bidirectional [6, 4] { input n: class(7); } {
        (a, h) = s >> rnn(3, bidirectional = true, length = n);
    } (a, h) sgd(learning_rate = 0.02);
    lstm_lengths_layers [5, 3] { input n: class(6); } {
        (a, h, c) = s >> lstm(4, layers = 3, length = n);
    } (a, h, c) sgd(learning_rate = 0.02);
    lstm_lengths_deep_bidirectional [4, 3] { input h0: [4, 3]; input c0: [4, 3]; input n: class(5); } {
        (a, h, c) = s >> lstm(3, layers = 2, bidirectional = true, h = h0, c = c0, length = n);
    } (a, h, c) sgd(learning_rate = 0.02);
    gru_lengths_deep_bidirectional [4, 3] { input h0: [4, 3]; input n: class(5); } {
        (a, h) = s >> gru(3, layers = 2, bidirectional = true, h = h0, length = n);
    } (a, h) sgd(learning_rate = 0.02);

    lstm_last [6, 4] {} { a = s >> lstm(8) >> last; } (a) adam(learning_rate = 0.01);
    gru_final_state [6, 4] {} { all = s >> gru(4); a = all.h; } (a) adam(learning_rate = 0.01);
    stacked_kinds [5, 3] {} {
        b = s >> lstm(5, bidirectional = true); a = tanh(b) >> gru(4);
    } (a) sgd(learning_rate = 0.02);
    encoder_decoder [5, 3] { input z: [4, 2]; } {
        encoded = s >> lstm(5);
        a = z >> lstm(5, h = encoded.h, c = encoded.c);
    } (a) sgd(learning_rate = 0.02);
}
