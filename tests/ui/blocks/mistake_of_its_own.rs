use nn::network;

network! {
    pub network Example {
        block head(v, n) {
            v >> dens(n) >> relu(1)
        }
        block idle(v) {
            v >> dense(3, biass = true)
        }
        input x: [4];
        output a = x >> head(2);
        output b = x >> head(3);
    }
}

fn main() {}
