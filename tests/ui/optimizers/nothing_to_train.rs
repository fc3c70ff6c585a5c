use nn::network;

network! {
    pub network Example {
        input x: [4];
        target t: [4];
        output y = x >> relu;
        loss mse(x, t);
        optimizer adam;
    }

    pub network Aside {
        input x: [4];
        target t: [4];
        output y = x >> dense(4);
        loss mse(x, t);
        optimizer adam;
    }
}

fn main() {}
