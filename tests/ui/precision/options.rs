//! Options of mixed precision that make no sense.

nn::network! {
    network Example {
        input x: [4];
        output y = x >> dense(2);
        precision mixed(loss_scale = 0.0);
    }
}

nn::network! {
    network Growth {
        input x: [4];
        output y = x >> dense(2);
        precision mixed(growth_factor = 1.0);
    }
}

nn::network! {
    network Backoff {
        input x: [4];
        output y = x >> dense(2);
        precision mixed(backoff_factor = 1.5, growth_interval = 0);
    }
}

nn::network! {
    network Names {
        input x: [4];
        output y = x >> dense(2);
        precision mixed(loss_scal = 8.0, dynamic = 1);
    }
}

nn::network! {
    network Position {
        input x: [4];
        output y = x >> dense(2);
        precision mixed(1024.0);
    }
}

nn::network! {
    network Full {
        input x: [4];
        output y = x >> dense(2);
        precision full(loss_scale = 8.0);
    }
}

fn main() {}
