use nn::network;

network! {
    pub network Example {
        block typed(v: f32) { v }
        block doubled(v, v) { v }
        block unnamed { 3 }
        input x: [4];
        output y = x >> typed >> doubled;
    }
}

fn main() {}
