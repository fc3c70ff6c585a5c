use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        input n: class(9);
        _wide = x >> lstm(8, length = tokens);
        _long = x >> lstm(8, length = n);
        _number_of_steps = x >> lstm(8, length = 6);
        _measured = x >> lstm(8, length = z);
        _one = x >> lstm(8, h = w);
        _rows = x >> lstm(8, layers = 2, bidirectional = true, h = zeros(8), c = zeros([4, 8]));
        _number = x >> gru(8, h = 0.0);
        _initializer = x >> gru(8, h = zeros);
        _c = x >> gru(8, c = zeros(8));
        (_y, _h) = x >> lstm(8);
        y = x >> rnn(8);
        _cell = y.c;
        output all = x >> flatten;
    }
}

fn main() {}
