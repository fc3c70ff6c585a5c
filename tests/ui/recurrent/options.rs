use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        _hidden = x >> lstm;
        _zero = x >> lstm(0);
        _units = x >> lstm(units = 8);
        _elsewhere = x >> gru(8, num_layers = 2);
        _dropout = x >> gru(8, layers = 2, dropout = 1.5);
        _typo = x >> gru(8, bidirectionl = true);
        _activation = x >> rnn(8, activation = gelu);
        _position = x >> lstm(8, 2);
        _split = x >> chunk(4);
        _name = x >> simple_rnn(8);
        _fill = zeros(0) + ones([2, 0]) + zeros(1.5);
        _init = x >> linear(8, init = zeros(8));
        output all = x >> flatten;
    }
}

fn main() {}
