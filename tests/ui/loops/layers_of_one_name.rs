use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> repeat(2, |v| v >> dense(4, name = "same") >> dense(4, name = "same"));
        b = x >> repeat(2, dense(4, name = "own")) >> repeat(2, dense(4, name = "own"));
        output y = a + b;
    }
}

fn main() {}
