use nn::network;

network! {
    pub network Example {
        input x: [4];
        block a(v) {
            h = v >> relu;
        }
        block b(v) {
            v >> relu;
        }
        block c(v) {
        }
        output y = x >> a >> b >> c;
    }
}

fn main() {}
