use nn::network;

network! {
    pub network Example {
        input token: class(50)[12];
        output y = token;
        output z = token >> relu;
    }
}

fn main() {}
