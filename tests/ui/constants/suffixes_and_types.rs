use nn::network;

network! {
    pub network Example {
        const A: usize = 3;
        const B = 4u32;
        const C = 1.5f32;
        input x: [A, B];
        output y = x * C;
    }
}

fn main() {}
