use nn::network;

network! {
    pub network Example {
        inptu x: [3];
        input z: [3];
        outptu y = z;
        output w = z;
    }
}

fn main() {}
