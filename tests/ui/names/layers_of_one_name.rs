use nn::network;

network! {
    pub network Example {
        input x: [4];
        output y = x >> dense(4, name = "head") >> dense(4, name = "head") >> dense(4, name = "a b");
    }
}

fn main() {}
