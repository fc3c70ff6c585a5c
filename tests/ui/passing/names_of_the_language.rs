use nn::network;

network! {
    pub network Example {
        input x: [4];
        block norm(v, dense: block) { v >> dense }
        block typed(v, body: blok, n: i32) { v >> body }
        output y = x >> norm(relu);
    }
}

fn main() {}
