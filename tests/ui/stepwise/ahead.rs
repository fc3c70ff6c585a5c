//! What depends on later positions has no steps.

nn::network! {
    network Seeing {
        input x: [8, 4];
        output y = x >> self_attention(2);
        stepwise x;
    }
}

nn::network! {
    network Deep {
        input x: [8, 4];
        body = x >> repeat(2, |x| x >> transformer_encoder_layer(2, feedforward = 8));
        output y = body;
        stepwise x;
    }
}

nn::network! {
    network Both {
        input x: [8, 4];
        output y = x >> gru(4, bidirectional = true);
        stepwise x;
    }
}

nn::network! {
    network Mean {
        input x: [8, 4];
        centred = x - mean(x, axis = 0);
        output y = centred >> linear(2);
        stepwise x;
    }
}

nn::network! {
    network Flipped {
        input x: [8, 4];
        output y = flip(x, axis = 0);
        stepwise x;
    }
}

nn::network! {
    network Padded {
        input x: [8, 4];
        output y = x >> permute([1, 0]) >> conv1d(4, 5, padding = same) >> permute([1, 0]);
        stepwise x;
    }
}

nn::network! {
    network Shorter {
        input x: [8, 4];
        output y = x >> permute([1, 0]) >> conv1d(4, 3) >> permute([1, 0]);
        stepwise x;
    }
}

nn::network! {
    network Flat {
        input x: [8, 4];
        output y = x >> flatten >> dense(3);
        stepwise x;
    }
}

nn::network! {
    network End {
        input x: [8, 4];
        read = x >> lstm(4);
        output y = read + read.h;
        stepwise x;
    }
}

fn main() {}
