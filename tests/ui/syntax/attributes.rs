use nn::network;

network! {
    pub network Example {
        input x: [3];
        /// Hidden features.
        h = x >> dense(3);
        pub output y = h;
    }
}

fn main() {}
