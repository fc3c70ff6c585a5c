use nn::network;

network! {
    pub network Example {
        input x: [784];
        target t: class(2);
        p = x >> fc(1) >> sigmoid;
        output y = p;
        loss bce(p, t);
    }
}

fn main() {}
