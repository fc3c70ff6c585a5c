//! Precisions that do not exist, words from elsewhere, and what is no precision at all.

nn::network! {
    network Typo {
        input x: [4];
        output y = x >> dense(2);
        precision mixd;
    }
}

nn::network! {
    network Elsewhere {
        input x: [4];
        output y = x >> dense(2);
        precision float16;
    }
}

nn::network! {
    network Nothing {
        input x: [4];
        output y = x >> dense(2);
        precision quick(loss_scale = 8.0);
    }
}

nn::network! {
    network Value {
        input x: [4];
        output y = x >> mixed >> dense(2);
    }
}

nn::network! {
    network Word {
        input x: [4];
        output y = x >> dense(2);
        precison mixed;
    }
}

fn main() {}
