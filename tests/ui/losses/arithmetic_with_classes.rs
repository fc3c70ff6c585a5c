use nn::network;

network! {
    pub network Example {
        input x: [4];
        target t: class(3);
        p = x >> dense(1);
        output y = p;
        loss mean(square(p - t));
    }
}

fn main() {}
