use nn::network;

network! {
    network Classes {
        input x: [20, 8];
        target t: class(5)[6];
        scores = x >> gru(16) >> linear(4);
        output y = scores;
        loss ctc(scores, t);
    }
    network OneStep {
        input x: [8];
        target t: class(5)[6];
        scores = x >> dense(5);
        output y = scores;
        loss ctc(scores, t);
    }
    network OneLabel {
        input x: [20, 8];
        target t: class(5);
        scores = x >> linear(5);
        output y = scores;
        loss ctc(scores, t);
    }
    network Numbers {
        input x: [20, 8];
        target t: [6];
        scores = x >> linear(5);
        output y = scores;
        loss ctc(scores, t);
    }
    network Blank {
        input x: [20, 8];
        target t: class(5)[6];
        scores = x >> linear(5);
        output y = scores;
        loss ctc(scores, t, blank = 7);
    }
    network TooLong {
        input x: [20, 8];
        input steps: class(30);
        target t: class(5)[6];
        scores = x >> linear(5);
        output y = scores;
        loss ctc(scores, t, input_length = steps);
    }
    network Lengths {
        input x: [20, 8];
        target n: class(7)[2];
        target t: class(5)[6];
        scores = x >> linear(5);
        output y = scores;
        loss ctc(scores, t, target_length = n);
    }
    network Length {
        input x: [20, 8];
        target t: class(5)[6];
        scores = x >> linear(5);
        output y = scores;
        loss ctc(scores, t, target_length = 3);
    }
}

fn main() {}
