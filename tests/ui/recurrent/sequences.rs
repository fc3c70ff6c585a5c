use nn::network;

network! {
    network N {
        input x: [6, 4];
        input z: [5, 4];
        input w: [4];
        input tokens: class(9)[6];
        _vector = w >> lstm(8);
        _volume = x >> reshape([2, 3, 4]) >> gru(8);
        _classes = tokens >> rnn(8);
        _nothing = lstm(8);
        _dense = x >> lstm(8) >> dense(3);
        _last = x >> lstm(8) >> last(axis = 2);
        output all = x >> flatten;
    }
}

fn main() {}
