use nn::network;

network! {
    pub network Example {
        const WIDTH = 3;
        input x: [4];
        scale = x >> dense(4);
        block layer(v) {
            v * scale >> dense(WIDTH)
        }
        output y = x >> layer;
    }
}

fn main() {}
