use nn::network;

network! {
    pub network Example {
        input x: [6, 9, 8];
        output a = x >> pixel_shuffle(2);
        output b = x >> pixel_unshuffle(2);
        output c = x >> channel_shuffle(4);
    }
}

fn main() {}
