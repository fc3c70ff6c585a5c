use nn::network;

network! {
    block head(x, n) {
        x >> dense(n) >> sofmax
    }
    network First {
        input x: [3];
        output y = x >> head(2);
        output z = q;
    }
    network Second {
        input x: [3, 3];
        output y = x >> dense(2);
        outptu z = x;
    }
}

fn main() {}
