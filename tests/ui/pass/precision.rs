//! `precision` begins a statement before another name, and is a name otherwise.

nn::network! {
    pub network Example {
        input x: [4];
        target y: [2];
        precision = x >> dense(3);
        p = precision >> dense(2);
        output p;
        loss mse(p, y);
        optimizer adam(skip_non_finite = true);
        precision mixed(loss_scale = 128.0, dynamic = false);
    }
}

fn main() {
    let _ = Example::plan();
}
